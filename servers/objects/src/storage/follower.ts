import { RECORD_KINDS } from "../protocol/volume/index.ts";
import { StoreError } from "../store/object-store.ts";
import type { BlobWriter } from "./blob-store.ts";
import type { ChangeBatch } from "./change-reader.ts";
import { chunkChecksum } from "./checksums.ts";
import { Commit } from "./commit.ts";
import { toStoreError } from "./commit-loop.ts";
import { PositionFile } from "./position-file.ts";
import type { ShardState } from "./shard-state.ts";
import { ShardStore } from "./shard-store.ts";

/** The bytes of a blob of the store that is followed; undefined if it is gone there, since something took its place. */
export type FetchBlob = (blobId: number) => Promise<AsyncIterable<Uint8Array> | undefined>;

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
  #horizon = 0;

  private constructor(store: ShardStore, position: PositionFile, nowMs: () => number) {
    this.store = store;
    this.#state = store.state;
    this.#position = position;
    this.#nowMs = nowMs;
  }

  /** @throws StoreError, or an error of the disk or the index */
  static async start(state: ShardState, nowMs: () => number): Promise<Follower> {
    const position = await PositionFile.open(state.disk);
    const store = await ShardStore.start(state, nowMs, { followedUpTo: position.position });
    return new Follower(store, position, nowMs);
  }

  /** Give it as `after` to the stream. */
  get after(): number {
    return this.#position.position;
  }

  /** Give it as `knownHorizon` to the stream. Not kept over a start: who fails on the way from nothing may begin anew. */
  get horizon(): number {
    return this.#horizon;
  }

  /** Takes a batch whose first change follows {@link Follower.after}. @throws StoreError; it must be started anew then */
  async apply(batch: ChangeBatch, fetchBlob: FetchBlob): Promise<void> {
    if (this.after === 0) this.#horizon = batch.horizon;
    try {
      for (let at = 0; at < batch.changes.length; ) at = await this.#applyFrom(batch, at, fetchBlob);
      if (batch.nextAfter > this.#position.position) await this.#position.write(batch.nextAfter);
    } catch (error) {
      throw toStoreError(error);
    }
  }

  /** Applies up to and with the end of a group, which wants a commit of its own; where the next one begins. */
  async #applyFrom({ changes }: ChangeBatch, from: number, fetchBlob: FetchBlob): Promise<number> {
    const commit = new Commit(this.#state, this.#nowMs());
    let at = from;
    let last = 0;
    for (; at < changes.length; at++) {
      const change = changes[at];
      if (change === undefined) break;
      const { head, group, rest } = change;
      const isAlone = head.kind === RECORD_KINDS.groupExpired;
      if (isAlone && at > from) break;
      if (head.sequence <= this.#position.position) continue;
      if (head.blobId !== 0) await this.#copyBlob(head.blobId, rest, head.storedBytes, fetchBlob);
      await commit.addCopy(head, group, rest);
      last = head.sequence;
      if (!isAlone) continue;
      at++;
      break;
    }
    if (last === 0) return at;
    await commit.writeVolumes(false);
    await this.#position.write(last);
    await this.#state.writeIndex(commit.tx, last);
    this.store.forget(commit.tx);
    return at;
  }

  async #copyBlob(blobId: number, rest: Uint8Array, storedBytes: number, fetchBlob: FetchBlob): Promise<void> {
    const bytes = await fetchBlob(blobId);
    if (bytes === undefined) return;
    const writer = this.#createBlob(blobId);
    try {
      for await (const piece of bytes) await writer.write(piece);
      const checksums = await writer.finish();
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
    this.#position.close();
    await this.store.close();
  }
}
