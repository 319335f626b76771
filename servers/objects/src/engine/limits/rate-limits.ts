import { TokenBucket } from "./token-bucket.ts";

/** Limits of a user or a bucket; an absent one is no limit. Rates are per second. */
export interface RateLimits {
  readonly requestsPerSecond?: number | undefined;
  /** Bytes of request bodies. */
  readonly bytesInPerSecond?: number | undefined;
  /** Bytes of response bodies. */
  readonly bytesOutPerSecond?: number | undefined;
}

const NAMES = ["requestsPerSecond", "bytesInPerSecond", "bytesOutPerSecond"] as const;

/** A second's worth of requests may come at once, and a quarter of one of bytes, but 64 KiB even if that is more. */
const BYTES_BURST = 65_536;

/** The buckets of one user or one S3 bucket; changing the limits keeps what has been taken. */
export class RateState {
  #limits: RateLimits = {};
  readonly #buckets = new Map<(typeof NAMES)[number], TokenBucket>();

  setLimits(limits: RateLimits, nowMs: number): void {
    for (const name of NAMES) {
      const rate = limits[name];
      if (rate === this.#limits[name]) continue;
      const burst = name === "requestsPerSecond" ? (rate ?? 0) : Math.max((rate ?? 0) / 4, BYTES_BURST);
      const bucket = this.#buckets.get(name);
      if (rate === undefined) this.#buckets.delete(name);
      else if (bucket) bucket.setRate(rate, burst, nowMs);
      else this.#buckets.set(name, new TokenBucket(rate, burst, nowMs));
    }
    this.#limits = limits;
  }

  /** Whether one more request is within the rate. */
  admits(nowMs: number): boolean {
    return this.#buckets.get("requestsPerSecond")?.tryTake(1, nowMs) ?? true;
  }

  /** Takes bytes that are about to go, and tells how many ms to wait before they go. */
  takeBytes(direction: "in" | "out", count: number, nowMs: number): number {
    const name = direction === "in" ? "bytesInPerSecond" : "bytesOutPerSecond";
    return this.#buckets.get(name)?.take(count, nowMs) ?? 0;
  }

  paces(direction: "in" | "out"): boolean {
    return this.#buckets.has(direction === "in" ? "bytesInPerSecond" : "bytesOutPerSecond");
  }
}
