import type { Service } from "../service/service.ts";
import { durationOfSlot, type RequestCounts, type ServiceMetrics } from "../service/service-metrics.ts";

/** What a chart shows at one time; rates and durations are of the time since the point before. */
export interface HistoryPoint {
  readonly atMs: number;
  readonly requestsPerS: number;
  readonly failuresPerS: number;
  readonly bytesInPerS: number;
  readonly bytesOutPerS: number;
  /** `null` if nothing was answered. Rounded up by a fifth at most. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly bodyBytes: number;
  readonly residentBytes: number;
}

/** How busy a bucket was of late. */
export interface BucketRates {
  readonly requestsPerS: number;
  readonly bytesInPerS: number;
  readonly bytesOutPerS: number;
}

interface Totals {
  readonly atMs: number;
  readonly failures: number;
  readonly durations: Float64Array;
  readonly buckets: ReadonlyMap<string, Readonly<RequestCounts>>;
}

const POINTS = 300;
const NOTHING: RequestCounts = { requests: 0, bytesIn: 0, bytesOut: 0 };

/** What the server did in the last 300 samples: ten minutes if one is taken every two seconds. */
export class RateHistory {
  readonly #points: HistoryPoint[] = [];
  readonly #service: Pick<Service, "metrics" | "budget" | "monotonicMs" | "nowMs">;
  readonly #residentBytes: () => number;
  #last: Totals;
  #buckets: Readonly<Record<string, BucketRates>> = {};

  constructor(service: Pick<Service, "metrics" | "budget" | "monotonicMs" | "nowMs">, residentBytes: () => number) {
    this.#service = service;
    this.#residentBytes = residentBytes;
    this.#last = totalsOf(service.metrics, service.monotonicMs());
  }

  /** Points behind a time, oldest first, and the rates of the buckets that were asked for something just now. */
  since(atMs: number): { points: readonly HistoryPoint[]; buckets: Readonly<Record<string, BucketRates>> } {
    return { points: this.#points.filter((point) => point.atMs > atMs), buckets: this.#buckets };
  }

  /** Takes a point. Called again within the same millisecond it does nothing. */
  sample(): void {
    const { metrics, budget, monotonicMs, nowMs } = this.#service;
    const last = this.#last;
    const now = totalsOf(metrics, monotonicMs());
    const seconds = (now.atMs - last.atMs) / 1_000;
    if (seconds < 0.001) return;
    this.#last = now;
    const sum = { requestsPerS: 0, bytesInPerS: 0, bytesOutPerS: 0 };
    const buckets: [string, BucketRates][] = [];
    for (const [name, counts] of now.buckets) {
      const rates = ratesOf(counts, last.buckets.get(name) ?? NOTHING, seconds);
      sum.requestsPerS += rates.requestsPerS;
      sum.bytesInPerS += rates.bytesInPerS;
      sum.bytesOutPerS += rates.bytesOutPerS;
      if (name !== "" && rates.requestsPerS > 0) buckets.push([name, rates]);
    }
    this.#buckets = Object.fromEntries(buckets);
    const durations = now.durations.map((count, slot) => count - (last.durations[slot] ?? 0));
    this.#points.push({
      atMs: nowMs(),
      ...sum,
      failuresPerS: (now.failures - last.failures) / seconds,
      p50Ms: percentile(durations, 0.5),
      p99Ms: percentile(durations, 0.99),
      bodyBytes: budget.heldBytes,
      residentBytes: this.#residentBytes(),
    });
    if (this.#points.length > POINTS) this.#points.shift();
  }
}

function totalsOf(metrics: ServiceMetrics, atMs: number): Totals {
  const buckets = new Map([...metrics.bucketCounts()].map(([name, counts]) => [name, { ...counts }]));
  return { atMs, failures: metrics.failures, durations: metrics.durations.slice(), buckets };
}

function ratesOf(now: RequestCounts, before: RequestCounts, seconds: number): BucketRates {
  return {
    requestsPerS: (now.requests - before.requests) / seconds,
    bytesInPerS: (now.bytesIn - before.bytesIn) / seconds,
    bytesOutPerS: (now.bytesOut - before.bytesOut) / seconds,
  };
}

function percentile(durations: Float64Array, share: number): number | null {
  const total = durations.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = Math.ceil(total * share);
  for (let slot = 0; slot < durations.length; slot++) {
    left -= durations[slot] ?? 0;
    if (left <= 0) return durationOfSlot(slot);
  }
  return durationOfSlot(durations.length - 1);
}
