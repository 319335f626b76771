import { RECORD_KINDS } from "../protocol/volume/index.ts";
import { StoreError } from "../store/object-store.ts";
import type { BlobWriter } from "./blob-store.ts";
import type { Change, ChangeBatch } from "./change-reader.ts";
import { chunkChecksum } from "./checksums.ts";
import { Commit } from "./commit.ts";
import { toStoreError } from "./commit-loop.ts";
import { PositionFile } from "./position-file.ts";
import type { ShardState } from "./shard-state.ts";
import { ShardStore } from "./shard-store.ts";

/** The bytes of a blob of the store that is followed; undefined if it is gone there, since something took its place. */
export type FetchBlob = (blobId: number) => Promise<AsyncIterable<Uint8Array> | undefined>;

/** What a source has said of tombstones that it dropped. */
export interface SourcePast {
  /** Those up to this sequence may have been gone when the copy was begun: what they spoke of it never had. */
  readonly horizon: number;
  /** See {@link ChangeBatch.drops}. */
  readonly drops: number;
}

/** Of a copy that has not begun. */
export const NO_PAST: SourcePast = { horizon: 0, drops: 0 };

/** Large bodies of one commit; a cut while they come begins with the first of them again. */
const COMMIT_BLOB_BYTES = 64 << 20;

/**
 * A copy of a shard: takes the batches of a change stream in order and writes them to volumes of its own. It may be read
 * like any store; it must not be written to.
 *
 * Its position is durable before the index knows of a batch, and after all volumes have it: what stands in volumes behind
 * the position when it starts is cut, because a crash may have kept the later of two records and lost the earlier.
 */
export class Follower {
  readonly store: ShardStore;
  readonly #state: ShardState;
  readonly #position: PositionFile;
  readonly #nowMs: () => number;
  #past: SourcePast;
  #isBroken = false;

  private constructor(store: ShardStore, position: PositionFile, nowMs: () => number, past: SourcePast) {
    this.store = store;
    this.#state = store.state;
    this.#position = position;
    this.#nowMs = nowMs;
    this.#past = past;
  }

  /**
   * @param past The {@link Follower.past} of an earlier run, if the caller has kept it.
   * @throws StoreError, or an error of the disk or the index
   */
  static async start(state: ShardState, nowMs: () => number, past = NO_PAST): Promise<Follower> {
    const position = await PositionFile.open(state.disk);
    try {
      const store = await ShardStore.start(state, nowMs, { followedUpTo: position.position });
      if (past.horizon > 0) state.raiseHorizon(past.horizon);
      return new Follower(store, position, nowMs, past);
    } catch (error) {
      position.close();
      throw error;
    }
  }

  /** Give it as `after` to the stream. */
  get after(): number {
    return this.#position.position;
  }

  /** What the source has said of what it dropped. Not kept over a start: without it, who stands far back begins anew. */
  get past(): SourcePast {
    return this.#past;
  }

  /** A write has failed: nothing can be applied until it is started anew. It can be read. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /**
   * Takes a batch whose first change follows {@link Follower.after}.
   *
   * @throws StoreError, or what `fetchBlob` or its bytes throw; unless it {@link Follower.isBroken} then, the rest of the
   *   batch may be given again
   */
  async apply(batch: ChangeBatch, fetchBlob: FetchBlob): Promise<void> {
    if (this.#isBroken) throw new StoreError("CLOSED", "Cannot apply changes: a write failed before. Start it anew");
    if (this.after === 0) {
      this.#past = { ...this.#past, horizon: batch.horizon };
      // What was dropped by then is not here either: who followed before and comes to this copy, once it is a store, is told.
      this.#state.raiseHorizon(batch.horizon);
    }
    const changes = batch.changes.filter(({ head }) => head.sequence > this.after);
    for (let at = 0; at < changes.length; ) {
      const end = endOfCommit(changes, at);
      const group = changes.slice(at, end);
      for (const change of group) if (change.head.blobId !== 0) await this.#copyBlob(change, fetchBlob);
      await this.#write(() => this.store.betweenCommits(() => this.#commit(group)));
      at = end;
    }
    if (batch.nextAfter > this.after) await this.#write(() => this.#position.write(batch.nextAfter));
    this.#past = { ...this.#past, drops: batch.drops };
  }

  async #write(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#isBroken = true;
      throw toStoreError(error);
    }
  }

  async #commit(changes: readonly Change[]): Promise<void> {
    const commit = new Commit(this.#state, this.#nowMs());
    let last = 0;
    for (const { head, group, rest } of changes) {
      await commit.addCopy(head, group, rest);
      last = head.sequence;
    }
    await commit.writeVolumes(false);
    await this.#position.write(last);
    await this.#state.writeIndex(commit.tx, last);
    this.store.forget(commit.tx);
  }

  async #copyBlob({ head, rest }: Change, fetchBlob: FetchBlob): Promise<void> {
    const { blobId, storedBytes } = head;
    // Before the bytes are asked for: an answer that nobody reads would keep its connection.
    const writer = onDisk(() => this.#createBlob(blobId));
    try {
      const bytes = await fetchBlob(blobId);
      if (bytes === undefined) return await writer.abort();
      for await (const piece of bytes) await onDisk(() => writer.write(piece));
      const checksums = await onDisk(() => writer.finish());
      if (
        checksums.length === storedBytes &&
        chunkChecksum(checksums) === chunkChecksum(rest.subarray(0, storedBytes))
      ) {
        return;
      }
    } catch (error) {
      await writer.abort();
      throw error;
    }
    await writer.abort();
    throw new StoreError("CORRUPT", `Cannot copy blob ${blobId}: what came is not what its record says. Ask again`);
  }

  /** A blob of a batch that failed, or that was cut, may be there: nobody owns it. */
  #createBlob(blobId: number): BlobWriter {
    try {
      return this.#state.blobs.createAs(blobId);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EEXIST") throw error;
      this.#state.blobs.orphan(blobId);
      return this.#state.blobs.createAs(blobId);
    }
  }

  async close(): Promise<void> {
    // Whatever is being written ends first.
    await this.store.close();
    this.#position.close();
  }
}

/** The end of a group wants a commit of its own, and large bodies want to be done before more of them come. */
function endOfCommit(changes: readonly Change[], from: number): number {
  let blobBytes = 0;
  for (let at = from; at < changes.length; at++) {
    const head = changes[at]?.head;
    if (head === undefined) break;
    if (head.kind === RECORD_KINDS.groupExpired) return at === from ? at + 1 : at;
    if (head.blobId === 0) continue;
    blobBytes += head.bodyBytes;
    if (blobBytes >= COMMIT_BLOB_BYTES) return at + 1;
  }
  return changes.length;
}

/** Says errors of the disk as the store's, and leaves those of the source alone. */
function onDisk<Result>(work: () => Result): Result {
  try {
    const result = work();
    if (!(result instanceof Promise)) return result;
    return result.catch((error: unknown) => {
      throw toStoreError(error);
    }) as Result;
  } catch (error) {
    throw toStoreError(error);
  }
}
