/**
 * A histogram of latencies whose buckets grow with their value: each power of two is cut into 128, so a value read back is
 * at most 0.8 % too high, from 1 us to 19 hours in 32 KiB. Nothing is sampled and nothing thrown away: a tail of one
 * request in a million is there. Histograms of several processes or seconds add up.
 */
const SUB_BITS = 7;
const SUB_COUNT = 1 << SUB_BITS;
const TOP_BITS = 36;
const BUCKET_COUNT = (TOP_BITS - SUB_BITS + 1) * SUB_COUNT;
const LARGEST_US = 2 ** TOP_BITS - 1;

/** A histogram as it travels between processes: pairs of bucket and count. */
export type SparseHistogram = readonly (readonly [bucket: number, count: number])[];

export class Histogram {
  readonly #counts = new Float64Array(BUCKET_COUNT);
  #total = 0;
  #sumUs = 0;
  #maxUs = 0;

  get count(): number {
    return this.#total;
  }

  /** The largest value, exact; 0 if there is none. */
  get maxUs(): number {
    return this.#maxUs;
  }

  /** `NaN` if there is no value. */
  get meanUs(): number {
    return this.#sumUs / this.#total;
  }

  /** Values under 0 count as 0, those over 19 hours as that. Allocates nothing. */
  record(us: number, count = 1): void {
    const value = us < 0 ? 0 : us > LARGEST_US ? LARGEST_US : Math.round(us);
    const bucket = bucketOf(value);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
    this.#total += count;
    this.#sumUs += value * count;
    if (value > this.#maxUs) this.#maxUs = value;
  }

  /** The value that the given share of all does not exceed, in us; `NaN` if there is none. */
  percentile(share: number): number {
    if (this.#total === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(share * this.#total - 1e-9));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= rank) return Math.min(topOf(bucket), this.#maxUs);
    }
    return this.#maxUs;
  }

  add(other: SparseHistogram): void {
    for (const [bucket, count] of other) this.record(topOf(bucket), count);
  }

  toSparse(): SparseHistogram {
    const pairs: [number, number][] = [];
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      const count = this.#counts[bucket] ?? 0;
      if (count > 0) pairs.push([bucket, count]);
    }
    return pairs;
  }
}

/** A histogram with these values. */
export function histogramOf(...parts: readonly SparseHistogram[]): Histogram {
  const histogram = new Histogram();
  for (const part of parts) histogram.add(part);
  return histogram;
}

/** Values below 128 have a bucket each; from there the upper 8 bits of a value choose it. */
function bucketOf(value: number): number {
  if (value < SUB_COUNT) return value;
  const exponent = Math.floor(Math.log2(value)) - SUB_BITS;
  // log2 of a number just below a power of two may round up to it.
  const shift = value < 2 ** (exponent + SUB_BITS) ? exponent - 1 : exponent;
  return (shift + 1) * SUB_COUNT + (Math.floor(value / 2 ** shift) - SUB_COUNT);
}

/** The largest value of a bucket. */
function topOf(bucket: number): number {
  if (bucket < SUB_COUNT) return bucket;
  const shift = Math.floor(bucket / SUB_COUNT) - 1;
  return ((bucket % SUB_COUNT) + SUB_COUNT + 1) * 2 ** shift - 1;
}
