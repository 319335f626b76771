/** Settings of {@link TargetLatency}, in seconds and milliseconds. */
export interface TargetLatencyOptions {
  readonly startS: number;
  readonly maxS: number;
}

/** Stalls further apart than this do not belong together. */
const STALL_WINDOW_MS = 30_000;
const RISE = 1.5;
/** How long playback must be calm before the target sinks by one step. */
const CALM_MS = 10_000;
const SINK = 0.88;
/** This many stalls within the window with the target at its top mean that this way of delivery does not work here. */
const HOPELESS_COUNT = 4;

/**
 * How far behind the server to play: low while it goes well, higher when stalls repeat, and slowly back.
 *
 * The first stall changes nothing, since a single hiccup is cheaper than latency for good; every further one within
 * 30 s raises the target by half. Owns no clock.
 */
export class TargetLatency {
  readonly #options: TargetLatencyOptions;
  #targetS: number;
  #stallsMs: number[] = [];
  #calmSinceMs = Number.NEGATIVE_INFINITY;

  constructor(options: TargetLatencyOptions) {
    this.#options = options;
    this.#targetS = options.startS;
  }

  get targetS(): number {
    return this.#targetS;
  }

  /** @returns whether stalls keep coming although the target is at its top. */
  onStall(nowMs: number): boolean {
    this.#stallsMs = this.#stallsMs.filter((atMs) => nowMs - atMs < STALL_WINDOW_MS);
    this.#stallsMs.push(nowMs);
    this.#calmSinceMs = nowMs;
    const isAtTop = this.#targetS >= this.#options.maxS;
    if (this.#stallsMs.length > 1) this.#targetS = Math.min(this.#options.maxS, this.#targetS * RISE);
    if (!isAtTop || this.#stallsMs.length < HOPELESS_COUNT) return false;
    this.#stallsMs = [];
    return true;
  }

  /** Call it regularly; it lowers a raised target once per calm ten seconds. */
  onTick(nowMs: number): void {
    if (this.#targetS <= this.#options.startS || nowMs - this.#calmSinceMs < CALM_MS) return;
    this.#targetS = Math.max(this.#options.startS, this.#targetS * SINK);
    this.#calmSinceMs = nowMs;
  }
}
