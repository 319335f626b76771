/** Durations below this, in ns, are counted together. */
const SMALLEST_NS = 1_024;
const SMALLEST_BITS = 10;
/** Longest duration that is told apart: 2^30 ns, about a second. */
const LARGEST_NS = 2 ** 30;
const STEPS = 4;
const BUCKETS = 1 + STEPS * 20 + 1;
const DOUBLINGS_PER_STEP = 2;

/** Upper bounds of what a scraper is told, in seconds: every second doubling from 1.024 µs to 1.07 s. */
export const LATENCY_BOUNDS_S: readonly number[] = Array.from(
  { length: 20 / DOUBLINGS_PER_STEP + 1 },
  (_, step) => (SMALLEST_NS * 2 ** (DOUBLINGS_PER_STEP * step)) / 1e9,
);

/**
 * How long a command takes: counts in buckets whose width grows with the duration, four to a doubling, from 1 µs to 1 s.
 * So a percentile is right within a quarter. To count takes about as long as to read a clock's digits: no allocation, one
 * shift, one addition.
 */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(durationUs: number): void {
    const ns = durationUs * 1_000;
    let bucket = 0;
    if (ns >= LARGEST_NS) bucket = BUCKETS - 1;
    else if (ns >= SMALLEST_NS) {
      const whole = ns | 0;
      const bits = 31 - Math.clz32(whole);
      bucket = 1 + ((bits - SMALLEST_BITS) << 2) + ((whole >>> (bits - 2)) & 3);
    }
    this.#counts[bucket]!++;
    this.#total++;
  }

  /** Adds the counts to others, of the same buckets. */
  addTo(counts: Float64Array): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) counts[bucket]! += this.#counts[bucket]!;
  }

  /** Puts calls up to {@link LATENCY_BOUNDS_S}, and beyond the last of them, into `counts`: not cumulative. */
  writeSteps(counts: Float64Array): void {
    counts.fill(0);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const step = bucket === BUCKETS - 1 ? counts.length - 1 : Math.ceil(bucket / STEPS / DOUBLINGS_PER_STEP);
      counts[step]! += this.#counts[bucket]!;
    }
  }

  reset(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /**
   * The duration in µs below which so many percent lie: the upper bound of the bucket in which that is.
   *
   * @param percent 0 to 100.
   */
  percentileUs(percent: number): number {
    return percentileOf(this.#counts, this.#total, percent);
  }

  /** Calls up to each doubling of 1 µs, as LATENCY HISTOGRAM lists them: only those that add some. */
  cumulative(): { readonly upToUs: number; readonly count: number }[] {
    const steps: { upToUs: number; count: number }[] = [];
    let seen = 0;
    let listed = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (bucket % STEPS !== 0 && bucket !== BUCKETS - 1) continue;
      const boundNs = bucket === BUCKETS - 1 ? LARGEST_NS : SMALLEST_NS * 2 ** (bucket / STEPS);
      // Redis's histogram knows bounds to a 128th, and lists the end of that step.
      if (seen > listed) steps.push({ upToUs: Math.floor((boundNs + boundNs / 128 - 1) / 1_000), count: seen });
      listed = seen;
    }
    return steps;
  }
}

/** Counts of durations in no bucket, for {@link LatencyHistogram.addTo}. */
export function noLatencies(): Float64Array {
  return new Float64Array(BUCKETS);
}

/** As {@link LatencyHistogram.percentileUs}, of counts that were added up; 0 if there are none. */
export function percentileOf(counts: Float64Array | Uint32Array, total: number, percent: number): number {
  const wanted = Math.max(1, Math.ceil((percent / 100) * total));
  let seen = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    seen += counts[bucket]!;
    if (seen >= wanted) return upperBoundNs(bucket) / 1_000;
  }
  return 0;
}

function upperBoundNs(bucket: number): number {
  if (bucket === 0) return SMALLEST_NS;
  if (bucket === BUCKETS - 1) return LARGEST_NS;
  const doubling = 2 ** (SMALLEST_BITS + ((bucket - 1) >> 2));
  return doubling + ((((bucket - 1) & 3) + 1) * doubling) / STEPS;
}
