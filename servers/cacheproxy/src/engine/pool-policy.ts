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

  /**
   * Whether a change that is not direct has to wait, for it cannot be carried out just now, but soon: by the server, or by
   * what takes its place.
   */
  mustWait(key: Uint8Array, start: number, end: number, patience: Patience): boolean;

  /**
   * Absent if a value found at a server always is the client's. Otherwise only plain reads and writes of the text protocol
   * are direct, and a read that finds a value of which this is true is run instead.
   *
   * @param value The bytes `[start, end)` are the value.
   */
  readonly isStandIn?: ((value: Uint8Array, start: number, end: number) => boolean) | undefined;

  /** Runs a request that is not direct. `done` is called exactly once, with what the client is told. */
  run(request: MetaRequest, exchange: Exchange, done: (reply: MetaReply) => void): void;
}

/** How long a change waits, rather than fail; it is the data path that counts the time. */
export interface Patience {
  /** The next cluster state may follow soon: the one in use is young. */
  readonly forEpoch: boolean;
  /** The server has no connection, but it has not been long: it may get one, or be taken out of use. */
  forServer(server: ServerRef): boolean;
}

/** Said by {@link PoolPolicy.direct}: more than one server, or another exptime, is involved. */
export const SLOW = -1;
