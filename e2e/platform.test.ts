import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCuttableProxy } from "./cuttable-proxy.ts";
import { openBrowser, type Platform, startPlatform, startPublisher } from "./platform.ts";

let platform: Platform;
let browser: Browser;

beforeAll(async () => {
  platform = await startPlatform();
  browser = await openBrowser();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await platform?.stop();
});

interface Figures {
  readonly currentTime: number;
  readonly decodedFrameCount: number;
  readonly audioBytes: number;
  readonly mode: string | null;
  readonly phase: string;
  readonly socketCount: number;
}

/** Figures of the player, with the number of WebSockets that the page has opened. */
function figures(page: Page): Promise<Figures> {
  return page.evaluate(() => {
    const { kagamiPlayer, socketCount } = window as unknown as {
      kagamiPlayer: { video: HTMLVideoElement & { webkitAudioDecodedByteCount: number }; stats(): Figures };
      socketCount: number;
    };
    const { video } = kagamiPlayer;
    const { decodedFrameCount, mode, phase } = kagamiPlayer.stats();
    const audioBytes = video.webkitAudioDecodedByteCount;
    return { currentTime: video.currentTime, decodedFrameCount, audioBytes, mode, phase, socketCount };
  });
}

async function openPage(path: string, origin = platform.page): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
  await page.addInitScript(() => {
    const counted = window as unknown as { socketCount: number };
    counted.socketCount = 0;
    window.WebSocket = class extends window.WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args);
        counted.socketCount++;
      }
    };
  });
  await page.goto(origin + path);
  return page;
}

/** Waits until `count` more pictures have been shown than at the time of the call. */
async function waitForPictures(page: Page, count: number): Promise<void> {
  await page.waitForFunction(() => "kagamiPlayer" in window);
  const { decodedFrameCount } = await figures(page);
  await page.waitForFunction(
    (wanted) => {
      const { kagamiPlayer } = window as unknown as { kagamiPlayer: { stats(): Figures } };
      return kagamiPlayer.stats().decodedFrameCount >= wanted;
    },
    decodedFrameCount + count,
    { timeout: 40_000 },
  );
}

describe("the platform as npm start runs it", () => {
  test("the page it prints plays picture and sound over WebSocket", async () => {
    const page = await openPage("/watch/demo");
    await waitForPictures(page, 30);
    const before = await figures(page);
    await waitForPictures(page, 30);
    const after = await figures(page);
    expect(after.mode).toBe("ws");
    expect(after.currentTime).toBeGreaterThan(before.currentTime);
    expect(after.audioBytes).toBeGreaterThan(before.audioBytes);
    await page.close();
  });

  test("the same stream plays over LL-HLS when WebSocket is not wanted", async () => {
    const page = await openPage("/watch/demo?mode=hls");
    await waitForPictures(page, 30);
    expect(await figures(page)).toMatchObject({ mode: "hls", socketCount: 0 });
    await page.close();
  });

  test("the directory lists the channel and leads to it", async () => {
    const page = await openPage("/");
    await page.getByRole("link", { name: /demo/i }).first().click();
    await page.waitForURL(/\/watch\/demo$/);
    await waitForPictures(page, 5);
    await page.close();
  });

  test("the studio shows the health of what arrives", async () => {
    const page = await openPage("/studio#key=demo");
    await page
      .getByText(/720.*1280/)
      .first()
      .waitFor({ timeout: 20_000 });
    await page
      .getByText(/H\.?264/i)
      .first()
      .waitFor();
    expect(page.url()).not.toContain("key=");
    await page.close();
  });

  test("a publisher that is killed and returns keeps its viewers, on the connection they have", async () => {
    const url = `${platform.rtmp}/returning`;
    const first = startPublisher(url);
    const page = await openPage("/watch/returning");
    await waitForPictures(page, 30);
    await first.stop();
    await page
      .getByText(/reconnecting/i)
      .first()
      .waitFor({ timeout: 20_000 });
    const before = await figures(page);
    const second = startPublisher(url);
    await waitForPictures(page, 60);
    const after = await figures(page);
    await second.stop();
    expect(after.socketCount).toBe(1);
    expect(after.currentTime).toBeGreaterThan(before.currentTime);
    await page.close();
  });

  test("a viewer whose network fails comes back by itself", async () => {
    const { hostname, port } = new URL(platform.page);
    const proxy = await startCuttableProxy(hostname, Number(port));
    const page = await openPage("/watch/demo", proxy.page);
    await waitForPictures(page, 10);
    expect((await figures(page)).socketCount).toBe(1);
    proxy.cut();
    await page.waitForFunction(() => (window as unknown as { socketCount: number }).socketCount > 1);
    await waitForPictures(page, 60);
    expect(await figures(page)).toMatchObject({ mode: "ws", phase: "playing" });
    await page.close();
    proxy.close();
  });
});
