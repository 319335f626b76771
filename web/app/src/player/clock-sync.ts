/** How many pings and clock messages are remembered. */
const HISTORY_COUNT = 8;
/** A clock message this far from the others starts the history anew: the timeline jumped. */
const JUMP_MS = 1_000;

/**
 * Maps the local clock to the server's, and the server's to the stream's timeline.
 *
 * Two estimates, each from the last eight messages: the server's clock from the ping with the shortest round trip (its
 * error is at most half of that), and the timeline from the median of the clock messages (frames reach the server with
 * jitter; a single late one must not move the target). Owns no clock: callers pass local milliseconds.
 */
export class ClockSync {
  #pings: { rttMs: number; offsetMs: number }[] = [];
  #leadsMs: number[] = [];

  /** Shortest round trip of the remembered pings, in ms. */
  get rttMs(): number | undefined {
    return this.#best()?.rttMs;
  }

  /** A ping sent at `sentMs` was answered at `nowMs`, both local. */
  onPong(sentMs: number, nowMs: number, serverMs: number): void {
    const rttMs = Math.max(0, nowMs - sentMs);
    this.#pings.push({ rttMs, offsetMs: serverMs - (sentMs + rttMs / 2) });
    if (this.#pings.length > HISTORY_COUNT) this.#pings.shift();
  }

  /** The frame with presentation time `mediaMs` reached the server at `serverMs`, which may be long ago. */
  onClock(mediaMs: number, serverMs: number): void {
    const leadMs = mediaMs - serverMs;
    const known = median(this.#leadsMs);
    if (known !== undefined && Math.abs(known - leadMs) > JUMP_MS) this.#leadsMs = [];
    this.#leadsMs.push(leadMs);
    if (this.#leadsMs.length > HISTORY_COUNT) this.#leadsMs.shift();
  }

  /** Forgets the timeline but not the server's clock, as when a publisher returns. */
  resetTimeline(): void {
    this.#leadsMs = [];
  }

  /** Forgets everything, as after a reconnect or a sleep. */
  reset(): void {
    this.#pings = [];
    this.#leadsMs = [];
  }

  /**
   * Presentation time in ms of the frame that reaches the server at the local instant `nowMs`.
   *
   * @returns `undefined` before the first clock message and the first pong.
   */
  liveMediaMs(nowMs: number): number | undefined {
    const best = this.#best();
    const leadMs = median(this.#leadsMs);
    if (best === undefined || leadMs === undefined) return undefined;
    return nowMs + best.offsetMs + leadMs;
  }

  #best(): { rttMs: number; offsetMs: number } | undefined {
    let best = this.#pings[0];
    for (const ping of this.#pings) if (best === undefined || ping.rttMs < best.rttMs) best = ping;
    return best;
  }
}

/** Middle value (the lower one of two); `undefined` for none. */
function median(values: readonly number[]): number | undefined {
  return quantile(values, 0.5);
}

/** The value that the fraction `part` (0 to 1) of the values does not exceed; `undefined` for none. */
export function quantile(values: readonly number[], part: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * part) - 1))];
}
