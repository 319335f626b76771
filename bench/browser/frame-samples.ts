import { COUNTER_CELL_COUNT, readFrameCounter } from "@kagami/demo/frame-counter";
import type { Browser } from "playwright-core";

/** A picture that the browser has shown. */
export interface ShownFrame {
  /** The number in its strip. */
  readonly counter: number;
  /** Wall clock in milliseconds at which it was handed to the compositor. */
  readonly shownAtMs: number;
}

export interface WatchResult {
  readonly frames: readonly ShownFrame[];
  /** From opening the connection that carries the media to the first picture. */
  readonly connectToFirstFrameMs: number;
  /** From the start of the navigation to the first picture. */
  readonly openToFrameMs: number;
  readonly stallCount: number;
}

/** What the script in the page leaves behind. */
interface PageRecord {
  readonly samples: { readonly atMs: number; readonly levels: number[] }[];
  readonly connectedAtMs: number | null;
  readonly openedAtMs: number;
  readonly stallCount: number;
}

/** Opens a watch page, lets it play for `seconds`, and reads off which picture it showed when. */
export async function watchFrames(browser: Browser, url: string, seconds: number): Promise<WatchResult> {
  const context = await browser.newContext({ viewport: { width: 800, height: 600 } });
  try {
    const page = await context.newPage();
    await page.addInitScript(recordFrames, COUNTER_CELL_COUNT);
    await page.goto(url);
    const hasPlayed = () => (window as unknown as { frameRecord: PageRecord }).frameRecord.samples.length > 0;
    await page.waitForFunction(hasPlayed, undefined, { timeout: 30_000 });
    await page.waitForTimeout(seconds * 1000);
    const record = (await page.evaluate("window.frameRecord")) as PageRecord;
    return readRecord(record);
  } finally {
    await context.close();
  }
}

function readRecord({ samples, connectedAtMs, openedAtMs, stallCount }: PageRecord): WatchResult {
  const frames = samples.flatMap(({ atMs, levels }) => {
    const counter = readStrip(levels);
    return counter === undefined ? [] : [{ counter, shownAtMs: atMs }];
  });
  const first = samples[0]?.atMs ?? Number.NaN;
  return {
    frames,
    connectToFirstFrameMs: first - (connectedAtMs ?? openedAtMs),
    openToFrameMs: first - openedAtMs,
    stallCount,
  };
}

/** Reads a counter from one brightness per cell, by way of a small picture that holds nothing but the strip. */
function readStrip(levels: readonly number[]): number | undefined {
  const cellPixels = 6;
  const width = COUNTER_CELL_COUNT * cellPixels;
  const height = 80;
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) data[i] = levels[Math.floor((i % width) / cellPixels)] ?? 0;
  return readFrameCounter({ data, width, height, format: "luma" });
}

/** Runs in the page before anything else. It stands alone: nothing of this module exists there. */
function recordFrames(cellCount: number): void {
  interface FrameMetadata {
    readonly expectedDisplayTime: number;
    readonly presentationTime: number;
  }
  const samples: { atMs: number; levels: number[] }[] = [];
  const record = { samples, connectedAtMs: null as number | null, openedAtMs: performance.timeOrigin, stallCount: 0 };
  Object.assign(window, { frameRecord: record });
  const RealWebSocket = window.WebSocket;
  window.WebSocket = class extends RealWebSocket {
    constructor(...args: ConstructorParameters<typeof RealWebSocket>) {
      super(...args);
      record.connectedAtMs ??= performance.timeOrigin + performance.now();
    }
  };
  const canvas = document.createElement("canvas");
  canvas.width = cellCount * 4;
  canvas.height = 2;
  const painter = canvas.getContext("2d", { willReadFrequently: true });
  const watch = (video: HTMLVideoElement) => {
    video.addEventListener("waiting", () => {
      if (samples.length > 0) record.stallCount++;
    });
    const onFrame = (_now: number, metadata: FrameMetadata) => {
      const atMs = performance.timeOrigin + metadata.presentationTime;
      video.requestVideoFrameCallback(onFrame);
      const stripTop = video.videoHeight - 2 * Math.round(video.videoHeight / 80);
      const stripHeight = video.videoHeight - stripTop;
      painter?.drawImage(
        video,
        0,
        stripTop + stripHeight / 4,
        video.videoWidth,
        stripHeight / 2,
        0,
        0,
        canvas.width,
        canvas.height,
      );
      const pixels = painter?.getImageData(0, 0, canvas.width, 1).data;
      const levels = Array.from({ length: cellCount }, (_, cell) => {
        const at = (cell * 4 + 1) * 4;
        return pixels ? ((pixels[at + 1] ?? 0) + (pixels[at + 5] ?? 0)) / 2 : 0;
      });
      samples.push({ atMs, levels });
    };
    video.requestVideoFrameCallback(onFrame);
  };
  const seen = new WeakSet<HTMLVideoElement>();
  const look = () => {
    for (const video of document.querySelectorAll("video")) {
      if (!seen.has(video)) {
        seen.add(video);
        watch(video);
      }
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
}
