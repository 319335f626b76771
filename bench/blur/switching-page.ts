import { COUNTER_CELL_COUNT, counterCells } from "@kagami/demo/frame-counter";
import type { Browser, Page } from "playwright-core";

/** A picture as a page has presented it. */
export interface PresentedFrame {
  /** The number in its strip; `undefined` if that cannot be read. */
  readonly counter: number | undefined;
  /** When the compositor got it, on the page's clock. */
  readonly atMs: number;
  readonly mediaSec: number;
}

/** What a page has seen until it was asked. */
export interface PageReport {
  readonly frames: readonly PresentedFrame[];
  /** Times of `waiting` events after the first picture, on the clock of the frames. */
  readonly stallsAtMs: readonly number[];
  readonly errors: readonly string[];
  /** Blocks of 5 ms without sound, as Web Audio got it, and blocks looked at. */
  readonly silentBlockCount: number;
  readonly soundBlockCount: number;
  readonly droppedCount: number;
  readonly corruptedCount: number;
  /** The player's own figures. */
  readonly player: {
    readonly mode: string | null;
    readonly seekCount: number;
    readonly gapCount: number;
    readonly reconnectCount: number;
    readonly fallBacks: readonly string[];
  };
}

interface PageRecord extends Omit<PageReport, "frames" | "player" | "droppedCount" | "corruptedCount"> {
  readonly samples: readonly { readonly atMs: number; readonly mediaSec: number; readonly levels: number[] }[];
}

/** Opens a watch page that notes every picture it presents. */
export async function openWatchPage(browser: Browser, url: string): Promise<Page> {
  // As small as the page allows: every picture is drawn by the processor, which others need.
  const context = await browser.newContext({ viewport: { width: 240, height: 420 } });
  const page = await context.newPage();
  await page.addInitScript(recordPage, COUNTER_CELL_COUNT);
  await page.goto(url);
  return page;
}

/** Reads what a page of {@link openWatchPage} has noted. */
export async function readPage(page: Page): Promise<PageReport> {
  const { samples, ...record } = (await page.evaluate("window.switchingRecord")) as PageRecord;
  const { player, quality } = await page.evaluate(() => {
    const { kagamiPlayer } = window as unknown as {
      kagamiPlayer: { video: HTMLVideoElement; stats(): PageReport["player"] };
    };
    const { mode, seekCount, gapCount, reconnectCount, fallBacks } = kagamiPlayer.stats();
    const { droppedVideoFrames, corruptedVideoFrames } = kagamiPlayer.video.getVideoPlaybackQuality();
    return {
      player: { mode, seekCount, gapCount, reconnectCount, fallBacks },
      quality: { droppedVideoFrames, corruptedVideoFrames: corruptedVideoFrames ?? 0 },
    };
  });
  const frames = samples.map(({ atMs, mediaSec, levels }) => ({ counter: readLevels(levels), atMs, mediaSec }));
  return {
    ...record,
    frames,
    player,
    droppedCount: quality.droppedVideoFrames,
    corruptedCount: quality.corruptedVideoFrames,
  };
}

/** The number that a strip of these levels shows, if its checksum holds. */
function readLevels(levels: readonly number[]): number | undefined {
  const [white = 0, black = 0] = levels;
  if (white - black < 64) return undefined;
  const cells = levels.map((level) => level > (white + black) / 2);
  const counter = cells.slice(2, 26).reduce((sum, isWhite) => sum * 2 + (isWhite ? 1 : 0), 0);
  return counterCells(counter).every((isWhite, cell) => isWhite === cells[cell]) ? counter : undefined;
}

/** Runs in the page before anything else. It stands alone: nothing of this module exists there. */
function recordPage(cellCount: number): void {
  const record = {
    samples: [] as { atMs: number; mediaSec: number; levels: number[] }[],
    stallsAtMs: [] as number[],
    errors: [] as string[],
    silentBlockCount: 0,
    soundBlockCount: 0,
  };
  Object.assign(window, { switchingRecord: record });
  /** Takes two rows of the strip's luma out of the decoder's picture, which asks for no conversion and no canvas. */
  const readStrip = async (video: HTMLVideoElement, levels: number[]): Promise<void> => {
    const picture = new VideoFrame(video);
    const { width, height } = picture.visibleRect ?? { width: 0, height: 0 };
    const rect = { x: 0, y: height - 2 * Math.round(height / 160), width, height: 2 };
    const bytes = new Uint8Array(picture.allocationSize({ rect }));
    const [luma] = await picture.copyTo(bytes, { rect });
    picture.close();
    for (let cell = 0; cell < cellCount; cell++) {
      levels.push(bytes[(luma?.offset ?? 0) + Math.floor(((cell + 0.5) * width) / cellCount)] ?? 0);
    }
  };
  /** Counts blocks of sound. Of what came since the last picture it knows the last 85 ms. */
  const listenTo = (video: HTMLVideoElement) => {
    const audio = new AudioContext();
    const analyser = new AnalyserNode(audio, { fftSize: 4096 });
    audio.createMediaElementSource(video).connect(analyser).connect(audio.destination);
    const wave = new Float32Array(analyser.fftSize);
    let heardSec = audio.currentTime;
    return () => {
      const now = audio.currentTime;
      const fresh = Math.min(wave.length, Math.floor((now - heardSec) * audio.sampleRate));
      heardSec = now;
      analyser.getFloatTimeDomainData(wave);
      for (let from = wave.length - fresh; from + 240 <= wave.length; from += 240) {
        let peak = 0;
        for (let i = from; i < from + 240; i++) peak = Math.max(peak, Math.abs(wave[i] ?? 0));
        record.soundBlockCount++;
        if (peak < 0.01) record.silentBlockCount++;
      }
    };
  };
  const watch = (video: HTMLVideoElement): void => {
    let listen: (() => void) | undefined;
    video.addEventListener("waiting", () => {
      if (record.samples.length > 0) record.stallsAtMs.push(performance.now());
    });
    video.addEventListener("error", () => record.errors.push(video.error?.message ?? "error"));
    const onFrame = (_now: number, { presentationTime, mediaTime }: VideoFrameCallbackMetadata) => {
      video.requestVideoFrameCallback(onFrame);
      const levels: number[] = [];
      record.samples.push({ atMs: presentationTime, mediaSec: mediaTime, levels });
      readStrip(video, levels).catch((error: Error) => record.errors.push(error.message));
      video.muted = false;
      // The beginning, until a decoder has settled and the sound is on, is not of interest.
      if (record.samples.length === 60) listen = listenTo(video);
      if (record.samples.length > 90) listen?.();
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
