import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually, Harness, type OpenPage, stats, untilPlaying } from "./harness.ts";
import { MockMedia } from "./mock/media.ts";
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
  harness.mock.refusesWebSockets = false;
  demo = harness.mock.addChannel("demo", harness.media, { title: "Crystal tower" });
});

afterEach(async () => {
  const complaints = opened?.complaints ?? [];
  await opened?.close();
  opened = undefined;
  expect(complaints).toEqual([]);
});

async function watch(path = "/watch/demo", isPlaying = true) {
  opened = await harness.open(path);
  if (isPlaying) await untilPlaying(opened.page);
  return opened.page;
}

/**
 * Waits until the latency is what the player aims at. The aim is a quarter second, or more where this machine is so
 * busy that playback stalls; the bench measures, tests only ask whether the control works.
 */
async function untilOnTarget(page: Page, slackMs = 100) {
  await eventually(
    async () => {
      const { latencyMs, targetMs } = await stats(page);
      return (latencyMs ?? Number.NaN) - (targetMs ?? Number.NaN);
    },
    { timeout: 14_000 },
  ).toBeLessThan(slackMs);
}

/** The largest step forward from one picture to the next, in seconds. */
function largestStep(timesS: readonly number[]): number {
  return Math.max(0, ...timesS.slice(1).map((timeS, i) => timeS - (timesS[i] ?? timeS)));
}

/** Runs in the page: keeps the presentation time of every picture that is shown. */
function recordShownTimes(): void {
  const shownS: number[] = [];
  Object.assign(window, { shownS });
  const watched = new WeakSet<HTMLVideoElement>();
  const observer = new MutationObserver(() => {
    for (const video of document.querySelectorAll("video")) {
      if (watched.has(video)) continue;
      watched.add(video);
      const onFrame = (_nowMs: number, { mediaTime }: VideoFrameCallbackMetadata) => {
        shownS.push(mediaTime);
        video.requestVideoFrameCallback(onFrame);
      };
      video.requestVideoFrameCallback(onFrame);
    }
  });
  observer.observe(document, { childList: true, subtree: true });
}

/** The one WebSocket viewer that is connected now. */
function viewer() {
  const [first] = demo.viewers;
  if (first === undefined) throw new Error("nobody watches");
  return first;
}

test("the first frame comes within a second and playback settles near a quarter second behind", async () => {
  let page = await watch();
  // The best of three: the first also starts the decoder, and the machine may be busy with other things.
  const firstFramesMs = [(await stats(page)).firstFrameMs ?? Number.POSITIVE_INFINITY];
  while (Math.min(...firstFramesMs) >= 1_000 && firstFramesMs.length < 3) {
    await opened?.close();
    page = await watch();
    firstFramesMs.push((await stats(page)).firstFrameMs ?? Number.POSITIVE_INFINITY);
  }
  expect(Math.min(...firstFramesMs)).toBeLessThan(1_000);
  await untilOnTarget(page);
  const now = await stats(page);
  expect(now).toMatchObject({ mode: "ws", width: 640, height: 360, fallBacks: [] });
  expect(now.bufferMs).toBeGreaterThan(40);
  expect(await page.evaluate(() => document.querySelector("video")?.muted)).toBe(true);
});

test("a newcomer sees the key frame at once, and the live edge when the decoder has got there", async () => {
  const media = new MockMedia({ width: 640, height: 360, gopS: 4 });
  try {
    harness.mock.addChannel("slow-keys", media, { title: "Key frames every 4 s" });
    // The page loads within the rest of this group of pictures.
    await eventually(() => media.gop.length).toBeGreaterThan(100);
    const keyFrameS = (media.gop[0]?.startMs ?? Number.NaN) / 1000;
    opened = await harness.open("/watch/slow-keys", { beforeLoad: recordShownTimes });
    const { page } = opened;
    await untilPlaying(page);
    const shownS = () => page.evaluate(() => (window as unknown as { shownS: number[] }).shownS);
    expect((await shownS())[0]).toBeCloseTo(keyFrameS, 1);
    await eventually(async () => largestStep(await shownS())).toBeGreaterThan(0.4); // jumped, not played through
    await eventually(async () => (await shownS()).at(-1)).toBeGreaterThan(keyFrameS + 0.5);
    expect(await page.evaluate(() => document.querySelector("video")?.playbackRate)).toBeGreaterThan(0.9);
  } finally {
    media.close();
  }
});

test("the player acknowledges what it has, between once and ten times a second", async () => {
  const page = await watch();
  const before = viewer().acks.length;
  const fromMs = Date.now();
  await eventually(() => viewer().acks.length - before).toBeGreaterThan(3);
  expect(Date.now() - fromMs).toBeGreaterThan(400);
  const last = viewer().acks.at(-1);
  const { currentTime } = await page.evaluate(() => ({
    currentTime: document.querySelector("video")?.currentTime ?? 0,
  }));
  expect(Math.abs((last?.mediaMs ?? 0) - currentTime * 1000)).toBeLessThan(2_000);
  expect(last?.bufferMs).toBeGreaterThanOrEqual(0);
});

test("keys play, mute, change the volume and show the figures", async () => {
  const page = await watch();
  const video = () =>
    page.evaluate(() => {
      const { paused, muted, volume } = document.querySelector("video") as HTMLVideoElement;
      return { paused, muted, volume };
    });
  await page.keyboard.press("m");
  expect((await video()).muted).toBe(false);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  expect((await video()).volume).toBeCloseTo(0.8);
  await page.keyboard.press("k");
  expect((await video()).paused).toBe(true);
  await page.keyboard.press(" ");
  expect((await video()).paused).toBe(false);
  await page.keyboard.press("i");
  const figures = page.getByRole("region", { name: "Stream figures" });
  await eventually(() => figures.innerText()).toMatch(/640 × 360[\s\S]*WebSocket/);
  await page.keyboard.press("i");
  expect(await figures.count()).toBe(0);
  await page.keyboard.press("f");
  await page.waitForFunction(() => document.fullscreenElement !== null);
  await page.keyboard.press("f");
  await page.waitForFunction(() => document.fullscreenElement === null);
});

test("a tap turns the sound on, and the controls say so", async () => {
  const page = await watch();
  await page.getByRole("button", { name: "Tap for sound" }).click();
  await page.getByRole("button", { name: "Mute", exact: true }).waitFor();
  expect(await page.getByRole("button", { name: "Tap for sound" }).count()).toBe(0);
});

test("controls hide while playing and come back with the pointer", async () => {
  const page = await watch();
  await page.mouse.move(600, 300);
  const controls = page.locator(".controls");
  await eventually(() => controls.evaluate((e) => getComputedStyle(e).opacity)).toBe("1");
  await eventually(() => controls.evaluate((e) => getComputedStyle(e).opacity), { timeout: 5_000 }).toBe("0");
  await page.mouse.move(610, 310);
  await eventually(() => controls.evaluate((e) => getComputedStyle(e).opacity)).toBe("1");
});

test("after the connection breaks the player comes back by itself, on the same MediaSource", async () => {
  const page = await watch();
  const source = await page.evaluate(() => document.querySelector("video")?.src);
  viewer().socket.destroy();
  await eventually(async () => (await stats(page)).reconnectCount).toBe(1);
  await untilPlaying(page);
  await untilOnTarget(page);
  const after = await stats(page);
  expect(after).toMatchObject({ mode: "ws", fallBacks: [] });
  expect(await page.evaluate(() => document.querySelector("video")?.src)).toBe(source);
});

test("a new broadcast, whose time starts at zero again, plays in the same page", async () => {
  const page = await watch();
  const next = new MockMedia({ width: 360, height: 640, gopS: 1 });
  try {
    await next.ready();
    harness.mock.setState("demo", "ended");
    harness.mock.addChannel("demo", next);
    await page.waitForFunction(() => document.querySelector("video")?.videoWidth === 360, null, { timeout: 12_000 });
    await untilPlaying(page);
    await untilOnTarget(page);
    expect(await page.locator(".watch").getAttribute("data-shape")).toBe("portrait");
  } finally {
    next.close();
  }
});

test("video left out for a slow viewer is jumped over", async () => {
  const page = await watch();
  viewer().holdVideo();
  await eventually(async () => (await stats(page)).bufferMs).toBeLessThan(20);
  viewer().releaseVideo();
  await eventually(async () => (await stats(page)).gapCount, { timeout: 5_000 }).toBe(1);
  await untilOnTarget(page);
  const from = await page.evaluate(() => document.querySelector("video")?.currentTime ?? 0);
  await page.waitForFunction((at) => (document.querySelector("video")?.currentTime ?? 0) > at + 0.5, from);
});

test("refused WebSockets lead to LL-HLS, a second behind at most", async () => {
  harness.mock.refusesWebSockets = true;
  const page = await watch("/watch/demo", false);
  await untilPlaying(page, "hls");
  expect((await stats(page)).fallBacks).toEqual([expect.stringContaining("refused")]);
  await untilOnTarget(page, 200);
});

test("a mode in the address is kept, whatever happens", async () => {
  harness.mock.refusesWebSockets = true;
  const page = await watch("/watch/demo?mode=ws", false);
  await eventually(async () => (await stats(page)).reconnectCount, { timeout: 6_000 }).toBeGreaterThan(2);
  expect((await stats(page)).mode).toBe("ws");
});

test("the settings menu changes the way to play", async () => {
  const page = await watch();
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("radio", { name: /LL-HLS/ }).check();
  await untilPlaying(page, "hls");
  await page.keyboard.press("Escape");
  expect(await page.getByRole("radio").count()).toBe(0);
});

test("captions tell what the stream is doing, and the picture returns with it", async () => {
  harness.mock.setState("demo", "waiting");
  const page = await watch("/watch/demo", false);
  const caption = page.getByRole("status").first();
  await eventually(() => caption.innerText()).toContain("Waiting for the streamer");
  harness.mock.setState("demo", "live");
  await untilPlaying(page);
  await eventually(() => caption.innerText()).toBe("");
  harness.mock.setState("demo", "interrupted");
  await eventually(() => caption.innerText()).toContain("The streamer is reconnecting");
  harness.mock.setState("demo", "live");
  await eventually(() => caption.innerText()).toBe("");
  harness.mock.setState("demo", "ended");
  await eventually(() => caption.innerText()).toContain("The broadcast has ended");
});

test("a private channel opens with its token only, and a missing channel is called missing", async () => {
  demo.isPrivate = true;
  let page = await watch("/watch/demo", false);
  await eventually(() => page.getByRole("status").first().innerText()).toContain("This stream is private");
  await opened?.close();
  page = await watch(`/watch/demo?token=${harness.mock.token}`);
  await opened?.close();
  page = await watch("/watch/nobody", false);
  await eventually(() => page.getByRole("status").first().innerText()).toContain("There is no such channel");
});
