import type { RankingError } from "../errors.ts";

/**
 * `ok`: appends are taken. `full`: there is no room; nothing is lost, the log tries again by itself, and writes are to be
 * refused until it is `ok`. `failed`: what was written may be gone; only a restart, with its recovery, helps.
 */
export type LogState = "ok" | "full" | "failed";

/**
 * One order of batches that every engine of a cluster applies, and that outlives it.
 *
 * A batch is bytes that only the engine understands. Its *position* counts from 1 without a gap. The two kinds of driver
 * differ in when the order is known, and the caller has to know which it has:
 *
 * - `isOrderedAtAppend` (the file of one node): the order of `append` calls is the order of the log. The caller may apply
 *   a batch first and append it then, and need not look at what comes back.
 * - otherwise (a log shared with other nodes): batches of others may come between. The caller appends, and applies each
 *   batch when `onBatch` brings it, its own among them.
 *
 * Both ways, `append` returns a *ticket*, which `onBatch` brings back beside the position, so that the caller knows whose
 * replies are due; and replies are due once `onAccepted` has named a position at or behind the batch's.
 *
 * ```
 * append -> ticket ... flush ... onBatch(position, bytes, ticket) ... onAccepted(position) ... onDurable(position)
 *                                                                       reply                   synced
 * ```
 */
export interface ReplicatedLog {
  readonly isOrderedAtAppend: boolean;
  /** 16 bytes that name the data set; files and nodes of another one are refused. Do not change them. */
  readonly clusterId: Uint8Array;
  /** The oldest position that can still be read; one more than `lastPosition` if there is none. */
  readonly firstPosition: number;
  /** The newest position that is in the log (written, for a file); 0 if there never was one. */
  readonly lastPosition: number;
  /** Up to here replies may be sent. */
  readonly acceptedPosition: number;
  readonly state: LogState;
  /** Why `state` is not `ok`. */
  readonly problem: RankingError | undefined;

  /**
   * Takes a batch, `bytes[start, end)`, which is copied. It goes out with the next `flush`, or before.
   *
   * Ask for `state` before a batch is applied: while the log is `full` the batches of the turn in which it became so are
   * still taken and kept, up to a limit.
   *
   * @returns The ticket. Tickets rise.
   * @throws RankingError `STORAGE_FAILED`; `STORAGE_FULL` beyond that limit
   * @throws RangeError if the batch is empty or longer than the driver's limit.
   */
  append(bytes: Uint8Array, start: number, end: number): number;

  /** Sends what was appended on its way; once at the end of an event-loop turn. Never throws: see `state`. */
  flush(): void;

  /**
   * Brings every batch from a position on, the old ones first and then the live ones, each once and in order. The first
   * one does not come within this call.
   */
  subscribe(fromPosition: number, subscriber: LogSubscriber): LogSubscription;

  /**
   * A position at or behind everything that any node had appended when this was called. When it settles the position is
   * accepted; who has applied up to it reads nothing old. Rejects with RankingError.
   */
  barrier(): Promise<number>;

  /** Positions up to this one, included, will not be read again: a snapshot holds them. What can be deleted is. */
  trim(position: number): void;

  /** Writes and syncs what is left and ends every subscription. Idempotent. Rejects with RankingError if that failed. */
  close(): Promise<void>;
}

/** Who is told of batches. */
export interface LogSubscriber {
  /**
   * The next batch: `bytes[start, end)`, which the log reuses after the call. Must not throw.
   *
   * @param ticket What `append` returned for it; 0 if another node or an earlier run of this one appended it.
   */
  onBatch(position: number, bytes: Uint8Array, start: number, end: number, ticket: number): void;
  /**
   * The subscription has ended by itself. `LOG_TRIMMED`: the next position is no longer there; load a snapshot and
   * subscribe behind it. `STORAGE_CORRUPT`, `STORAGE_FAILED`: it cannot be read.
   */
  onEnd(error: RankingError): void;
}

export interface LogSubscription {
  /** The position that comes next. */
  readonly nextPosition: number;
  /** Nothing comes after this. Idempotent. */
  cancel(): void;
}

/** Who is told how far a log has come. All are called on the event loop and must not throw. */
export interface LogObserver {
  /** Replies up to `position` may be sent. May be called within `flush`. */
  onAccepted?(position: number): void;
  /** Batches up to `position` outlive a loss of power. */
  onDurable?(position: number): void;
  /** The state has changed; `problem` says why unless it is `ok`. */
  onState?(state: LogState, problem: RankingError | undefined): void;
  /** A sync has been going on for that long. Told once a sync. */
  onSlowSync?(elapsedMs: number): void;
}
