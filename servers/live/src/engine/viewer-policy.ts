/** How far a viewer may fall behind before its picture, and then its connection, is given up. */
export interface ViewerLimits {
  /** Bytes waiting in this process for the viewer's socket; beyond it the picture stops. */
  readonly maxBufferedBytes: number;
  /** Media sent but not acknowledged, in microseconds, for viewers that acknowledge. */
  readonly lagLimitUs: number;
  /** Picture goes on when no more than this is unacknowledged. */
  readonly resumeLagUs: number;
  /** A viewer that takes nothing at all for this long is disconnected. */
  readonly stallLimitMs: number;
}

export const DEFAULT_VIEWER_LIMITS: ViewerLimits = {
  maxBufferedBytes: 1 << 20,
  lagLimitUs: 2_500_000,
  resumeLagUs: 1_000_000,
  stallLimitMs: 60_000,
};

/**
 * What to do with one burst for one viewer.
 *
 * - `all`: send the burst.
 * - `audio`: send its sound only.
 * - `nothing`: send none of it.
 * - `resume`: send the picture since the last key frame (or since what the viewer has, if that is later), then go on.
 * - `disconnect`: the viewer has been gone for too long.
 */
export type ViewerAction = "all" | "audio" | "nothing" | "resume" | "disconnect";

/** What the policy must know of a burst. */
export interface BurstOutline {
  /** Presentation time of the end of the burst, in microseconds. */
  readonly endUs: number;
  readonly hasVideo: boolean;
  readonly startsWithKey: boolean;
}

/**
 * Decides, for one viewer, which bursts it gets. Owns no socket and no clock.
 *
 * A stalled connection is not visible in the socket's buffer at first: the kernel swallows up to 4 MB, 15 s of video,
 * before a write is held back. So a viewer that acknowledges what it received is judged by that, and by bytes only as
 * well; others are judged by bytes alone.
 *
 *   flowing --(too far behind)--> skipping --(caught up)--> flowing, from a key frame
 *                                    └────(nothing taken for stallLimitMs)──> disconnect
 */
export class ViewerPolicy {
  readonly #limits: ViewerLimits;
  #isSkipping = false;
  #sentUs: number | undefined;
  #ackedUs: number | undefined;
  #bufferedBytes = 0;
  #progressAtMs: number;
  #skippedBurstCount = 0;

  constructor(limits: ViewerLimits, nowMs: number) {
    this.#limits = limits;
    this.#progressAtMs = nowMs;
  }

  /** The viewer is too far behind and gets no picture just now. */
  get isSkipping(): boolean {
    return this.#isSkipping;
  }

  /** Bursts whose picture was left out. */
  get skippedBurstCount(): number {
    return this.#skippedBurstCount;
  }

  /** Media sent and not acknowledged, in microseconds; 0 for viewers that do not acknowledge. */
  get lagUs(): number {
    if (this.#sentUs === undefined || this.#ackedUs === undefined) return 0;
    return Math.max(0, this.#sentUs - this.#ackedUs);
  }

  /** The viewer has been sent what a newcomer starts with, up to `endUs`. */
  onStart(endUs: number): void {
    this.#sentUs = endUs;
    // It is judged by what follows; what it starts with may be many seconds long and arrive at once.
    if (this.#ackedUs !== undefined) this.#ackedUs = endUs;
  }

  /** What a `resume` would have sent is gone: the viewer waits on, for a burst that starts with a key frame. */
  keepSkipping(): void {
    this.#isSkipping = true;
  }

  /** The viewer will acknowledge from here on: what it does not acknowledge counts against it. */
  expectAcks(): void {
    this.#ackedUs ??= this.#sentUs ?? 0;
  }

  /** The viewer says that it received everything up to `mediaUs`. Going back, or past what was sent, is ignored. */
  onAck(mediaUs: number, nowMs: number): void {
    const ackedUs = Math.min(mediaUs, this.#sentUs ?? 0);
    if (this.#ackedUs !== undefined && ackedUs <= this.#ackedUs) return;
    this.#ackedUs = ackedUs;
    this.#progressAtMs = nowMs;
  }

  decide(burst: BurstOutline, bufferedBytes: number, nowMs: number): ViewerAction {
    const { maxBufferedBytes, lagLimitUs, stallLimitMs } = this.#limits;
    if (bufferedBytes === 0 || bufferedBytes < this.#bufferedBytes) this.#noteDrained(bufferedBytes, nowMs);
    this.#bufferedBytes = bufferedBytes;

    if (!this.#isSkipping) {
      if (bufferedBytes <= maxBufferedBytes && this.lagUs <= lagLimitUs) return this.#send("all", burst);
      this.#isSkipping = true;
    }
    if (nowMs - this.#progressAtMs > stallLimitMs) return "disconnect";
    if (this.#hasCaughtUp(bufferedBytes)) {
      this.#isSkipping = false;
      return this.#send(burst.startsWithKey ? "all" : "resume", burst);
    }
    if (burst.hasVideo) this.#skippedBurstCount++;
    // Sound is small: it goes on while there is a little room, so that a short stall is not heard.
    return bufferedBytes < maxBufferedBytes / 4 ? this.#send("audio", burst) : "nothing";
  }

  #send(action: ViewerAction, burst: BurstOutline): ViewerAction {
    this.#sentUs = Math.max(this.#sentUs ?? 0, burst.endUs);
    return action;
  }

  #hasCaughtUp(bufferedBytes: number): boolean {
    return bufferedBytes <= this.#limits.maxBufferedBytes / 16 && this.lagUs <= this.#limits.resumeLagUs;
  }

  #noteDrained(bufferedBytes: number, nowMs: number): void {
    // An empty buffer proves nothing for a viewer that acknowledges: the kernel may be holding it all.
    if (this.#ackedUs !== undefined && bufferedBytes === 0 && this.lagUs > this.#limits.lagLimitUs) return;
    this.#progressAtMs = nowMs;
  }
}
