import { RateMeter, ValueWindow } from "./meters.ts";

const REMEMBERED_FRAMES = 300;

/**
 * Watches frames as they are presented (requestVideoFrameCallback): when the first came, how late each is, how many a
 * second. Where the browser lacks the callback, nothing is known and the figures stay `null`.
 */
export class FrameWatch {
  readonly #video: HTMLVideoElement;
  readonly #liveMediaMs: (nowMs: number) => number | undefined;
  readonly #latencies = new ValueWindow(REMEMBERED_FRAMES);
  readonly #frames = new RateMeter(2_000);
  #startedMs = 0;
  #firstFrameMs: number | null = null;
  #handle: number | undefined;

  /** @param liveMediaMs Presentation time of what reaches the server at a local instant, in ms. */
  constructor(video: HTMLVideoElement, liveMediaMs: (nowMs: number) => number | undefined) {
    this.#video = video;
    this.#liveMediaMs = liveMediaMs;
  }

  /** Milliseconds from `start` to the first frame. */
  get firstFrameMs(): number | null {
    return this.#firstFrameMs;
  }

  start(nowMs: number): void {
    this.stop();
    this.#startedMs = nowMs;
    this.#firstFrameMs = null;
    this.#latencies.clear();
    if (!("requestVideoFrameCallback" in this.#video)) return;
    const onFrame = (frameNowMs: number, frame: VideoFrameCallbackMetadata) => {
      this.#firstFrameMs ??= frameNowMs - this.#startedMs;
      this.#frames.add(frameNowMs, 1);
      const liveMs = this.#liveMediaMs(frame.expectedDisplayTime);
      if (liveMs !== undefined && !this.#video.paused) this.#latencies.add(liveMs - frame.mediaTime * 1000);
      this.#handle = this.#video.requestVideoFrameCallback(onFrame);
    };
    this.#handle = this.#video.requestVideoFrameCallback(onFrame);
  }

  stop(): void {
    if (this.#handle !== undefined) this.#video.cancelVideoFrameCallback(this.#handle);
    this.#handle = undefined;
  }

  /** Presented frames per second, `null` before the first. */
  fps(nowMs: number): number | null {
    return this.#firstFrameMs === null ? null : this.#frames.perSecond(nowMs);
  }

  latencyMs(part: number): number | null {
    return this.#latencies.quantile(part);
  }
}
