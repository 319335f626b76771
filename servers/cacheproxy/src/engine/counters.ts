import { LATENCY_BOUNDS_US } from "./cluster-counts.ts";

const BUCKET_COUNT = LATENCY_BOUNDS_US.length + 1;
/** Up to here each bound is twice the one before. */
const DOUBLING_BOUNDS = LATENCY_BOUNDS_US.findIndex(
  (bound, i) => i > 0 && bound !== 2 * (LATENCY_BOUNDS_US[i - 1] ?? 0),
);
const FIRST_BOUND_US = LATENCY_BOUNDS_US[0] as number;

/** Position of the bucket of `LATENCY_BOUNDS_US` that a latency counts in. */
function latencyBucket(latencyUs: number): number {
  if (latencyUs <= FIRST_BOUND_US) return 0;
  const bucket = 32 - Math.clz32((latencyUs - 1) / FIRST_BOUND_US);
  if (bucket < DOUBLING_BOUNDS) return bucket;
  for (let i = DOUBLING_BOUNDS; i < BUCKET_COUNT - 1; i++) if (latencyUs <= (LATENCY_BOUNDS_US[i] as number)) return i;
  return BUCKET_COUNT - 1;
}

/** Latencies since the last report. */
class LatencyCounter {
  readonly buckets = new Uint32Array(BUCKET_COUNT);
  sumUs = 0;

  add(latencyUs: number): void {
    const bucket = latencyBucket(latencyUs);
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1;
    this.sumUs += latencyUs;
  }

  /** What was counted; counting begins anew. */
  take(): { readonly latency: number[]; readonly latencySumUs: number } {
    const taken = { latency: [...this.buckets], latencySumUs: Math.round(this.sumUs) };
    this.buckets.fill(0);
    this.sumUs = 0;
    return taken;
  }
}

/** Counts of one route, as the data path sees it. */
export class RouteCounter {
  /** Requests by AccessCode. */
  readonly requests = new Float64Array(5);
  readHits = 0;
  failures = 0;
  readonly latency = new LatencyCounter();
}

/** Counts of one server, as the data path sees it. */
export class ServerCounter {
  requests = 0;
  bytesOut = 0;
  bytesIn = 0;
  connectionFailures = 0;
  timeouts = 0;
  overloads = 0;
  readonly latency = new LatencyCounter();
}
