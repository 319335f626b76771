import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { auditAccessibility } from "./audit.ts";
import { eventually, Harness, type OpenOptions, type OpenPage, untilPlaying } from "./harness.ts";
import type { MockChannel } from "./mock/server.ts";

let harness: Harness;
let demo: MockChannel;
let opened: OpenPage | undefined;

beforeAll(async () => {
  harness = await Harness.start();
});

afterAll(() => harness.close());

beforeEach(() => {
  harness.mock.channels.clear();
  harness.mock.key = "demo-key";
  demo = harness.mock.addChannel("demo", harness.media, { title: "Crystal tower", viewerCount: 1234 });
});

afterEach(async () => {
  const complaints = opened?.complaints ?? [];
  await opened?.close();
  opened = undefined;
  expect(complaints).toEqual([]);
});

async function open(path: string, options?: OpenOptions) {
  opened = await harness.open(path, options);
  return opened.page;
}

test("the directory lists who is live and leads to the stream without loading the page anew", async () => {
  harness.mock.addChannel("hidden", harness.media, { isPrivate: true });
  const page = await open("/");
  const card = page.getByRole("article");
  await eventually(() => card.innerText()).toMatch(/Live[\s\S]*Crystal tower[\s\S]*demo[\s\S]*1,234[\s\S]*360p/);
  expect(await card.count()).toBe(1);
  await page.evaluate(() => Object.assign(window, { isSamePage: true }));
  await page.getByRole("link", { name: "Crystal tower" }).click();
  await untilPlaying(page);
  expect(await page.evaluate(() => "isSamePage" in window)).toBe(true);
  await page.goBack();
  await card.waitFor();
});

test("an empty directory tells how to start, with this server's address", async () => {
  harness.mock.channels.clear();
  const page = await open("/");
  await page.getByRole("heading", { name: "Nobody is live yet" }).waitFor();
  expect(await page.getByLabel("Server", { exact: true }).inputValue()).toBe("rtmp://127.0.0.1:1935/live");
  expect(await page.locator("pre").innerText()).toContain("-f flv rtmp://127.0.0.1:1935/live/YOUR_STREAM_KEY");
  harness.mock.addChannel("late", harness.media, { title: "Here now" });
  await page.getByRole("article").waitFor({ timeout: 7_000 });
});

test("the studio opens with the right key only, and keeps it in the tab", async () => {
  const page = await open("/studio");
  await page.getByLabel("Stream key").fill("wrong");
  await page.getByRole("button", { name: "Open the studio" }).click();
  await eventually(() => page.getByRole("alert").innerText()).toBe("No channel has this stream key");
  await page.getByLabel("Stream key").fill("demo-key");
  await page.getByRole("button", { name: "Open the studio" }).click();
  await page.getByRole("heading", { name: "Stream health" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Stream health" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Stream key").waitFor();
});

test("a key in the address is taken and removed from it", async () => {
  const page = await open("/studio#key=demo-key");
  await page.getByRole("heading", { name: "Stream health" }).waitFor();
  expect(page.url()).toBe(`${harness.origin}/studio`);
});

test("health shows figures, warnings, and charts that can be read by pointer, keys and table", async () => {
  const page = await open("/studio#key=demo-key");
  const health = page.getByRole("region", { name: "Stream health" });
  await eventually(() => health.innerText()).toMatch(/Warning[\s\S]*B-frames[\s\S]*640 × 360[\s\S]*every 2.0 s/);
  expect(await health.innerText()).toContain("WS 1,232, HLS 2");
  const chart = health.getByRole("slider", { name: /^Bitrate: now [\d,]+ kbit\/s, lowest/ });
  await chart.focus();
  await page.keyboard.press("ArrowLeft");
  expect(await chart.getAttribute("aria-valuenow")).toBe("-1");
  await page.keyboard.press("Tab");
  const box = await chart.boundingBox();
  if (box === null) throw new Error("no chart");
  await page.mouse.move(box.x + box.width / 2, box.y + 40);
  await eventually(async () => Number(await chart.getAttribute("aria-valuenow"))).toBeLessThan(-30);
  await page.mouse.move(0, 0);
  await health.getByText("Values of Key-frame interval").click();
  expect(await health.getByRole("table").innerText()).toMatch(/Seconds ago[\s\S]*2\.0/);
});

test("replacing the key asks first, shows the new one once, and goes on with it", async () => {
  const page = await open("/studio#key=demo-key");
  const replace = page.getByRole("button", { name: "Replace the key" });
  const dialog = page.getByRole("dialog");
  await replace.click();
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  expect(harness.mock.key).toBe("demo-key");
  await replace.click();
  await dialog.getByRole("button", { name: "Replace the key" }).click();
  await eventually(() => page.getByLabel("New stream key", { exact: true }).inputValue()).toBe(harness.mock.key);
  expect(harness.mock.key).not.toBe("demo-key");
  expect(await page.evaluate(() => sessionStorage.getItem("kagami.studio.key"))).toBe(harness.mock.key);
  await page.reload();
  await page.getByRole("heading", { name: "Stream health" }).waitFor();
  expect(await page.getByLabel("New stream key", { exact: true }).count()).toBe(0);
});

test("title and privacy are saved, and a private channel gets play links", async () => {
  const page = await open("/studio#key=demo-key");
  await page.getByLabel("Title").fill("Second try");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Second try" }).waitFor();
  expect(demo.title).toBe("Second try");
  await page.getByRole("switch", { name: /Private/ }).focus();
  await page.keyboard.press(" ");
  await eventually(() => demo.isPrivate).toBe(true);
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = page.getByLabel("Play link", { exact: true });
  await eventually(() => link.inputValue()).toBe(`${harness.origin}/watch/demo?token=${harness.mock.token}`);
});

test("stopping the broadcast asks first", async () => {
  const page = await open("/studio#key=demo-key");
  await page.getByRole("button", { name: "Stop broadcast" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop broadcast" }).click();
  await eventually(() => demo.state).toBe("ended");
  await eventually(() => page.locator(".broadcast-state").innerText()).toBe("Offline");
});

test("the theme follows the system until it is chosen", async () => {
  const page = await open("/", { scheme: "light" });
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  expect(await background()).toBe("rgb(246, 247, 248)");
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await background()).toBe("rgb(13, 16, 19)");
  await page.getByRole("button", { name: "Colours: as the system" }).click();
  expect(await background()).toBe("rgb(246, 247, 248)");
  await page.reload();
  await page.getByRole("button", { name: "Colours: light" }).click();
  expect(await background()).toBe("rgb(13, 16, 19)");
});

const PAGES = [
  { path: "/", ready: "article" },
  { path: "/watch/demo", ready: ".live-button.is-live" },
  { path: "/studio", ready: ".sign-in" },
  { path: "/studio#key=demo-key", ready: ".health-figures" },
  { path: "/nothing/here", ready: "h1" },
] as const;

test.each(PAGES)(
  "$path fits 360 px, and can be used without seeing it well, in both themes",
  async ({ path, ready }) => {
    for (const scheme of ["dark", "light"] as const) {
      const page = await open(path, { width: 360, height: 740, scheme });
      await page.locator(ready).first().waitFor();
      if (path === "/watch/demo") await page.keyboard.press("i");
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      expect(await auditAccessibility(page)).toEqual([]);
      expect(await page.evaluate(() => document.querySelectorAll("[style]").length)).toBe(0);
      await opened?.close();
    }
  },
);

test("every control of the watch page can be reached by Tab, and shows the focus", async () => {
  const page = await open("/watch/demo");
  await untilPlaying(page);
  const names: string[] = [];
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      const name = element.getAttribute("aria-label") ?? element.textContent?.trim() ?? "";
      return { name, outline: getComputedStyle(element).outlineStyle, isBody: element === document.body };
    });
    if (focused.isBody) break;
    expect(`${focused.name}: ${focused.outline}`).toBe(`${focused.name}: solid`);
    names.push(focused.name);
  }
  for (const name of ["Tap for sound", "Pause", "Unmute", "Volume", "Stream figures", "Settings", "Full screen"]) {
    expect(names).toContain(name);
  }
});
