import type { Exchange, MetaReply, MetaRequest, ServerRef } from "./meta.ts";

/** What a request may do to a key; enough for the fast path to decide. */
export type Access = "read" | "write" | "delete" | "touch";

/**
 * All decisions about one pool's keys. The data path asks {@link direct} for every request, so it must take
 * nanoseconds for pools in which nothing happens.
 */
export interface PoolPolicy {
  /**
   * The one server that a request may be passed to as it is.
   *
   * @param key The bytes `[start, end)` are the key; nothing is kept of them.
   * @param valueBytes Length of the value of a write, 0 for others.
   * @returns `SLOW` if {@link run} must be asked instead.
   */
  direct(access: Access, key: Uint8Array, start: number, end: number, valueBytes: number): ServerRef | typeof SLOW;

  /** Runs a request that is not direct. `done` is called exactly once, with what the client is told. */
  run(request: MetaRequest, exchange: Exchange, done: (reply: MetaReply) => void): void;
}

/** Said by {@link PoolPolicy.direct}: more than one server, or another exptime, is involved. */
export const SLOW = -1;
