const KEPT = 512;

/** The last durations of something, for their p99. */
export class LatencyWindow {
  readonly #values = new Float64Array(KEPT);
  #count = 0;

  add(durationMs: number): void {
    this.#values[this.#count++ % KEPT] = durationMs;
  }

  /** Of what came since it was asked last, at most the last 512; undefined if nothing did. */
  takeP99(): number | undefined {
    const count = Math.min(KEPT, this.#count);
    this.#count = 0;
    if (count === 0) return undefined;
    const sorted = this.#values.slice(0, count).sort();
    return sorted[Math.ceil(0.99 * count) - 1];
  }
}
