import { quantile } from "./clock-sync.ts";

/** Sum of what happened within the last `windowMs`, as a rate per second. Owns no clock. */
export class RateMeter {
  readonly #windowMs: number;
  readonly #entries: { atMs: number; amount: number }[] = [];
  #sinceMs: number | undefined;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(nowMs: number, amount: number): void {
    this.#sinceMs ??= nowMs;
    this.#entries.push({ atMs: nowMs, amount });
    this.#forget(nowMs);
  }

  /** Amount per second; 0 until there is a tenth of a second to judge by. */
  perSecond(nowMs: number): number {
    this.#forget(nowMs);
    if (this.#sinceMs === undefined) return 0;
    const spanMs = Math.min(this.#windowMs, nowMs - this.#sinceMs);
    if (spanMs < 100) return 0;
    let sum = 0;
    for (const entry of this.#entries) sum += entry.amount;
    return (sum * 1000) / spanMs;
  }

  #forget(nowMs: number): void {
    const oldest = nowMs - this.#windowMs;
    while (this.#entries[0] !== undefined && this.#entries[0].atMs < oldest) this.#entries.shift();
  }
}

/** The last `limit` values, for medians and tails. */
export class ValueWindow {
  readonly #limit: number;
  #values: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > this.#limit) this.#values.shift();
  }

  clear(): void {
    this.#values = [];
  }

  /** @returns `null` while empty. */
  quantile(part: number): number | null {
    return quantile(this.#values, part) ?? null;
  }
}
