import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHROMIUM_LAUNCH, findUnnamed, openConsolePage, signInToConsole } from "@kagami/testkit";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { startTestReplica } from "../support/replicas.ts";
import { startTestServer, TEST_KEY, type TestServer } from "../support/start-server.ts";

const TOKEN = "0123456789abcdef";
const WAIT_MS = 20_000;
/** One pixel. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);

let browser: Browser;
let server: TestServer;
let client: RawClient;
let page: Page;
let problems: readonly string[];

beforeAll(async () => {
  browser = await chromium.launch(CHROMIUM_LAUNCH);
}, 60_000);

afterAll(() => browser?.close());

beforeEach(async () => {
  server = await startTestServer({ adminToken: TOKEN });
  client = new RawClient(server.host);
  ({ page, problems } = await openConsolePage(browser, server.adminUrl, WAIT_MS));
  page.on("dialog", (dialog) => void dialog.accept());
}, 30_000);

afterEach(async () => {
  await page.close();
  await server.end();
});

async function signIn(path = "/"): Promise<void> {
  await signInToConsole(page, `${server.adminUrl}${path}`, TOKEN);
  await page.getByRole("heading", { level: 2 }).waitFor();
}

test("a bucket is made, a picture uploaded, looked at and shared by a link that needs no credentials", async () => {
  await signIn();
  await page.getByRole("link", { name: "Buckets" }).click();
  await page.getByLabel("Name of the bucket").fill("media");
  await page.getByRole("button", { name: "Make bucket" }).press("Enter");
  await page.getByText("Bucket media is made.").waitFor();
  await page.getByRole("link", { name: "media" }).click();
  await page.getByText("There is nothing here.").waitFor();
  const files = [{ name: "dot.png", mimeType: "image/png", buffer: PNG }];
  await page.getByLabel("Files to upload").setInputFiles(files);
  await page.getByRole("button", { name: "dot.png", exact: true }).click();
  const image = page.getByRole("img", { name: "Preview of dot.png" });
  await image.waitFor();
  await expect
    .poll(() => image.evaluate((shown) => (shown as unknown as { naturalWidth: number }).naturalWidth))
    .toBe(1);
  await page.getByLabel("The link lives for").selectOption("15 minutes");
  await page.getByRole("button", { name: "Make a link" }).click();
  const url = await page.getByRole("textbox", { name: "Link" }).inputValue();
  expect(new URL(url).searchParams.get("X-Amz-Expires")).toBe("900");
  const shared = await fetch(url);
  expect(Buffer.from(await shared.arrayBuffer()).equals(PNG)).toBe(true);
  expect(shared.headers.get("content-type")).toBe("image/png");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("dot.png");
  await page.getByRole("region", { name: "Object dot.png" }).getByRole("button", { name: "Delete" }).click();
  await page.getByText("There is nothing here.").waitFor();
  expect(problems).toEqual([]);
}, 60_000);

test("a large file is sent in parts, and what has its name already is kept unless it is to be replaced", async () => {
  await client.send({ method: "PUT", path: "/media" });
  await client.send({ method: "PUT", path: "/media/in/large.bin", body: "first" });
  await signIn("/#/bucket/media/in%2F");
  const large = join(server.directory, "large.bin");
  const sizeBytes = (16 << 20) + 5;
  await writeFile(large, Buffer.alloc(sizeBytes, "x"));
  await page.getByLabel("Files to upload").setInputFiles(large);
  await page.getByText("in/large.bin: there is an object of this name, which was kept.").waitFor();
  expect((await server.service.store.head("media", "in/large.bin"))?.sizeBytes).toBe(5);
  await page.getByLabel("Replace what has the same name").check();
  await page.getByLabel("Files to upload").setInputFiles(large);
  await page.getByText("in/large.bin is uploaded.").waitFor();
  const entry = await server.service.store.head("media", "in/large.bin");
  expect([entry?.sizeBytes, entry?.etag.slice(-2)]).toEqual([sizeBytes, "-2"]);
  await page.getByRole("button", { name: "Count objects and bytes" }).click();
  await page.getByText("1 object, 16 MiB in all, without older versions.").waitFor();
  const { uploads } = await server.service.store.listUploads({
    bucket: "media",
    prefix: "",
    delimiter: "",
    startAfter: "",
    maxKeys: 10,
  });
  expect(uploads).toEqual([]);
  expect(problems).toEqual([]);
}, 60_000);

test("a user is made, its secret shown once, its key signs requests until it is disabled", async () => {
  await client.send({ method: "PUT", path: "/media" });
  await signIn("/#/users");
  await page.getByLabel("Name of the user").fill("bob");
  await page.getByLabel("May do").selectOption("everything in one bucket");
  await page.getByRole("button", { name: "Make user" }).click();
  const accessKey = await page.getByRole("textbox", { name: "Access key" }).inputValue();
  const secretKey = await page.getByRole("textbox", { name: "Secret key" }).inputValue();
  const as = { accessKey, secretKey };
  expect((await client.send({ method: "PUT", path: "/media/k", body: "by bob", as })).status).toBe(200);
  expect((await client.send({ method: "PUT", path: "/other", as })).code).toBe("AccessDenied");
  await page.getByRole("link", { name: "bob" }).click();
  await page.getByRole("button", { name: `Disable key ${accessKey}` }).click();
  await page.getByText(`Key ${accessKey} is disabled.`).waitFor();
  expect(await page.content()).not.toContain(secretKey);
  expect((await client.send({ path: "/media/k", as })).code).toBe("InvalidAccessKeyId");
  expect(problems).toEqual([]);
}, 60_000);

test("documents of a bucket are saved, and what the server refuses is said", async () => {
  await client.send({ method: "PUT", path: "/media" });
  await client.send({ method: "PUT", path: "/media/k", body: "public" });
  await signIn("/#/bucket/media");
  await page.getByText("Settings of the bucket").click();
  await page.getByLabel("Policy (JSON)").fill("{");
  await page.getByRole("button", { name: "Save policy" }).click();
  await page.getByRole("status").getByText(/polic/i).waitFor();
  await page.getByRole("button", { name: "Write an example of a policy" }).click();
  await page.getByRole("button", { name: "Save policy" }).click();
  await page.getByText("The policy is saved.").waitFor();
  expect(await (await fetch(`${server.url}/media/k`)).text()).toBe("public");
  await page.getByLabel("Delete what begins with").fill("live/<1>");
  await page.getByRole("button", { name: "Add rule" }).click();
  await page.getByRole("button", { name: "Save lifecycle" }).click();
  await page.getByText("The lifecycle is saved.").waitFor();
  await page.getByLabel(/^Versions/).selectOption("enabled");
  await page.getByRole("button", { name: "Save versions" }).click();
  await page.getByText("Versions are enabled.").waitFor();
  const bucket = server.service.store.bucket("media");
  expect(bucket?.versioning).toBe("enabled");
  expect(server.service.documents.lifecycle(bucket ?? expect.unreachable())?.[0]?.filter.prefix).toBe("live/<1>");
  expect(problems).toEqual([]);
}, 60_000);

test("markup in objects and in their names is shown as text and runs nowhere", async () => {
  const script = "<script>parent.document.title = 'broken'; document.title = 'broken'</script>";
  const name = "<img src=x onerror=\"document.title='broken'\">\u202e";
  await client.send({ method: "PUT", path: "/media" });
  const path = `/media/${encodeURIComponent(name).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`;
  expect(
    (await client.send({ method: "PUT", path, body: script, headers: { "content-type": "text/html" } })).status,
  ).toBe(200);
  await signIn("/#/bucket/media");
  await page.getByRole("button", { name: "<img src=x" }).click();
  await page.getByRole("heading", { name: "\\u{202e}" }).waitFor();
  const frame = page.frameLocator("iframe");
  await frame.getByText("parent.document.title").waitFor();
  expect(await frame.locator("script").count()).toBe(0);
  expect(await page.locator("main img").count()).toBe(0);
  const source = (await page.locator("iframe").getAttribute("src")) ?? "";
  const alone = await browser.newPage();
  await alone.goto(`${server.adminUrl}/${source}`);
  expect(await alone.evaluate("[self.origin, document.title]")).toEqual(["null", ""]);
  await alone.close();
  expect(await page.title()).toBe("Bucket media · Object store");
  expect(problems).toEqual([]);
}, 60_000);

test("every part is reached with the keyboard, has names for what can be used, and draws its charts", async () => {
  await client.send({ method: "PUT", path: "/media" });
  await client.send({ method: "PUT", path: "/media/a/b", body: "12345" });
  await signIn();
  await expect
    .poll(() => page.getByRole("slider", { name: /^Requests: now/ }).getAttribute("aria-valuetext"), {
      timeout: WAIT_MS,
    })
    .toMatch(/\/s/);
  const unnamed: unknown[] = [];
  for (const [part, heading] of [
    ["Buckets", "Buckets"],
    ["Users and keys", "Users and keys"],
    ["Replicas", "Replicas"],
    ["Storage", "Storage"],
  ] as const) {
    unnamed.push(...(await findUnnamed(page)));
    await page.getByRole("link", { name: part }).focus();
    await page.keyboard.press("Enter");
    const title = page.getByRole("heading", { name: heading, level: 2 });
    await expect.poll(() => title.evaluate((shown) => shown.matches(":focus")), { timeout: WAIT_MS }).toBe(true);
  }
  await page
    .getByRole("region", { name: /^Volumes/ })
    .getByRole("cell", { name: "until deleted" })
    .first()
    .waitFor();
  await page.getByText("Volumes scrubbed").waitFor();
  await page.goto(`${server.adminUrl}/#/bucket/media`);
  await page.getByRole("link", { name: "a/" }).press("Enter");
  await page.getByRole("button", { name: "b", exact: true }).press("Enter");
  await page.getByRole("heading", { name: "a/b" }).waitFor();
  await page.getByText("Settings of the bucket").press("Enter");
  unnamed.push(...(await findUnnamed(page)));
  expect(unnamed).toEqual([]);
  expect(problems).toEqual([]);
}, 90_000);

test("a replica is added, its token shown once, seen to follow, and removed; its own page says whom it follows", async () => {
  await client.send({ method: "PUT", path: "/media" });
  await signIn("/#/replicas");
  await page.getByText("No replica may follow this store yet.").waitFor();
  await page.getByLabel("Name of the replica").fill("second");
  await page.getByRole("button", { name: "Add replica" }).press("Enter");
  await page.getByText("Replica second may follow.").waitFor();
  const token = await page.getByRole("textbox", { name: "Token" }).inputValue();
  await page.getByRole("cell", { name: "is away" }).waitFor();
  const unnamed = await findUnnamed(page);
  await page.getByRole("button", { name: "I have kept it" }).click();
  expect(await page.locator("main").innerText()).not.toContain(token);
  const replica = await startTestReplica(server, token, { adminToken: TOKEN });
  try {
    await page.getByRole("cell", { name: "follows from 127.0.0.1" }).waitFor();
    await page
      .getByRole("cell", { name: "0.0 s" })
      .or(page.getByRole("cell", { name: "0 s" }))
      .first()
      .waitFor();
    const other = await openConsolePage(browser, replica.adminUrl, WAIT_MS);
    await signInToConsole(other.page, `${replica.adminUrl}/#/replicas`, TOKEN);
    await other.page.getByText(`This is a replica of ${server.url}: it takes no writes.`).waitFor();
    await other.page.getByText("is whole").waitFor();
    unnamed.push(...(await findUnnamed(other.page)));
    expect(other.problems).toEqual([]);
    await other.page.close();
    await page.getByRole("button", { name: "Remove replica second" }).click();
    await page.getByText("Replica second is removed.").waitFor();
    await page.getByText("No replica may follow this store yet.").waitFor();
  } finally {
    await replica.end();
  }
  expect(unnamed).toEqual([]);
  expect(problems).toEqual([]);
}, 60_000);

test("tiers are shown with what waits for them, what went there, and why one is away", async () => {
  const hdd = join(server.directory, "hdd");
  const settings = {
    data: join(server.directory, "tiered"),
    adminToken: TOKEN,
    tiers: [`hdd=${hdd}`],
    tierGatherMs: 1_000,
  };
  let tiered = await startTestServer(settings);
  const look = async () => {
    const opened = await openConsolePage(browser, tiered.adminUrl, WAIT_MS);
    await signInToConsole(opened.page, `${tiered.adminUrl}/#/storage`, TOKEN);
    const { page: shown } = opened;
    const cell = (name: string | RegExp, region: string | RegExp) =>
      shown.getByRole("region", { name: region }).getByRole("cell", { name, exact: true }).first().waitFor();
    return { ...opened, cell, tiers: shown.getByRole("region", { name: "Tiers", exact: true }) };
  };
  try {
    const tieredClient = new RawClient(tiered.host);
    await tieredClient.send({ method: "PUT", path: "/media" });
    const headers = { "x-amz-storage-class": "STANDARD_IA" };
    await tieredClient.send({ method: "PUT", path: "/media/a", body: "cold", headers });
    await tieredClient.send({ path: "/media/a" });
    const before = await look();
    await before.tiers.getByRole("row", { name: /^first STANDARD is well/ }).waitFor();
    await before.tiers.getByRole("row", { name: /^hdd STANDARD_IA is well 1 .* nothing/ }).waitFor();
    await before.tiers.getByText("1, 0, 0").waitFor();
    await before.cell("hdd", /^Volumes/);
    const unnamed = await findUnnamed(before.page);
    await before.page.close();
    await tiered.close(0);
    await rename(hdd, `${hdd}.away`);
    tiered = await startTestServer(settings);
    const after = await look();
    await after.cell(/^missing: .*tier\.json/, "Tiers");
    await after.cell("hdd, away", /^Volumes/);
    unnamed.push(...(await findUnnamed(after.page)));
    await after.page.close();
    expect([before.problems, after.problems, unnamed]).toEqual([[], [], []]);
  } finally {
    await tiered.close(0);
  }
}, 60_000);

test("volumes are scrubbed on request, and what was looked through is shown", async () => {
  const scrubbed = await startTestServer({
    data: join(server.directory, "scrubbed"),
    adminToken: TOKEN,
    volumeBytes: 1 << 20,
  });
  try {
    const writer = new RawClient(scrubbed.host);
    await writer.send({ method: "PUT", path: "/media" });
    for (const key of ["a", "b"])
      await writer.send({ method: "PUT", path: `/media/${key}`, body: "x".repeat(700_000) });
    const { page: shown, problems } = await openConsolePage(browser, scrubbed.adminUrl, WAIT_MS);
    await signInToConsole(shown, `${scrubbed.adminUrl}/#/storage`, TOKEN);
    await shown.getByRole("button", { name: "Scrub all volumes" }).click();
    await shown.getByText("1 sealed volumes will be looked through.").waitFor();
    await shown.getByText(/^1, \d/).waitFor();
    expect(problems).toEqual([]);
    await shown.close();
  } finally {
    await scrubbed.close(0);
  }
}, 60_000);

test("a wrong token shows nothing", async () => {
  await signInToConsole(page, server.adminUrl, "wrong");
  await page.getByText("That token is not the right one.").waitFor();
  expect(await page.locator("main").innerText()).toBe("");
  const client = new RawClient(server.host);
  expect((await client.send({ path: "/", as: TEST_KEY })).status).toBe(200);
}, 30_000);
