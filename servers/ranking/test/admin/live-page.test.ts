import { CHROMIUM_LAUNCH, eventually, findUnnamed, openConsolePage, signInToConsole } from "@kagami/testkit";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startServer } from "../support/start-server.ts";
import { request, WireClient } from "../support/wire-client.ts";

const TOKEN = "0123456789abcdef";
const WAIT_MS = 15_000;

let browser: Browser;
let server: Awaited<ReturnType<typeof startServer>>;
let client: WireClient;
let page: Page;
let origin: string;
let problems: readonly string[];

beforeAll(async () => {
  browser = await chromium.launch(CHROMIUM_LAUNCH);
}, 60_000);

afterAll(() => browser?.close());

beforeEach(async () => {
  server = await startServer({ admin: "127.0.0.1:0", adminToken: TOKEN });
  client = await WireClient.open(server.address);
  origin = `http://${server.addresses.admin}`;
  ({ page, problems } = await openConsolePage(browser, origin, WAIT_MS));
}, 30_000);

afterEach(async () => {
  await page.close();
  client.close();
  await server.close();
});

/** Sends commands and waits until all are answered. */
async function run(...commands: string[][]): Promise<void> {
  client.send(commands.map((command) => request(...command)).join("") + request("ECHO", "done-with-all"));
  await eventually(() => client.received.endsWith("done-with-all\r\n"));
  await client.take(client.received.length);
}

async function signIn(): Promise<void> {
  await signInToConsole(page, origin, TOKEN);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
}

test("the page asks for the token and then shows rates, memory, boards, windows, keys, slow commands, clients and files", async () => {
  await run(
    ["CONFIG", "SET", "slowlog-log-slower-than", "0"],
    ["SET", "large", "x".repeat(20_000)],
    ...Array.from({ length: 100 }, () => ["GET", "large"]),
    ["RANK.ADD", "ann", "50", "BOARDS", "1", "today"],
    ["RANK.ADD", "bob", "70", "BOARDS", "1", "today"],
    ["WIN.HIT", "views", "MEMBER", "ann", "COUNT", "7"],
    ["CLIENT", "SETNAME", "me"],
  );
  expect((await fetch(`${origin}/api/status`)).status).toBe(401);
  await signIn();
  const cell = (name: string) => page.getByRole("cell", { name, exact: true }).first();
  await cell("rank-board").waitFor();
  await cell("bob 70").waitFor();
  await cell("views").waitFor();
  await cell("7").waitFor();
  await page.getByText("≈ 64").or(page.getByText("≈ 128")).first().waitFor();
  await cell("get").waitFor();
  await cell("me").waitFor();
  await page.getByRole("region", { name: "Slow commands" }).getByText("CLIENT SETNAME me").waitFor();
  await page.getByText("Nothing is kept").waitFor();
  expect(problems).toEqual([]);
}, 60_000);

test("a board's ranking is live, can be reached with the keyboard, and says what has changed", async () => {
  await run(["RANK.ADD", "ann", "50", "BOARDS", "1", "today"], ["RANK.ADD", "bob", "70", "BOARDS", "1", "today"]);
  await signIn();
  const show = page.getByRole("button", { name: "Show the ranking of today" });
  await show.focus();
  await page.keyboard.press("Enter");
  const rows = page.getByRole("region", { name: "The best" }).locator("tbody tr");
  await page.getByRole("heading", { name: "Ranking of today" }).waitFor();
  expect(await rows.allInnerTexts()).toEqual(["1\tbob\t70", "2\tann\t50"]);
  await run(["RANK.ADD", "ann", "30", "BOARDS", "1", "today"]);
  await page.getByText("ann has 80 and is number 1").waitFor();
  expect(await rows.allInnerTexts()).toEqual(["1\tann\t80", "2\tbob\t70"]);
  expect(await page.locator("tr.changed").allInnerTexts()).toEqual(["1\tann\t80"]);
  expect(await show.evaluate((button) => button.matches(":focus"))).toBe(true);
  await run(["RANK.REM", "today", "bob"]);
  await page.getByText("bob has left").waitFor();
  expect(problems).toEqual([]);
}, 60_000);

test("a chart is read with the arrow keys, has its values in a table, and its label says what it shows", async () => {
  await signIn();
  for (let i = 0; i < 2; i++) await run(...Array.from({ length: 50 }, () => ["PING"]));
  const chart = page.getByRole("slider", { name: /^Commands: now/ });
  await chart.waitFor();
  await eventually(async () => (await fetchPoints()) >= 3, { timeoutMs: WAIT_MS });
  await eventually(async () => ((await chart.getAttribute("aria-valuetext")) ?? "").includes("/s"), {
    timeoutMs: WAIT_MS,
  });
  await chart.focus();
  await page.keyboard.press("ArrowLeft");
  await eventually(async () => Number(await chart.getAttribute("aria-valuenow")) < 0, { timeoutMs: WAIT_MS });
  await page.getByText("Values of clients").click();
  await page
    .getByRole("region", { name: "Values of clients" })
    .getByRole("cell", { name: "1", exact: true })
    .first()
    .waitFor();
  expect(await findUnnamed(page)).toEqual([]);
  const ids = await page.evaluate<string[]>("[...document.querySelectorAll('[id]')].map(({ id }) => id)");
  expect(new Set(ids).size).toBe(ids.length);
  expect(problems).toEqual([]);
}, 60_000);

async function fetchPoints(): Promise<number> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  return ((await (await fetch(`${origin}/api/history`, { headers })).json()) as unknown[]).length;
}

test("names are shown as text whatever they are made of", async () => {
  const names = ["<img src=x onerror=\"document.title='broken'\">", "a\u202eb", "x\u0007y"];
  const wire = names.map((name) => Buffer.from(name).toString("latin1"));
  await run(...wire.map((name) => ["RANK.ADD", name, "5", "BOARDS", "1", name]), [
    "RANK.ADD",
    "\xff\x00",
    "9",
    "BOARDS",
    "1",
    "\xff\x00",
  ]);
  await signIn();
  const region = page.getByRole("region", { name: "The largest boards" });
  await region.waitFor();
  await eventually(async () => (await region.locator("tbody tr").count()) === 4, { timeoutMs: WAIT_MS });
  const shown = await region.locator("tbody tr td:first-child").allInnerTexts();
  expect(shown).toEqual(expect.arrayContaining([names[0], "a\\u{202e}b", "x\\u{7}y", "base64url _wA"]));
  expect(await page.locator("img").count()).toBe(0);
  expect(await page.title()).toBe("Ranking store");
  expect(problems).toEqual([]);
}, 60_000);
