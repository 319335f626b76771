/** What a load process is asked to do. */
export interface LoadRequest {
  /** Where to connect: the connections are shared out over these. */
  readonly ports: readonly number[];
  readonly connections: number;
  /** Requests that a connection sends at once; it sends the next when all are answered. */
  readonly pipeline: number;
  readonly milliseconds: number;
  readonly valueBytes: number;
  readonly keyCount: number;
  /** Requests a second over all connections, one at a time each; 0 for as many as are answered. */
  readonly perSecond: number;
}

/** What came of it. */
export interface LoadResult {
  readonly operations: number;
  readonly hits: number;
  readonly misses: number;
  readonly stored: number;
  /** Replies that were none of these. */
  readonly errors: number;
  readonly milliseconds: number;
  /** CPU time of the load process itself, in milliseconds. */
  readonly loadCpuMs: number;
  /** Of paced runs: from sending to the whole reply, in milliseconds. */
  readonly latenciesMs: readonly number[];
}

/** Key of the given number; all keys have the same length. */
export function keyOf(index: number): string {
  return `bench:${String(index).padStart(8, "0")}`;
}
