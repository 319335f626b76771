import { randomBytes } from "node:crypto";
import type { Timer, TimerClock } from "@kagami/clock";
import { RankingError } from "../errors.ts";
import type { Disk } from "./disk.ts";
import { LogCursor } from "./log-cursor.ts";
import { CLUSTER_ID_BYTES, RECORD_LIMIT_BYTES, UNSYNCED_UNKNOWN } from "./log-format.ts";
import { recoverLog } from "./log-recovery.ts";
import { FileLogSubscription, type SubscriptionHost } from "./log-subscription.ts";
import { LogSyncer, type SyncPolicy } from "./log-syncer.ts";
import { nodeDisk } from "./node-disk.ts";
import { PendingRecords } from "./pending-records.ts";
import { PositionWaiters } from "./position-waiters.ts";
import type { LogObserver, LogState, LogSubscriber, LogSubscription, ReplicatedLog } from "./replicated-log.ts";
import { SegmentChain } from "./segment-chain.ts";
import { ioFailure, type StorageJournal } from "./storage-errors.ts";

const SEGMENT_BYTES = 64 * 1_048_576;
/** Pending bytes that are written without waiting for the end of the turn. */
const EARLY_WRITE_BYTES = 4 * 1_048_576;
/** Pending bytes that are kept while the disk is full; one batch may exceed it. */
const PENDING_LIMIT_BYTES = 64 * 1_048_576;
/** How often a full disk is tried again. */
const RETRY_MS = 250;

export interface FileLogOptions {
  /** An existing directory that nobody else writes to: see `lockDirectory`. */
  readonly directory: string;
  readonly clock: TimerClock;
  readonly journal: StorageJournal;
  readonly policy: SyncPolicy;
  readonly observer?: LogObserver;
  /** The position behind the snapshot that was loaded; 1 (if absent) without one. */
  readonly firstNeededPosition?: number;
  /** The id that the log must have, or will get if it is new; if absent that of the files, or a random one. */
  readonly clusterId?: Uint8Array;
  /** Cuts the log where it is damaged instead of refusing it. */
  readonly shouldRepair?: boolean;
  /** While syncs take less than this on average, `flush` waits for them under `always`; 0, if absent, is never. */
  readonly inlineSyncMs?: number;
  /** A segment is full at this size; 64 MiB if absent. */
  readonly segmentBytes?: number;
  /** The machine's if absent. */
  readonly disk?: Disk;
  readonly randomBytes?: (count: number) => Uint8Array;
}

/** Figures for INFO and the metrics. */
export interface FileLogStatistics {
  readonly segmentCount: number;
  /** Of all segments. */
  readonly sizeBytes: number;
  /** Appended and not yet written. */
  readonly pendingBytes: number;
  readonly syncCount: number;
  /** How long ago the last sync ended, in ms; NaN if there was none. */
  readonly syncAgeMs: number;
  /** Syncs that took longer than 2 s. */
  readonly slowSyncCount: number;
  /** Times that the disk turned out full. */
  readonly fullCount: number;
}

/**
 * The log of one node, in files.
 *
 * ```
 * append ──> pending ──flush: one write──> last segment ──sync off the thread──> device
 *            appended                      written                               durable
 * ```
 *
 * What is appended stays pending until it is written whole. When the disk is full it stays, in order, and is tried again:
 * the engine has applied it already, so it must come into the log before anything else. `accepted` is durable under
 * `always` and written under the other policies, which is all that they promise.
 */
export class FileLog implements ReplicatedLog {
  readonly isOrderedAtAppend = true;
  readonly #chain: SegmentChain;
  readonly #syncer: LogSyncer;
  readonly #pending: PendingRecords;
  readonly #observer: LogObserver;
  #policy: SyncPolicy;
  readonly #clock: TimerClock;
  readonly #disk: Disk;
  readonly #segmentBytes: number;
  readonly #recoveredPosition: number;
  readonly #subscriptions = new Set<FileLogSubscription>();
  readonly #host: SubscriptionHost;
  readonly #acceptedWaiters = new PositionWaiters();
  readonly #durableWaiters = new PositionWaiters();
  #writtenPosition: number;
  #state: LogState = "ok";
  #problem: RankingError | undefined;
  #retryTimer: Timer | undefined;
  #fullCount = 0;
  #isDelivering = false;
  #closing: Promise<void> | undefined;

  /**
   * Recovers the log of a directory, or begins one.
   *
   * @throws RankingError `STORAGE_CORRUPT`, `STORAGE_FULL`, `STORAGE_FAILED`
   */
  static open(options: FileLogOptions): FileLog {
    return new FileLog(options);
  }

  private constructor(options: FileLogOptions) {
    const { directory, policy, clock, journal, clusterId } = options;
    if (clusterId && clusterId.length !== CLUSTER_ID_BYTES) {
      throw new RangeError(`Cannot name a cluster with ${clusterId.length} bytes: give ${CLUSTER_ID_BYTES}`);
    }
    this.#disk = options.disk ?? nodeDisk;
    this.#policy = policy;
    this.#clock = clock;
    this.#observer = options.observer ?? {};
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    try {
      const recovered = recoverLog({
        disk: this.#disk,
        directory,
        journal,
        clusterId,
        randomBytes: options.randomBytes ?? randomBytes,
        firstNeededPosition: options.firstNeededPosition ?? 1,
        shouldRepair: options.shouldRepair ?? false,
      });
      this.#recoveredPosition = recovered.lastPosition;
      this.#writtenPosition = recovered.lastPosition;
      this.#chain = new SegmentChain(this.#disk, directory, recovered);
    } catch (cause) {
      throw ioFailure("open the log in", directory, cause);
    }
    this.#pending = new PendingRecords(this.#chain.header.salt, this.#recoveredPosition + 1);
    this.#syncer = new LogSyncer(this.#recoveredPosition, {
      policy,
      clock,
      sync: (onDone) => this.#chain.sync(onDone),
      syncNow: () => this.#chain.syncNow(),
      inlineLimitMs: options.inlineSyncMs ?? 0,
      onSynced: (position) => this.#onSynced(position),
      onFailed: (error) => this.#fail(ioFailure("sync", this.#chain.path, asFatal(error))),
      onSlow: (elapsedMs) => this.#observer.onSlowSync?.(elapsedMs),
    });
    this.#host = {
      clock,
      lastPosition: () => this.#writtenPosition,
      ticketOf: (position) => (position > this.#recoveredPosition ? position : 0),
      onEnded: (subscription) => this.#subscriptions.delete(subscription),
    };
  }

  get clusterId(): Uint8Array {
    return this.#chain.header.clusterId;
  }

  get firstPosition(): number {
    return this.#chain.segments[0]?.firstPosition ?? 1;
  }

  get lastPosition(): number {
    return this.#writtenPosition;
  }

  get durablePosition(): number {
    return this.#syncer.syncedPosition;
  }

  get acceptedPosition(): number {
    return this.#policy === "always" ? this.#syncer.syncedPosition : this.#writtenPosition;
  }

  get state(): LogState {
    return this.#state;
  }

  get problem(): RankingError | undefined {
    return this.#problem;
  }

  get policy(): SyncPolicy {
    return this.#policy;
  }

  /** Goes on under another policy. Replies that waited for a sync under `always` are due at once under any other. */
  setPolicy(policy: SyncPolicy): void {
    this.#policy = policy;
    this.#syncer.setPolicy(policy);
    if (policy !== "always" && this.#state !== "failed") this.#onAccepted(this.#writtenPosition);
  }

  get statistics(): FileLogStatistics {
    return {
      segmentCount: this.#chain.segments.length,
      sizeBytes: this.#chain.sizeBytes,
      pendingBytes: this.#pending.sizeBytes,
      syncCount: this.#syncer.syncCount,
      syncAgeMs: this.#syncer.ageMs,
      slowSyncCount: this.#syncer.slowCount,
      fullCount: this.#fullCount,
    };
  }

  /** The ticket is the position. */
  append(bytes: Uint8Array, start: number, end: number): number {
    const lengthBytes = end - start;
    if (!(lengthBytes >= 1 && lengthBytes <= RECORD_LIMIT_BYTES) || start < 0 || end > bytes.length) {
      throw new RangeError(
        `Cannot append bytes ${start} to ${end} of ${bytes.length}: give 1 to ${RECORD_LIMIT_BYTES}`,
      );
    }
    if (this.#state !== "ok") this.#refuseBeyondLimit();
    const pending = this.#pending;
    if (pending.sizeBytes >= EARLY_WRITE_BYTES && this.#state === "ok") this.flush();
    const unsyncedCount =
      this.#policy === "no" ? UNSYNCED_UNKNOWN : pending.lastPosition + 1 - this.#syncer.syncedPosition;
    return pending.add(bytes, start, end, Math.min(unsyncedCount, UNSYNCED_UNKNOWN));
  }

  flush(): void {
    // A batch that a subscriber appends while it is given one goes out after those that it has not seen.
    while (this.#pending.sizeBytes > 0 && this.#state === "ok" && !this.#isDelivering) this.#writePending();
  }

  subscribe(fromPosition: number, subscriber: LogSubscriber): LogSubscription {
    const cursor = new LogCursor(this.#disk, () => this.#chain.segments, fromPosition);
    const subscription = new FileLogSubscription(this.#host, subscriber, cursor);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  barrier(): Promise<number> {
    this.flush();
    const position = this.#pending.lastPosition;
    if (position <= this.acceptedPosition && this.#state !== "failed") return Promise.resolve(position);
    return this.#wait(this.#acceptedWaiters, position);
  }

  /**
   * Begins a new segment, so that a background process can read everything before it, with `openSealedLog`. Settles with
   * the last position before it when that is synced, whatever the policy.
   */
  seal(): Promise<number> {
    this.flush();
    if (this.#problem) return Promise.reject(this.#problem);
    const position = this.#writtenPosition;
    try {
      if (this.#chain.lastHasRecords) this.#chain.roll(position + 1);
    } catch (cause) {
      return Promise.reject(ioFailure("begin a segment behind", this.#chain.path, cause));
    }
    const sealed = this.#wait(this.#durableWaiters, position);
    this.#syncer.force();
    return sealed;
  }

  /** Whole segments go; a segment that holds a later position too stays. Failure is told to nobody: the next trim tries again. */
  trim(position: number): void {
    try {
      this.#chain.trim(Math.min(position, this.#writtenPosition));
    } catch {
      // A file that cannot be deleted is only room lost.
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.cancel();
    if (this.#state === "full") this.#retry();
    this.flush();
    this.#retryTimer?.cancel();
    try {
      if (this.#problem) throw this.#problem;
      const written = this.#wait(this.#durableWaiters, this.#writtenPosition);
      this.#syncer.force();
      await written;
      this.#state = "failed";
      this.#problem = new RankingError("STORAGE_FAILED", "Cannot append to the log: it is closed. Open it again");
    } finally {
      this.#syncer.stop();
      // A failed sync is over; one under way would lose its file, so its file is left to the end of the process.
      if (!this.#syncer.isUnderWay) this.#chain.close();
    }
  }

  #writePending(): void {
    const { sizeBytes, firstPosition, lastPosition, bytes } = this.#pending;
    const chain = this.#chain;
    const isDue = chain.lastHasRecords && chain.lastSizeBytes + sizeBytes > this.#segmentBytes;
    const hasRolled = isDue && this.#tryRoll(firstPosition);
    try {
      chain.write(bytes, sizeBytes);
    } catch (cause) {
      this.#onWriteFailed(ioFailure("write", chain.path, cause));
      return;
    }
    this.#writtenPosition = lastPosition;
    this.#deliverPending();
    this.#setState("ok", undefined);
    this.#syncer.onWritten(lastPosition);
    // Without it a log that is never synced would never give a segment its final name.
    if (hasRolled) this.#syncer.force();
    if (this.#policy !== "always") this.#onAccepted(lastPosition);
  }

  /** A segment that cannot be begun, for want of file descriptors or room, only makes the one before it longer. */
  #tryRoll(firstPosition: number): boolean {
    try {
      this.#chain.roll(firstPosition);
      return true;
    } catch {
      return false; // the write that comes now meets the same trouble, or the next turn tries again
    }
  }

  #deliverPending(): void {
    const live = this.#subscriptions.size === 0 ? [] : [...this.#subscriptions].filter(({ isLive }) => isLive);
    if (live.length === 0) {
      this.#pending.clear();
      return;
    }
    this.#isDelivering = true;
    this.#pending.clearVisiting((position, bytes, start, end) => {
      for (const subscription of live) subscription.deliver(position, bytes, start, end, position);
    });
    this.#isDelivering = false;
  }

  #onWriteFailed(problem: RankingError): void {
    if (problem.code !== "STORAGE_FULL") {
      this.#fail(problem);
      return;
    }
    if (this.#state !== "full") this.#fullCount++;
    this.#setState("full", problem);
    this.#retryTimer = this.#clock.after(RETRY_MS, () => this.#retry());
  }

  #retry(): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
    if (this.#state !== "full") return;
    this.#writePending();
    this.flush();
  }

  #onSynced(position: number): void {
    this.#observer.onDurable?.(position);
    this.#durableWaiters.settle(position);
    if (this.#policy === "always") this.#onAccepted(position);
  }

  #onAccepted(position: number): void {
    this.#observer.onAccepted?.(position);
    this.#acceptedWaiters.settle(position);
  }

  #fail(problem: RankingError): void {
    if (this.#state === "failed") return;
    this.#syncer.stop();
    this.#retryTimer?.cancel();
    this.#setState("failed", problem);
    this.#acceptedWaiters.rejectAll(problem);
    this.#durableWaiters.rejectAll(problem);
    for (const subscription of this.#subscriptions) subscription.fail(problem);
  }

  #setState(state: LogState, problem: RankingError | undefined): void {
    const isNews = state !== this.#state;
    this.#state = state;
    this.#problem = problem;
    if (isNews) this.#observer.onState?.(state, problem);
  }

  #refuseBeyondLimit(): void {
    if (this.#problem && (this.#state === "failed" || this.#pending.sizeBytes >= PENDING_LIMIT_BYTES))
      throw this.#problem;
  }

  #wait(waiters: PositionWaiters, position: number): Promise<number> {
    if (this.#state === "failed" && this.#problem) return Promise.reject(this.#problem);
    return waiters.wait(position);
  }
}

/** A failed sync is fatal whatever its code: also "no room" means that pages were lost. */
function asFatal(cause: unknown): unknown {
  return cause instanceof Error ? Object.assign(new Error(cause.message, { cause }), { code: "EIO" }) : cause;
}
