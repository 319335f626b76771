import { type BodyDigest, type BodyWriter, StoreError } from "../store/object-store.ts";
import type { BlobWriter } from "./blob-store.ts";
import { toStoreError } from "./commit-loop.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { ShardState } from "./shard-state.ts";

/** A body that has arrived: in memory, or in a file of its own with its checksums here. */
export interface ArrivedBody {
  readonly bodyBytes: number;
  /** The body itself, or the checksums of the blob's chunks. */
  readonly stored: Uint8Array;
  /** 0 if it is in memory. */
  readonly blobId: number;
}

/** Commits a body: makes the record and waits for its commit. */
export type CommitBody<Result> = (body: ArrivedBody, digest: BodyDigest) => Promise<Result>;

const NOW: Promise<void> = Promise.resolve();
/** Two buffers of a blob's writer. */
const BLOB_MEMORY_BYTES = 524_288;

/** Makes the writer that suits the size; a large body goes to the disk of its storage class at once. */
export function makeBodyWriter<Result>(
  state: ShardState,
  budget: MemoryBudget,
  sizeBytes: number,
  commit: CommitBody<Result>,
  storageClass?: string,
): BodyWriter<Result> {
  if (sizeBytes >= state.options.blobFromBytes) {
    return new BlobBodyWriter(state, budget, sizeBytes, commit, state.disk.tierOfClass(storageClass) ?? "");
  }
  return new SmallBodyWriter(state, budget, sizeBytes, commit);
}

function checkSize(expectedBytes: number, gotBytes: number): void {
  if (expectedBytes === gotBytes) return;
  throw new StoreError("INCOMPLETE_BODY", `Cannot commit a body: ${gotBytes} of ${expectedBytes} bytes were written`);
}

function checkRoom(state: ShardState): void {
  if (state.disk.freeBytes() >= state.options.reserveBytes) return;
  throw new StoreError("DISK_FULL", "Cannot write: only the reserve is free, which deletes need. Delete objects");
}

/** A small body: as it was given whole, or one buffer of its size, filled as it arrives; that is the only copy. */
class SmallBodyWriter<Result> implements BodyWriter<Result> {
  readonly #state: ShardState;
  readonly #budget: MemoryBudget;
  readonly #sizeBytes: number;
  readonly #commit: CommitBody<Result>;
  #body: Uint8Array | undefined;
  #filledBytes = 0;
  #isEnded = false;

  constructor(state: ShardState, budget: MemoryBudget, sizeBytes: number, commit: CommitBody<Result>) {
    this.#state = state;
    this.#budget = budget;
    this.#sizeBytes = sizeBytes;
    this.#commit = commit;
  }

  write(bytes: Uint8Array): Promise<void> {
    const body = this.#body;
    if (body === undefined || this.#isEnded) return this.#writeFirst(bytes);
    checkSize(this.#sizeBytes, Math.max(this.#sizeBytes, this.#filledBytes + bytes.length));
    body.set(bytes, this.#filledBytes);
    this.#filledBytes += bytes.length;
    return NOW;
  }

  async writeWhole(bytes: Uint8Array): Promise<void> {
    checkSize(this.#sizeBytes, bytes.length);
    if (this.#body !== undefined) throw new StoreError("CLOSED", "Cannot write a whole body behind a part of one");
    if (!(await this.#begin(bytes.length))) return;
    this.#body = bytes;
    this.#filledBytes = bytes.length;
  }

  async #writeFirst(bytes: Uint8Array): Promise<void> {
    if (!(await this.#begin(bytes.length))) return;
    this.#body = Buffer.allocUnsafeSlow(this.#sizeBytes);
    this.#body.set(bytes);
    this.#filledBytes = bytes.length;
  }

  /** Waits for memory; false if the body was given up meanwhile. */
  async #begin(firstBytes: number): Promise<boolean> {
    if (this.#isEnded) throw new StoreError("CLOSED", "Cannot write to a body that has ended");
    checkSize(this.#sizeBytes, Math.max(this.#sizeBytes, firstBytes));
    checkRoom(this.#state);
    const granted = this.#budget.take(this.#sizeBytes);
    if (granted !== undefined) await granted;
    if (this.#isEnded) this.#budget.give(this.#sizeBytes);
    return !this.#isEnded;
  }

  async commit(digest: BodyDigest): Promise<Result> {
    if (this.#isEnded) throw new StoreError("CLOSED", "Cannot commit a body that has ended");
    this.#isEnded = true;
    try {
      checkSize(this.#sizeBytes, this.#filledBytes);
      if (this.#body === undefined) checkRoom(this.#state);
      const stored = this.#body ?? EMPTY;
      return await this.#commit({ bodyBytes: stored.length, stored, blobId: 0 }, digest);
    } finally {
      if (this.#body !== undefined) this.#budget.give(this.#sizeBytes);
    }
  }

  async abort(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#body !== undefined) this.#budget.give(this.#sizeBytes);
    this.#body = undefined;
  }
}

/** A large body: into a file of its own on its tier's disk, while the next bytes arrive. */
class BlobBodyWriter<Result> implements BodyWriter<Result> {
  readonly #state: ShardState;
  readonly #budget: MemoryBudget;
  readonly #sizeBytes: number;
  readonly #commit: CommitBody<Result>;
  readonly #tier: string;
  #blob: BlobWriter | undefined;
  #isEnded = false;

  constructor(state: ShardState, budget: MemoryBudget, sizeBytes: number, commit: CommitBody<Result>, tier: string) {
    this.#state = state;
    this.#budget = budget;
    this.#sizeBytes = sizeBytes;
    this.#commit = commit;
    this.#tier = tier;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isEnded) throw new StoreError("CLOSED", "Cannot write to a body that has ended");
    const blob = this.#blob ?? (await this.#begin());
    checkSize(this.#sizeBytes, Math.max(this.#sizeBytes, blob.sizeBytes + bytes.length));
    try {
      await blob.write(bytes);
    } catch (error) {
      throw toStoreError(error);
    }
  }

  /** Into the file it has to be copied anyway. */
  writeWhole(bytes: Uint8Array): Promise<void> {
    return this.write(bytes);
  }

  async #begin(): Promise<BlobWriter> {
    const { disk, options } = this.#state;
    if (this.#tier !== "") checkRoom(this.#state);
    if (disk.diskOf(this.#tier).freeBytes() < options.reserveBytes + this.#sizeBytes) {
      throw new StoreError("DISK_FULL", `Cannot write ${this.#sizeBytes} bytes: the disk has too little room for them`);
    }
    const granted = this.#budget.take(BLOB_MEMORY_BYTES);
    if (granted !== undefined) await granted;
    try {
      if (this.#isEnded) throw new StoreError("CLOSED", "Cannot write to a body that has ended");
      this.#blob = this.#state.blobs.create(this.#tier);
      return this.#blob;
    } catch (error) {
      this.#budget.give(BLOB_MEMORY_BYTES);
      throw toStoreError(error);
    }
  }

  async commit(digest: BodyDigest): Promise<Result> {
    if (this.#isEnded) throw new StoreError("CLOSED", "Cannot commit a body that has ended");
    this.#isEnded = true;
    const blob = this.#blob;
    if (blob === undefined) {
      checkSize(this.#sizeBytes, 0);
      throw new StoreError("INCOMPLETE_BODY", "Cannot commit a body: nothing was written");
    }
    try {
      checkSize(this.#sizeBytes, blob.sizeBytes);
      const stored = await blob.finish();
      return await this.#commit({ bodyBytes: blob.sizeBytes, stored, blobId: blob.id }, digest);
    } catch (error) {
      // While the index is in doubt the record may stand in its volume: the next start decides whether the blob is owned.
      if (this.#state.brokenBy === undefined) await blob.abort();
      throw toStoreError(error);
    } finally {
      this.#budget.give(BLOB_MEMORY_BYTES);
    }
  }

  async abort(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#blob === undefined) return;
    await this.#blob.abort();
    this.#budget.give(BLOB_MEMORY_BYTES);
  }
}

const EMPTY = new Uint8Array();
