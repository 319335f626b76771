/**
 * Upper bounds of the latency buckets, in microseconds; a list of counts has one more, for what took longer. Each bound
 * is about twice the one before, so a quantile read from them is off by a factor of at most two and a half.
 */
export const LATENCY_BOUNDS_US: readonly number[] = [
  50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 204_800, 409_600, 819_200, 2_000_000,
  5_000_000,
];

/** Requests of the keys of one route since the last report. */
export interface RouteCounts {
  /** Pool and prefix of the route. */
  readonly pool: string;
  readonly prefix: string;
  readonly reads: number;
  readonly readHits: number;
  readonly writes: number;
  readonly deletes: number;
  readonly touches: number;
  /** Answered with an error made by the proxy: no server, overload, a connection that broke, too late. */
  readonly failures: number;
  /** Requests from their last byte in to the first byte of the answer out, by {@link LATENCY_BOUNDS_US}; one longer. */
  readonly latency: readonly number[];
  /** Sum of those latencies, in microseconds. */
  readonly latencySumUs: number;
}

/** One server's exchanges since the last report. */
export interface ServerCounts {
  /** `host:port`. */
  readonly address: string;
  readonly requests: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Connections that broke or could not be made. Hints for the health checks, never more. */
  readonly connectionFailures: number;
  readonly timeouts: number;
  /** Requests that were not sent because too many waited. */
  readonly overloads: number;
  readonly latency: readonly number[];
  readonly latencySumUs: number;
  /** Now, not since: unanswered requests, bytes waiting to be sent, and whether a connection stands. */
  readonly inFlight: number;
  readonly stagedBytes: number;
  readonly isConnected: boolean;
}

/** What a pool's policy did since the last report. */
export interface PoolCounts {
  readonly pool: string;
  readonly gutterReads: number;
  readonly gutterHits: number;
  readonly gutterWrites: number;
  readonly shadowSent: number;
  readonly shadowFailed: number;
  readonly hotReads: number;
  /** Reads of moving slots: found at the new owner, found at the old one, found nowhere. */
  readonly moveHitsTo: number;
  readonly moveHitsFrom: number;
  readonly moveMisses: number;
  /** Keys asked for most, with reads per second as estimated; at most {@link TOP_KEYS_LIMIT}. */
  readonly topKeys: readonly TopKey[];
}

/** One of the keys asked for most. */
export interface TopKey {
  /** In base64, for a key may be any bytes. */
  readonly keyBase64: string;
  readonly perSecond: number;
}

/** Top keys per pool and report. */
export const TOP_KEYS_LIMIT = 32;

/** What a worker sends to the primary process once a second. Plain data; its size is bounded by the cluster's limits. */
export interface WorkerReport {
  /** Tells workers apart; one that is started in another's place has another number. */
  readonly workerId: number;
  /** The cluster state it acts by. */
  readonly epoch: number;
  readonly clients: number;
  readonly clientsAccepted: number;
  readonly clientsRefused: number;
  readonly routes: readonly RouteCounts[];
  readonly servers: readonly ServerCounts[];
  readonly pools: readonly PoolCounts[];
}
