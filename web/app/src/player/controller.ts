import { TargetLatency } from "./target-latency.ts";

/** A half-open stretch of buffered media, in seconds. */
export interface TimeRange {
  readonly startS: number;
  readonly endS: number;
}

/** What the controller sees at one tick. */
export interface PlaybackSample {
  readonly nowMs: number;
  readonly currentTimeS: number;
  readonly isPaused: boolean;
  readonly isSeeking: boolean;
  /** The element has nothing to show after the current frame (`readyState` below `HAVE_FUTURE_DATA`). */
  readonly isStarved: boolean;
  /** The publisher is sending; otherwise an empty buffer is nobody's fault and is left alone. */
  readonly isLive: boolean;
  /** In ascending order. */
  readonly buffered: readonly TimeRange[];
  /** Presentation time of what reaches the server now; `undefined` when unknown, then the buffered end stands in. */
  readonly liveMediaS: number | undefined;
}

export type SeekReason = "start" | "behind" | "gap" | "stuck";

export type PlaybackAction =
  | { readonly kind: "rate"; readonly rate: number }
  | { readonly kind: "seek"; readonly toS: number; readonly reason: SeekReason }
  /** Remove what is buffered before `toS`. */
  | { readonly kind: "trim"; readonly toS: number }
  | { readonly kind: "fall-back"; readonly reason: "stalls" };

/** Settings of {@link PlaybackController}; seconds unless named otherwise. */
export interface ControllerOptions {
  /** Server receipt to presentation. */
  readonly targetS: number;
  readonly maxTargetS: number;
  /** Never aim at less than this much ahead of the playhead: one late frame must not stop the picture. */
  readonly minBufferS: number;
  /** From the playhead to the screen: decoder, compositor, display. */
  readonly presentationS: number;
  readonly minRate: number;
  readonly maxRate: number;
  /** Further behind than this is jumped, not caught up. */
  readonly seekBehindS: number;
  readonly keepBehindS: number;
  /** How long a decoder takes from a seek to moving pictures: the first seek aims this much later. */
  readonly startUpS: number;
}

const DEFAULT_CONTROLLER_OPTIONS: ControllerOptions = {
  targetS: 0.25,
  maxTargetS: 1,
  minBufferS: 0.1,
  presentationS: 0.05,
  minRate: 0.95,
  maxRate: 1.12,
  seekBehindS: 1.5,
  keepBehindS: 10,
  startUpS: 0.08,
};

/** Media that touches within this counts as one stretch: encoders round durations. */
const EDGE_S = 0.04;
const DEAD_BAND_S = 0.015;
/** Rate per second of error: 100 ms too late plays 6 % faster. */
const GAIN = 0.6;
/** Largest change of rate per tick, so that the pitch corrector never jumps. */
const RATE_STEP = 0.02;
/** A shorter starvation is not seen by anybody. */
const STALL_MIN_MS = 80;
/** Starved this long with media at hand: the decoder lost its way, a seek wakes it. */
const STUCK_MS = 1_000;
const STUCK_BUFFER_S = 0.3;
const PAUSED_LIMIT_S = 30;
/** Just after the start a smaller lateness is jumped too, once: the join burst was longer than it looked. */
const JOIN_MS = 1_500;
const JOIN_BEHIND_S = 0.5;
/** Share of a new measurement in the smoothed delivery delay. */
const SMOOTHING = 0.1;

/**
 * Holds a live picture at a chosen distance behind the server.
 *
 * Latency is `liveMediaS − currentTime`. It is the sum of the delivery delay (how far the buffered end lags behind what
 * reaches the server; not ours to change) and the buffer ahead of the playhead (ours). The controller steers the sum to
 * the target, but never lets the buffer go under its minimum, which rises with the target. Unlike the buffer level the
 * sum has no saw-tooth from arriving frames, so the rate stays still once it is right.
 *
 * Invariants: one seek at a time (none while seeking, unless that takes a second); no action while nothing is buffered; owns no clock, no element.
 */
export class PlaybackController {
  readonly #options: ControllerOptions;
  readonly #target: TargetLatency;
  #hasStarted = false;
  /** Until then the start may be corrected. */
  #joinUntilMs = 0;
  #rate = 1;
  #deliveryS = 0;
  #starvedSinceMs: number | undefined;
  #seekingSinceMs: number | undefined;
  #isStallCounted = false;
  /** The least that was ahead of the playhead in this starvation. */
  #starvedAheadS = Number.POSITIVE_INFINITY;
  #stallCount = 0;

  constructor(options: Partial<ControllerOptions> = {}) {
    this.#options = { ...DEFAULT_CONTROLLER_OPTIONS, ...options };
    this.#target = new TargetLatency({ startS: this.#options.targetS, maxS: this.#options.maxTargetS });
  }

  get targetS(): number {
    return this.#target.targetS;
  }

  get rate(): number {
    return this.#rate;
  }

  get stallCount(): number {
    return this.#stallCount;
  }

  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** The next tick chooses a start position again, as after a new MediaSource. */
  restart(): void {
    this.#hasStarted = false;
    this.#starvedSinceMs = undefined;
    this.#deliveryS = 0;
  }

  /** Where the playhead belongs now; `undefined` while nothing is buffered. */
  livePositionS(sample: Pick<PlaybackSample, "buffered" | "liveMediaS">): number | undefined {
    const last = sample.buffered.at(-1);
    if (last === undefined) return undefined;
    const liveS = sample.liveMediaS ?? last.endS;
    return clamp(liveS - this.#desiredLatencyS(), last.startS, Math.max(last.startS, last.endS - EDGE_S));
  }

  onTick(sample: PlaybackSample): PlaybackAction[] {
    const last = sample.buffered.at(-1);
    if (last === undefined) return [];
    this.#observeDelivery(sample, last);
    if (!this.#hasStarted) return this.#start(sample, last);
    this.#target.onTick(sample.nowMs);

    const actions = this.#trim(sample);
    if (sample.isSeeking) return actions.concat(this.#rescueSeek(sample, last));
    this.#seekingSinceMs = undefined;
    if (sample.isPaused) return actions.concat(this.#boundPaused(sample, last));
    actions.push(...this.#countStall(sample, last.endS - sample.currentTimeS));
    const seek = this.#chooseSeek(sample, last);
    if (seek !== undefined) actions.push(seek);
    actions.push(...this.#steer(sample, last, seek !== undefined));
    return actions;
  }

  #desiredLatencyS(): number {
    const { minBufferS, presentationS } = this.#options;
    const targetS = this.#target.targetS;
    const bufferS = Math.max(minBufferS, targetS * 0.4);
    return Math.max(targetS - presentationS, this.#deliveryS + bufferS);
  }

  #observeDelivery(sample: PlaybackSample, last: TimeRange): void {
    if (sample.liveMediaS === undefined || !sample.isLive || !this.#hasStarted) return;
    // A negative delay is clock error; a huge one is a stream that stopped, not a slow path.
    const delayS = clamp(sample.liveMediaS - last.endS, 0, 5);
    this.#deliveryS += (delayS - this.#deliveryS) * SMOOTHING;
  }

  #start(sample: PlaybackSample, last: TimeRange): PlaybackAction[] {
    const liveS = sample.liveMediaS ?? last.endS;
    const wantedS = liveS - Math.max(EDGE_S, this.#desiredLatencyS() - this.#options.startUpS);
    // The join burst arrives oldest first. Waiting until it covers the wanted place saves a second seek; a place
    // before the burst, or a burst that ends short of it, is decided by the edge.
    const isBurstOver = liveS - last.endS < EDGE_S || !sample.isLive;
    if (last.endS < wantedS && !isBurstOver && wantedS - last.endS < 5) return [];
    this.#hasStarted = true;
    this.#joinUntilMs = sample.nowMs + JOIN_MS;
    const toS = clamp(wantedS, last.startS, Math.max(last.startS, last.endS - EDGE_S));
    return [{ kind: "seek", toS, reason: "start" }];
  }

  #trim(sample: PlaybackSample): PlaybackAction[] {
    const { keepBehindS } = this.#options;
    const firstS = sample.buffered[0]?.startS ?? 0;
    // Half as much again before removing: removal costs, and a trim each tick would too.
    if (firstS >= sample.currentTimeS - keepBehindS * 1.5) return [];
    // A playhead far beyond all media is left over from an earlier broadcast: what is there is new, not old.
    if (sample.currentTimeS > (sample.buffered.at(-1)?.endS ?? 0) + 1) return [];
    return [{ kind: "trim", toS: sample.currentTimeS - keepBehindS }];
  }

  /** A seek to a place that will never be buffered would wait for ever. */
  #rescueSeek(sample: PlaybackSample, last: TimeRange): PlaybackAction[] {
    this.#seekingSinceMs ??= sample.nowMs;
    if (sample.nowMs - this.#seekingSinceMs < STUCK_MS) return [];
    this.#seekingSinceMs = sample.nowMs;
    const seek = this.#chooseSeek(sample, last);
    return seek === undefined ? [] : [seek];
  }

  #boundPaused(sample: PlaybackSample, last: TimeRange): PlaybackAction[] {
    this.#starvedSinceMs = undefined;
    if (last.endS - sample.currentTimeS < PAUSED_LIMIT_S) return [];
    return [{ kind: "seek", toS: this.livePositionS(sample) ?? last.startS, reason: "behind" }];
  }

  #countStall(sample: PlaybackSample, aheadS: number): PlaybackAction[] {
    if (!sample.isStarved || !sample.isLive) {
      this.#starvedSinceMs = undefined;
      this.#isStallCounted = false;
      this.#starvedAheadS = Number.POSITIVE_INFINITY;
      return [];
    }
    this.#starvedSinceMs ??= sample.nowMs;
    this.#starvedAheadS = Math.min(this.#starvedAheadS, aheadS);
    if (this.#isStallCounted || sample.nowMs - this.#starvedSinceMs < STALL_MIN_MS) return [];
    this.#isStallCounted = true;
    this.#stallCount++;
    // Starved beside media means a decoder without time; more latency would not help it.
    if (this.#starvedAheadS > this.#options.minBufferS) return [];
    return this.#target.onStall(sample.nowMs) ? [{ kind: "fall-back", reason: "stalls" }] : [];
  }

  #chooseSeek(sample: PlaybackSample, last: TimeRange): PlaybackAction | undefined {
    const { currentTimeS, buffered } = sample;
    const liveS = this.livePositionS(sample) ?? last.startS;
    const inside = buffered.find(
      (range) => currentTimeS >= range.startS - EDGE_S && currentTimeS < range.endS - EDGE_S,
    );
    if (inside === undefined) {
      const next = buffered.find((range) => range.startS > currentTimeS);
      if (next !== undefined) {
        return { kind: "seek", toS: next === last ? Math.max(next.startS, liveS) : next.startS, reason: "gap" };
      }
      // Far beyond all media: the timeline started again.
      if (currentTimeS > last.endS + 1) return { kind: "seek", toS: liveS, reason: "gap" };
      return undefined;
    }
    // Not before the burst covers the wanted place, or the one correction is spent on half of it.
    const isCovered = (sample.liveMediaS ?? last.endS) - this.#desiredLatencyS() < last.endS;
    const isJoining = sample.nowMs < this.#joinUntilMs && isCovered;
    const limitS = isJoining ? Math.min(JOIN_BEHIND_S, this.#options.seekBehindS) : this.#options.seekBehindS;
    if (liveS - currentTimeS > limitS) {
      this.#joinUntilMs = 0;
      return { kind: "seek", toS: liveS, reason: "behind" };
    }
    const isStuck =
      this.#starvedSinceMs !== undefined &&
      sample.nowMs - this.#starvedSinceMs > STUCK_MS &&
      inside.endS - currentTimeS > STUCK_BUFFER_S;
    if (!isStuck) return undefined;
    this.#starvedSinceMs = sample.nowMs;
    return { kind: "seek", toS: Math.max(liveS, currentTimeS + EDGE_S), reason: "stuck" };
  }

  #steer(sample: PlaybackSample, last: TimeRange, isSeeking: boolean): PlaybackAction[] {
    const { minRate, maxRate, minBufferS } = this.#options;
    const latencyS = (sample.liveMediaS ?? last.endS) - sample.currentTimeS;
    const aheadS = last.endS - sample.currentTimeS;
    const errorS = latencyS - this.#desiredLatencyS();
    let wanted = Math.abs(errorS) < DEAD_BAND_S ? 1 : clamp(1 + errorS * GAIN, minRate, maxRate);
    if (aheadS < minBufferS / 2) wanted = Math.min(wanted, 1);
    if (isSeeking || !sample.isLive) wanted = 1;
    const rate = Math.round(clamp(wanted, this.#rate - RATE_STEP, this.#rate + RATE_STEP) * 100) / 100;
    if (rate === this.#rate) return [];
    this.#rate = rate;
    return [{ kind: "rate", rate }];
  }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
