import { counterTop } from "@kagami/demo/frame-counter";
import { eventually, findCommand, runTool } from "@kagami/testkit";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BannerStream, makeBannerStream } from "../bench/blur/switching-clip.ts";
import { publish } from "../bench/blur/switching-taps.ts";
import { openCapturingPage, type Presented, takePresented, waitForNumber } from "./blur-page.ts";
import { type BlurServer, startBlurServer } from "./blur-server.ts";
import { correlatePictures, correlateText, type LumaPicture, READABLE_CORRELATION } from "./blur-visibility.ts";
import { openBrowser } from "./platform.ts";

const STREAM = {
  ...{ seed: 4, width: 360, height: 640, kilobits: 1_500 },
  ...{ leadSec: 5, bannerCount: 3, everySec: 3.5, holdSec: [1, 1.5] as const },
};
/**
 * A tile of text may look like the truth by chance: strokes are alike, and there are few pixels. Without the blur every
 * tile does, so there is much room between.
 */
const CHANCE_SHARE = 0.05;
/**
 * Likeness of what is no banner: the publisher's own pictures, or our encoding of them, which a cut makes coarse. The
 * scene behind the first banner of this stream has little contrast, so that our encoding of it correlates by 0.91 only.
 */
const INTACT_CORRELATION = 0.98;
const COARSE_CORRELATION = 0.6;
const COARSE_SHARE = 0.25;

let server: BlurServer;
let browser: Browser;
let stream: BannerStream;
let truth: readonly LumaPicture[];

beforeAll(async () => {
  stream = await makeBannerStream(STREAM);
  truth = await decode(stream);
  server = await startBlurServer();
  browser = await openBrowser();
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** Publishes the stream to each channel and watches it there to its last banner's end. */
async function watch(paths: readonly string[]): Promise<Presented[]> {
  const channels = paths.map((path) => new URL(path, server.page).pathname.split("/").at(-1) ?? "");
  const publishers = channels.map((channel) => publish(stream.path, `${server.rtmp}/${channel}`));
  // All pictures with text that can be read, and every fifth of the others.
  const wanted = stream.frames.flatMap(({ readable }, i) => (readable.length > 0 || i % 5 === 0 ? [i] : []));
  const end = Math.floor((stream.banners.at(-1)?.endSec ?? 0) * stream.fps);
  try {
    for (const channel of channels) await eventually(() => server.isLive(channel), { timeoutMs: 30_000 });
    const pages = await Promise.all(paths.map((path) => openCapturingPage(browser, server.page + path, wanted)));
    await Promise.all(pages.map((page) => waitForNumber(page, end, 90_000)));
    const presented: Presented[] = [];
    for (const page of pages) presented.push(await takePresented(page));
    return presented;
  } finally {
    await Promise.all(publishers.map((publisher) => publisher.stop()));
  }
}

async function decode({ path, width, height, frameCount }: BannerStream): Promise<LumaPicture[]> {
  const args = [
    "-v",
    "error",
    "-i",
    path,
    "-vf",
    "extractplanes=y",
    "-fps_mode",
    "passthrough",
    "-f",
    "rawvideo",
    "pipe:1",
  ];
  const sizeBytes = width * height;
  const { stdoutBytes } = await runTool(findCommand("ffmpeg"), args, { maxOutputBytes: sizeBytes * (frameCount + 1) });
  expect(stdoutBytes.length).toBe(sizeBytes * frameCount);
  return Array.from({ length: frameCount }, (_, i) => {
    return { width, height, data: stdoutBytes.subarray(i * sizeBytes, (i + 1) * sizeBytes) };
  });
}

interface Legibility {
  readonly number: number;
  /** Of the tiles with strokes, those that show them. */
  readonly share: number;
}

/** How much of each readable text could be read as it was presented. */
function legibilityOf({ pictures }: Presented): Legibility[] {
  return stream.frames.flatMap(({ readable }, number) => {
    const [picture, real] = [pictures.get(number), truth[number]];
    if (picture === undefined || real === undefined) return [];
    return readable.flatMap((text) => {
      const tiles = correlateText(picture, real, text);
      if (tiles.length === 0) return [];
      return [{ number, share: tiles.filter((tile) => tile >= READABLE_CORRELATION).length / tiles.length }];
    });
  });
}

/** Numbers of the presented pictures in which each banner could be read. */
function leaksOf(presented: Presented): { readonly style: string; readonly pictures: number[] }[] {
  const legible = legibilityOf(presented).filter(({ share }) => share > CHANCE_SHARE);
  return stream.banners.map(({ style, startSec, endSec }) => {
    const isDuring = (number: number): boolean => number >= startSec * stream.fps && number <= endSec * stream.fps + 1;
    return { style, pictures: legible.map(({ number }) => number).filter(isDuring) };
  });
}

/** Likeness of what was presented below the part of the screen where banners come. */
function likenessBelow({ pictures }: Presented): number[] {
  const top = stream.height / 2;
  const below = { x: 0, y: top, width: stream.width, height: counterTop(stream.height) - top };
  return [...pictures].flatMap(([number, picture]) => {
    const real = truth[number];
    return (real && correlatePictures(picture, real, below)) ?? [];
  });
}

function expectHidden(presented: Presented): void {
  const shares = legibilityOf(presented);
  expect(shares.length, "pictures with text in them were presented").toBeGreaterThan(10);
  for (const { style, pictures } of leaksOf(presented)) {
    expect(pictures.length, `${style} could be read in the pictures ${pictures}`).toBe(0);
  }
}

function expectIntact(presented: Presented): void {
  const likeness = likenessBelow(presented).sort((a, b) => a - b);
  expect(likeness[0]).toBeGreaterThan(COARSE_CORRELATION);
  expect(likeness[Math.ceil(likeness.length * COARSE_SHARE)]).toBeGreaterThan(INTACT_CORRELATION);
  expect(presented).toMatchObject({ errors: [], reconnectCount: 0 });
  // 96 kbit/s for more than half of the stream.
  expect(presented.audioBytes).toBeGreaterThan((12_000 * stream.frameCount) / stream.fps / 2);
}

describe("a stream with three banners, published by ffmpeg and watched in Chromium", () => {
  test("over WebSocket no banner can be read, the rest is intact; without the blur all of them can", async () => {
    expect(await server.protect("blurred")).toMatchObject({ isAvailable: true, settings: { isEnabled: true } });
    const [plain, blurred] = (await watch(["/watch/plain?mode=ws", "/watch/blurred?mode=ws"])) as [
      Presented,
      Presented,
    ];
    const shares = legibilityOf(plain).map(({ share }) => share);
    expect(shares.length).toBeGreaterThan(10);
    expect(Math.min(...shares), "the judge can tell").toBeGreaterThan(0.9);
    expect(leaksOf(plain).every(({ pictures }) => pictures.length > 0)).toBe(true);
    expectHidden(blurred);
    expectIntact(blurred);
    expect(blurred).toMatchObject({ mode: "ws", socketCount: 1 });
    expect(await server.statusOf("blurred")).toMatchObject({ restartCount: 0, message: null });
  }, 180_000);

  test("over LL-HLS no banner can be read, and the rest is intact", async () => {
    await server.protect("blurred-hls");
    const [blurred] = (await watch(["/watch/blurred-hls?mode=hls"])) as [Presented];
    expectHidden(blurred);
    expectIntact(blurred);
    expect(blurred).toMatchObject({ mode: "hls", socketCount: 0 });
  }, 180_000);
});
