import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";

const ENTRY_BYTES = 8;
/** Kinds of entries. */
const NONE = 0;
const CHANGED = 1;
const REMOVED = 2;

/**
 * The last changes of a board by version, one block of the heap. Each version that is still remembered has a place: the
 * record of the member that got it, or, of one that was removed, a record of its name alone, which the ring owns. A
 * member has a place for its newest version only, so that no pointer here outlives its record.
 */
export class BoardChanges {
  readonly length: number;
  readonly #heap: Heap;
  readonly #block: number;
  readonly #freeName: (record: number) => void;

  constructor(heap: Heap, length: number, freeName: (record: number) => void) {
    this.#heap = heap;
    this.length = length;
    this.#freeName = freeName;
    this.#block = heap.allocate(length * ENTRY_BYTES);
    const word = (this.#block & OFFSET_MASK) << 1;
    heap.words[this.#block >>> SEGMENT_SHIFT]!.fill(0, word, word + 2 * length);
  }

  /** A member has got `version`, the newest one; it had `oldVersion` before, or none: -1. */
  changed(record: number, version: number, oldVersion: number): void {
    this.forget(oldVersion, version - 1);
    this.#put(version, record, CHANGED);
  }

  /** A member was removed, which made `version`. `name` is a record of its own, which the ring takes over. */
  removed(name: number, version: number, oldVersion: number): void {
    this.forget(oldVersion, version - 1);
    this.#put(version, name, REMOVED);
  }

  /** The member that had `oldVersion` goes or gets another. */
  forget(oldVersion: number, newest: number): void {
    // Below 0 there is no place: the word before the block is somebody else's.
    if (oldVersion < 0 || oldVersion <= newest - this.length) return;
    this.#set(oldVersion, 0, NONE);
  }

  #put(version: number, record: number, kind: number): void {
    if (this.#kindOf(version) === REMOVED) this.#freeName(this.#recordOf(version));
    this.#set(version, record, kind);
  }

  /** Visits the changes after version `since`, which must be remembered, up to the newest. */
  forEach(since: number, newest: number, visit: (record: number, isRemoved: boolean) => void): void {
    for (let version = since + 1; version <= newest; version++) {
      const kind = this.#kindOf(version);
      if (kind !== NONE) visit(this.#recordOf(version), kind === REMOVED);
    }
  }

  free(): void {
    for (let slot = 0; slot < this.length; slot++) {
      if (this.#kindOf(slot) === REMOVED) this.#freeName(this.#recordOf(slot));
    }
    this.#heap.free(this.#block, this.length * ENTRY_BYTES);
  }

  #at(version: number): number {
    // The remainder by a division, since that of large numbers is a slow call; exact for versions below 2^48.
    const slot = version - this.length * Math.floor(version / this.length);
    return ((this.#block & OFFSET_MASK) << 1) + 2 * slot;
  }

  #recordOf(version: number): number {
    return this.#heap.words[this.#block >>> SEGMENT_SHIFT]![this.#at(version)]!;
  }

  #kindOf(version: number): number {
    return this.#heap.words[this.#block >>> SEGMENT_SHIFT]![this.#at(version) + 1]!;
  }

  #set(version: number, record: number, kind: number): void {
    const words = this.#heap.words[this.#block >>> SEGMENT_SHIFT]!;
    const at = this.#at(version);
    words[at] = record;
    words[at + 1] = kind;
  }
}
