/** Samples that are kept of each event, as Redis. */
const SAMPLES = 160;
/** Different events; the names are ours, so this is never reached unless somebody makes names up. */
const EVENT_LIMIT = 64;

export interface LatencySample {
  readonly timeSeconds: number;
  readonly durationMs: number;
}

/** What is known of one kind of delay. */
export class LatencyEvent {
  readonly samples: LatencySample[] = [];
  maxMs = 0;

  /** Within one second the longest counts. */
  add(timeSeconds: number, durationMs: number): void {
    this.maxMs = Math.max(this.maxMs, durationMs);
    const last = this.samples.at(-1);
    if (last?.timeSeconds === timeSeconds) {
      if (durationMs > last.durationMs) this.samples[this.samples.length - 1] = { timeSeconds, durationMs };
      return;
    }
    this.samples.push({ timeSeconds, durationMs });
    if (this.samples.length > SAMPLES) this.samples.shift();
  }
}

/** Delays that were longer than `latency-monitor-threshold`, by what caused them: LATENCY. */
export class LatencyMonitor {
  /** In ms; 0 is off. */
  thresholdMs = 0;
  readonly #events = new Map<string, LatencyEvent>();

  /** Notes a delay if it is long enough. Names as Redis has them: `command`, `fast-command`, `eviction-cycle`, `fork`. */
  add(event: string, nowMs: number, durationMs: number): void {
    if (this.thresholdMs === 0 || durationMs < this.thresholdMs) return;
    let known = this.#events.get(event);
    if (known === undefined) {
      if (this.#events.size >= EVENT_LIMIT) return;
      known = new LatencyEvent();
      this.#events.set(event, known);
    }
    known.add(Math.floor(nowMs / 1_000), Math.floor(durationMs));
  }

  get events(): ReadonlyMap<string, LatencyEvent> {
    return this.#events;
  }

  /** Forgets these events, or all if none is named. Returns how many there were. */
  reset(names: readonly string[]): number {
    if (names.length > 0) return names.filter((name) => this.#events.delete(name)).length;
    const count = this.#events.size;
    this.#events.clear();
    return count;
  }
}
