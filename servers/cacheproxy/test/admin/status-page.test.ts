import { type AdminServer, startAdmin } from "@kagami/kit";
import { CHROMIUM_LAUNCH, openConsolePage, signInToConsole } from "@kagami/testkit";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ControlWorld } from "../control/control-world.ts";

const SERVERS = ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"];
const TOKEN = "0123456789abcdef";
const WAIT_MS = 10_000;

let browser: Browser;
let world: ControlWorld;
let admin: AdminServer;
let page: Page;
let isOver = false;
let passing: Promise<void>;
let problems: readonly string[];

beforeAll(async () => {
  browser = await chromium.launch(CHROMIUM_LAUNCH);
}, 60_000);

afterAll(() => browser?.close());

beforeEach(async () => {
  world = new ControlWorld();
  const { metrics, plane } = await world.start("p", { servers: SERVERS, adminToken: TOKEN });
  await world.pass(4_000);
  admin = await startAdmin({ address: "127.0.0.1:0", metrics, addRoutes: (router) => plane.addAdminRoutes(router) });
  isOver = false;
  passing = (async () => {
    while (!isOver) await world.step(20);
  })();
  ({ page, problems } = await openConsolePage(browser, `http://${admin.addressText}`, WAIT_MS));
}, 30_000);

afterEach(async () => {
  isOver = true;
  await passing;
  await page.close();
  await admin.close();
  await world.close();
});

async function signIn(): Promise<void> {
  await signInToConsole(page, `http://${admin.addressText}/`, TOKEN);
  await page.getByRole("heading", { name: "Pool main" }).waitFor();
}

test("the page asks for the token, then shows pools and servers, and loads nothing from elsewhere", async () => {
  await signIn();
  expect(await page.locator("#facts").innerText()).toContain("p · epoch 1 · leads 1 proxy");
  expect(await page.getByText("in use").count()).toBe(3);
  expect(problems).toEqual([]);
}, 30_000);

test("keys are shown as text whatever they are made of", async () => {
  const { plane } = world.proxies[0] ?? expect.unreachable("no proxy");
  const keys = ["<img src=x onerror=\"document.title='broken'\">", "a\u202eb", "x\u0007y"];
  const topKeys = keys.map((key) => ({ keyBase64: Buffer.from(key).toString("base64"), perSecond: 5 }));
  const bytes = { keyBase64: Buffer.from([0xff, 0x00]).toString("base64"), perSecond: 1 };
  const zero = { gutterReads: 0, gutterHits: 0, gutterWrites: 0, shadowSent: 0, shadowFailed: 0, hotReads: 0 };
  const moves = { moveHitsTo: 0, moveHitsFrom: 0, moveMisses: 0 };
  plane.report({
    ...{ workerId: 1, epoch: 1, clients: 0, clientsAccepted: 0, clientsRefused: 0, routes: [], servers: [] },
    pools: [{ pool: "main", ...zero, ...moves, topKeys: [...topKeys, bytes] }],
  });
  await signIn();
  await page.getByText("<img src=x onerror=").waitFor();
  const shown = await page.locator("td.key").allInnerTexts();
  expect(shown).toEqual(expect.arrayContaining([keys[0], "a\\u{202e}b", "x\\u{7}y", "base64 /wA="]));
  expect(await page.locator("img").count()).toBe(0);
  expect(await page.title()).toBe("Cache proxy");
  expect(problems).toEqual([]);
}, 30_000);

test("it is live: an ejection by its button is seen without loading it again, and so is the rejoin", async () => {
  await signIn();
  page.on("dialog", (dialog) => void dialog.accept());
  await page.getByRole("button", { name: "Eject" }).first().click();
  await page.getByText(/\(by hand\)/).waitFor();
  await page.getByRole("button", { name: "Readmit" }).click();
  await page.getByText(/\(by hand\)/).waitFor({ state: "detached" });
  await expect.poll(() => page.getByText("in use").count(), { timeout: WAIT_MS }).toBe(3);
  expect(problems).toEqual([]);
}, 40_000);
