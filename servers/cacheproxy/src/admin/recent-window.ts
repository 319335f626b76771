import { LATENCY_BOUNDS_US } from "../engine/cluster-counts.ts";

interface Second {
  readonly second: number;
  requests: number;
  failures: number;
  readonly latency: number[];
}

/** What a window says. */
export interface RecentRates {
  readonly perSecond: number;
  readonly failuresPerSecond: number;
  /** Upper bounds of the buckets that the quantiles fall in; `undefined` without requests. */
  readonly p50Us: number | undefined;
  readonly p99Us: number | undefined;
}

const WINDOW_SECONDS = 10;

/** Counts of the last ten whole seconds, in one slot each. */
export class RecentWindow {
  readonly #seconds: Second[] = [];

  add(nowMs: number, requests: number, failures: number, latency: readonly number[]): void {
    const second = Math.floor(nowMs / 1_000);
    let slot = this.#seconds.at(-1);
    if (slot?.second !== second) {
      slot = { second, requests: 0, failures: 0, latency: new Array<number>(LATENCY_BOUNDS_US.length + 1).fill(0) };
      this.#seconds.push(slot);
      if (this.#seconds.length > WINDOW_SECONDS + 1) this.#seconds.shift();
    }
    slot.requests += requests;
    slot.failures += failures;
    for (let i = 0; i < slot.latency.length; i++) slot.latency[i] = (slot.latency[i] ?? 0) + (latency[i] ?? 0);
  }

  rates(nowMs: number): RecentRates {
    const now = Math.floor(nowMs / 1_000);
    const whole = this.#seconds.filter(({ second }) => second < now && second >= now - WINDOW_SECONDS);
    const latency = new Array<number>(LATENCY_BOUNDS_US.length + 1).fill(0);
    let [requests, failures] = [0, 0];
    for (const slot of whole) {
      requests += slot.requests;
      failures += slot.failures;
      for (const [i, count] of slot.latency.entries()) latency[i] = (latency[i] ?? 0) + count;
    }
    return {
      perSecond: requests / WINDOW_SECONDS,
      failuresPerSecond: failures / WINDOW_SECONDS,
      p50Us: quantileUs(latency, 0.5),
      p99Us: quantileUs(latency, 0.99),
    };
  }
}

/** Upper bound of the bucket that holds the quantile; beyond the last bound, that bound. */
function quantileUs(latency: readonly number[], quantile: number): number | undefined {
  let total = 0;
  for (const count of latency) total += count;
  if (total === 0) return undefined;
  let below = 0;
  for (const [i, count] of latency.entries()) {
    below += count;
    if (below >= total * quantile) return LATENCY_BOUNDS_US[Math.min(i, LATENCY_BOUNDS_US.length - 1)];
  }
  return LATENCY_BOUNDS_US.at(-1);
}
