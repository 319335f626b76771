import { StoreError } from "../store/object-store.ts";
import { Commit } from "./commit.ts";
import { isFull } from "./disk.ts";
import type { EntryCache } from "./entry-cache.ts";
import { LatencyWindow } from "./latency-window.ts";
import { asBuffer } from "./object-json.ts";
import type { ShardState } from "./shard-state.ts";
import type { Transaction } from "./transaction.ts";

/** A write that waits for its commit. */
export interface WriteOperation<Result> {
  /** About how much it writes; a commit takes no more operations beyond its limit. */
  readonly bytes: number;
  /** It wants a commit of its own: it reads ranges that others' uncommitted writes could change. */
  readonly isAlone?: boolean;
  /** The keys it will read, so that one trip to the index serves the whole commit. */
  prefetch?(): readonly Uint8Array[];
  /** Checks, then adds its records. It throws only before it adds one. */
  run(commit: Commit): Promise<Result>;
  /** The result is durable: what memory may learn of it. Called before the caller's promise resolves. */
  committed?(result: Result): void;
}

interface Waiting {
  readonly operation: WriteOperation<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Done {
  readonly waiting: Waiting;
  readonly result: unknown;
  /** How many keys were touched up to its end. */
  readonly touchedCount: number;
}

const MAX_WAITING = 65_536;
const MAX_COMMIT_BYTES = 16_777_216;
const MAX_COMMIT_OPERATIONS = 512;

/**
 * The one writer of a shard. What arrives while a commit is under way waits and shares the next one: one read of the index,
 * one write and one sync per volume, one batch for the index.
 */
export class CommitLoop {
  readonly #state: ShardState;
  readonly #cache: EntryCache;
  readonly #nowMs: () => number;
  #queue: Waiting[] = [];
  #isRunning = false;
  #isClosed = false;
  #idle: Promise<void> = Promise.resolve();
  /** Commits and operations so far, for metrics. */
  commitCount = 0;
  /** How long commits took. */
  readonly latency = new LatencyWindow();
  operationCount = 0;

  constructor(state: ShardState, cache: EntryCache, nowMs: () => number) {
    this.#state = state;
    this.#cache = cache;
    this.#nowMs = nowMs;
  }

  /** Resolves when it is durable and visible. @throws StoreError */
  submit<Result>(operation: WriteOperation<Result>): Promise<Result> {
    if (this.#isClosed) return Promise.reject(new StoreError("CLOSED", "Cannot write: the store is closed"));
    if (this.#queue.length >= MAX_WAITING) {
      return Promise.reject(new StoreError("BUSY", `Cannot write: ${MAX_WAITING} writes are waiting. Try again later`));
    }
    return new Promise<Result>((resolve, reject) => {
      this.#queue.push({ operation: operation as WriteOperation<unknown>, resolve: resolve as never, reject });
      if (!this.#isRunning) this.#start();
    });
  }

  /** Runs a commit of somebody else's between two of the queue; what is submitted meanwhile waits. */
  async alone<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#isRunning) await this.#idle;
    if (this.#isClosed) throw new StoreError("CLOSED", "Cannot write: the store is closed");
    this.#isRunning = true;
    const running = work();
    this.#idle = running.then(ignore, ignore).then(() => {
      this.#isRunning = false;
      if (this.#queue.length > 0) this.#start();
    });
    return await running;
  }

  /** Ends when what was submitted is done; what comes later is refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#isRunning) await this.#idle;
  }

  #start(): void {
    this.#isRunning = true;
    this.#idle = (async () => {
      // One turn of the event loop's microtasks, so that all requests of one read from the sockets share a commit.
      await Promise.resolve();
      while (this.#queue.length > 0) await this.#commit(this.#take());
      this.#isRunning = false;
    })();
  }

  #take(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { operation } of this.#queue) {
      if (count > 0 && (operation.isAlone || bytes + operation.bytes > MAX_COMMIT_BYTES)) break;
      bytes += operation.bytes;
      count++;
      if (operation.isAlone || count === MAX_COMMIT_OPERATIONS) break;
    }
    const taken = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    return taken;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    if (this.#state.brokenBy !== undefined) return rejectAll(group, toStoreError(this.#state.brokenBy));
    const startedMs = performance.now();
    this.commitCount++;
    this.operationCount += group.length;
    const commit = new Commit(this.#state, this.#nowMs());
    const done: Done[] = [];
    try {
      const keys: Uint8Array[] = [];
      for (const { operation } of group) if (operation.prefetch) keys.push(...operation.prefetch());
      await commit.tx.prefetch(keys);
      for (const waiting of group) await this.#run(waiting, commit, done);
      await commit.write();
    } catch (error) {
      if (this.#state.brokenBy === undefined) await commit.undo();
      return rejectAll(group, toStoreError(error));
    }
    const { tx } = commit;
    this.#publishRest(tx);
    this.latency.add(performance.now() - startedMs);
    // In their order: what one put into memory, a later one of the same commit may have outdated.
    let touched = 0;
    for (const { waiting, result, touchedCount } of done) {
      this.#invalidate(tx, touched, touchedCount);
      touched = touchedCount;
      waiting.operation.committed?.(result);
    }
    this.#invalidate(tx, touched, tx.touched.length);
    for (const { waiting, result } of done) waiting.resolve(result);
  }

  async #run(waiting: Waiting, commit: Commit, done: Done[]): Promise<void> {
    const before = commit.recordCount;
    try {
      const result = await waiting.operation.run(commit);
      done.push({ waiting, result, touchedCount: commit.tx.touched.length });
    } catch (error) {
      if (commit.recordCount !== before) throw error;
      // Refused before it changed anything: the others go on without it.
      waiting.reject(toStoreError(error));
    }
  }

  /** Tells memory and the blobs what a transaction changed that the index has taken. */
  publish(tx: Transaction): void {
    this.#invalidate(tx, 0, tx.touched.length);
    this.#publishRest(tx);
  }

  #invalidate({ touched }: Transaction, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const { bucketId, key } = touched[i] as Transaction["touched"][number];
      this.#cache.invalidate(bucketId, asBuffer(key).toString());
    }
  }

  #publishRest(tx: Transaction): void {
    for (const relocation of tx.relocations) this.#cache.relocate(relocation);
    for (const id of tx.orphanBlobs) this.#state.blobs.orphan(id);
  }
}

function ignore(): void {}

function rejectAll(group: readonly Waiting[], error: StoreError): void {
  for (const { reject } of group) reject(error);
}

/** What failed below, as the interface says it. */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (isFull(error)) {
    return new StoreError("DISK_FULL", "Cannot write: the disk is full. Delete objects or give it more room", {
      cause: error,
    });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new StoreError("DISK_FAILED", `Cannot write: ${why}. Look at the disk, then start again`, { cause: error });
}
