import type { Store } from "../store.ts";
import { blockBytes, blockStart, copyBlock, putBytes, spliceBlock } from "./blocks.ts";
import { ChunkDeque } from "./chunk-deque.ts";
import { entryBytes } from "./list-entries.ts";

/** A chunk is not made larger than this, unless by a single entry. */
export const CHUNK_BYTES = 1_024;
/** A place in a list is `chunk number * PLACE + byte in the chunk`. */
export const PLACE = 65_536;

/**
 * The chunks of a list, of about 1 KiB, each a block of entries one behind the other (see list-entries.ts).
 *
 *     a single chunk: described by this object alone
 *     more of them:   in a ChunkDeque
 *
 * Chunks have the size class of what is in them. Neighbours that have become small are joined. What the entries stand for
 * is the list's business.
 */
export class ListChunks {
  protected readonly store: Store;
  #size = 0;
  /** Of the only chunk. */
  #pointer = 0;
  #bytes = 0;
  #chunks: ChunkDeque | undefined;

  constructor(store: Store) {
    this.store = store;
  }

  /** Entries of all chunks. */
  get size(): number {
    return this.#size;
  }

  protected get hasDeque(): boolean {
    return this.#chunks !== undefined;
  }

  protected get chunkCount(): number {
    if (this.#chunks !== undefined) return this.#chunks.length;
    return this.#bytes === 0 ? 0 : 1;
  }

  #pointerOf(chunk: number): number {
    return this.#chunks === undefined ? this.#pointer : this.#chunks.pointerOf(chunk);
  }

  protected bytesOf(chunk: number): number {
    return this.#chunks === undefined ? this.#bytes : this.#chunks.bytesOf(chunk);
  }

  protected countOf(chunk: number): number {
    return this.#chunks === undefined ? this.#size : this.#chunks.countOf(chunk);
  }

  protected entryAt(chunk: number, offset: number): { bytes: Uint8Array; at: number } {
    const pointer = this.#pointerOf(chunk);
    return { bytes: blockBytes(this.store.heap, pointer), at: blockStart(pointer) + offset };
  }

  /** Changes `removed` bytes at `offset` to `inserted` ones, and the entries of the chunk by `change`. */
  protected splice(chunk: number, offset: number, removed: number, inserted: number, change: number): void {
    const before = this.bytesOf(chunk);
    const count = this.countOf(chunk) + change;
    const pointer = spliceBlock(this.store.heap, this.#pointerOf(chunk), before, offset, removed, inserted);
    const bytes = before + inserted - removed;
    this.#size += change;
    if (this.#chunks !== undefined) this.#chunks.set(chunk, pointer, bytes, count);
    else {
      this.#pointer = pointer;
      this.#bytes = bytes;
    }
  }

  protected insertChunk(chunk: number): void {
    this.#chunks ??= new ChunkDeque(this.store.heap, this.#pointer, this.#bytes, this.#size);
    this.#pointer = 0;
    this.#bytes = 0;
    this.#chunks.insert(chunk);
  }

  /** Moves what lies behind `offset` into a new chunk behind this one. */
  protected split(chunk: number, offset: number): void {
    const { heap } = this.store;
    const { bytes, at } = this.entryAt(chunk, 0);
    let count = 0;
    for (let entry = at; entry < at + offset; entry += entryBytes(bytes, entry)) count++;
    const tailBytes = this.bytesOf(chunk) - offset;
    const tailCount = this.countOf(chunk) - count;
    const tail = heap.allocate(tailBytes);
    putBytes(blockBytes(heap, tail), blockStart(tail), bytes, at + offset, at + offset + tailBytes);
    this.insertChunk(chunk + 1);
    this.splice(chunk, offset, tailBytes, 0, -tailCount);
    this.#size += tailCount;
    this.#chunks!.set(chunk + 1, tail, tailBytes, tailCount);
  }

  /** Puts the entries of the next chunk behind those of this one if they are few. */
  protected join(chunk: number): void {
    const size = this.bytesOf(chunk);
    const nextSize = this.bytesOf(chunk + 1);
    if (size + nextSize > CHUNK_BYTES / 2) return;
    const count = this.countOf(chunk + 1);
    this.splice(chunk, size, 0, nextSize, count);
    const from = this.entryAt(chunk + 1, 0);
    const to = this.entryAt(chunk, size);
    putBytes(to.bytes, to.at, from.bytes, from.at, from.at + nextSize);
    this.splice(chunk + 1, 0, nextSize, 0, -count);
    this.#chunks!.remove(chunk + 1);
  }

  protected lastPlace(): number {
    const last = this.chunkCount - 1;
    return last * PLACE + this.offsetOf(last, this.countOf(last) - 1);
  }

  /** Where entry number `index` of a chunk begins in it. */
  protected offsetOf(chunk: number, index: number): number {
    const { bytes, at: first } = this.entryAt(chunk, 0);
    let at = first;
    for (let left = index; left > 0; left--) at += entryBytes(bytes, at);
    return at - first;
  }

  protected placeOf(index: number): number {
    if (this.#chunks === undefined) return this.offsetOf(0, index);
    let chunk = 0;
    let before = 0;
    if (index < this.#size / 2) {
      while (before + this.countOf(chunk) <= index) before += this.countOf(chunk++);
    } else {
      chunk = this.chunkCount - 1;
      before = this.#size - this.countOf(chunk);
      while (before > index) before -= this.countOf(--chunk);
    }
    return chunk * PLACE + this.offsetOf(chunk, index - before);
  }

  /** Takes a chunk without entries out. */
  protected dropChunk(chunk: number): void {
    const chunks = this.#chunks;
    if (chunks === undefined) return;
    chunks.remove(chunk);
    if (chunks.length > 1) return;
    if (chunks.length === 1) {
      this.#pointer = chunks.pointerOf(0);
      this.#bytes = chunks.bytesOf(0);
    }
    chunks.release();
    this.#chunks = undefined;
  }

  /** Takes over the chunks of another list, which is not to be used any more; this one has none. */
  protected takeChunks(other: ListChunks): void {
    this.#size = other.#size;
    this.#pointer = other.#pointer;
    this.#bytes = other.#bytes;
    this.#chunks = other.#chunks;
  }

  /** Gives another list, which has none, copies of the chunks. */
  protected copyChunks(copy: ListChunks): void {
    copy.#size = this.#size;
    copy.#pointer = copyBlock(this.store.heap, this.#pointer, this.#bytes);
    copy.#bytes = this.#bytes;
    copy.#chunks = this.#chunks?.copy();
  }
}
