import { COUNTER_CELL_COUNT, readFrameCounter } from "@kagami/demo/frame-counter";
import type { Browser, Page } from "playwright-core";
import type { LumaPicture } from "./blur-visibility.ts";

/** What a page has presented. */
export interface Presented {
  /** Pictures that were asked for, by the number in their strip. */
  readonly pictures: ReadonlyMap<number, LumaPicture>;
  readonly presentedCount: number;
  readonly audioBytes: number;
  readonly errors: readonly string[];
  readonly socketCount: number;
  readonly reconnectCount: number;
  readonly mode: string | null;
}

interface PageRecord {
  readonly kept: { readonly width: number; readonly height: number; data: string }[];
  readonly presentedCount: number;
  readonly lastNumber: number;
  readonly errors: readonly string[];
  readonly socketCount: number;
}

/** Opens a watch page that keeps the pictures with these numbers as they are presented. */
export async function openCapturingPage(browser: Browser, url: string, wanted: readonly number[]): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 400, height: 700 } });
  const page = await context.newPage();
  await page.addInitScript(capture, { wanted, cellCount: COUNTER_CELL_COUNT });
  await page.goto(url);
  return page;
}

/** Waits until the page has presented a picture with this number or a higher one. */
export async function waitForNumber(page: Page, number: number, timeoutMs: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => (window as unknown as { blurRecord: PageRecord }).blurRecord.lastNumber >= wanted,
    number,
    { timeout: timeoutMs },
  );
}

/** Takes what a page of {@link openCapturingPage} has kept, and closes it. */
export async function takePresented(page: Page): Promise<Presented> {
  const figures = await page.evaluate(() => {
    const { blurRecord, kagamiPlayer } = window as unknown as {
      blurRecord: PageRecord;
      kagamiPlayer: {
        video: HTMLVideoElement & { webkitAudioDecodedByteCount: number };
        stats(): { reconnectCount: number; mode: string | null };
      };
    };
    const { presentedCount, errors, socketCount, kept } = blurRecord;
    const { reconnectCount, mode } = kagamiPlayer.stats();
    const audioBytes = kagamiPlayer.video.webkitAudioDecodedByteCount;
    return { presentedCount, errors, socketCount, reconnectCount, mode, audioBytes, keptCount: kept.length };
  });
  const pictures = new Map<number, LumaPicture>();
  for (let from = 0; from < figures.keptCount; from += 20) {
    const some = await page.evaluate((start) => {
      const { blurRecord } = window as unknown as { blurRecord: PageRecord };
      return blurRecord.kept.slice(start, start + 20);
    }, from);
    for (const { width, height, data } of some) {
      const picture = { width, height, data: new Uint8Array(Buffer.from(data, "latin1")) };
      const number = readFrameCounter({ ...picture, format: "luma" });
      if (number !== undefined) pictures.set(number, picture);
    }
  }
  await page.context().close();
  return { ...figures, pictures };
}

/** Runs in the page before anything else. It stands alone: nothing of this module exists there. */
function capture({ wanted, cellCount }: { wanted: readonly number[]; cellCount: number }): void {
  const numbers = new Set(wanted);
  const record = {
    kept: [] as { width: number; height: number; data: string }[],
    presentedCount: 0,
    lastNumber: -1,
    errors: [] as string[],
    socketCount: 0,
  };
  Object.assign(window, { blurRecord: record });
  window.WebSocket = class extends window.WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      record.socketCount++;
    }
  };
  const canvasOf = (width: number, height: number): CanvasRenderingContext2D => {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    return canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  };
  const strip = canvasOf(cellCount * 4, 1);
  /** Without its checksum, which is looked at later. */
  const numberOf = (video: HTMLVideoElement): number => {
    const height = 2 * Math.round(video.videoHeight / 80);
    const top = video.videoHeight - (height * 3) / 4;
    strip.drawImage(video, 0, top, video.videoWidth, height / 2, 0, 0, cellCount * 4, 1);
    const { data } = strip.getImageData(0, 0, cellCount * 4, 1);
    let number = 0;
    for (let cell = 2; cell < 26; cell++) number = number * 2 + ((data[(cell * 4 + 1) * 4 + 1] ?? 0) > 128 ? 1 : 0);
    return number;
  };
  let whole: CanvasRenderingContext2D | undefined;
  const keep = (video: HTMLVideoElement): void => {
    const { videoWidth: width, videoHeight: height } = video;
    whole ??= canvasOf(width, height);
    whole.drawImage(video, 0, 0);
    const pixels = whole.getImageData(0, 0, width, height).data;
    const luma: string[] = [];
    for (let row = 0; row < height; row++) {
      const codes: number[] = [];
      for (let i = row * width * 4; i < (row + 1) * width * 4; i += 4) {
        codes.push(((pixels[i] ?? 0) * 54 + (pixels[i + 1] ?? 0) * 183 + (pixels[i + 2] ?? 0) * 19) >> 8);
      }
      luma.push(String.fromCharCode(...codes));
    }
    record.kept.push({ width, height, data: luma.join("") });
  };
  const watch = (video: HTMLVideoElement): void => {
    video.addEventListener("error", () => record.errors.push(video.error?.message ?? "error"));
    const onFrame = (): void => {
      video.requestVideoFrameCallback(onFrame);
      record.presentedCount++;
      record.lastNumber = numberOf(video);
      if (numbers.has(record.lastNumber)) keep(video);
    };
    video.requestVideoFrameCallback(onFrame);
  };
  const seen = new WeakSet<HTMLVideoElement>();
  new MutationObserver(() => {
    for (const video of document.querySelectorAll("video")) {
      if (seen.has(video)) continue;
      seen.add(video);
      watch(video);
    }
  }).observe(document, { childList: true, subtree: true });
}
