import { hashBytes } from "../memory/byte-hash.ts";
import { ByteTable } from "../memory/byte-table.ts";
import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";

/**
 * The record of a member:
 *
 *     word 0     length of the name
 *     word 1, 2  the members before and after it in the order of the coarsest bucket of their latest events
 *     double 2   time of its latest event, in ms
 *     bytes      the name
 */
const HEAD_BYTES = 24;
const PREVIOUS = 1;
const NEXT = 2;
const LATEST_DOUBLE = 2;

/** Longest member. */
export const MAX_MEMBER_BYTES = 65_535 - HEAD_BYTES;

/**
 * The members of a window by name, each with the time of its latest event, and a list in which those that go first come
 * first. The list is in the order of coarsest buckets but for late members, which are at its end: one of them may stay a
 * retention longer than it must.
 */
export class WindowMembers {
  readonly #heap: Heap;
  readonly #table: ByteTable;
  readonly #seed: number;
  #first = 0;
  #last = 0;
  /** Bytes of the records. */
  recordBytes = 0;
  #hash = 0;

  constructor(heap: Heap, hashSeed: number) {
    this.#heap = heap;
    this.#seed = hashSeed;
    this.#table = new ByteTable(heap, HEAD_BYTES);
  }

  get size(): number {
    return this.#table.size;
  }

  /** The member's record, or 0. */
  find(name: Uint8Array, start: number, end: number): number {
    this.#hash = hashBytes(name, start, end, this.#seed);
    return this.#table.find(name, start, end, this.#hash);
  }

  /** Adds the member that {@link find} has just not found, at the end of the list. */
  add(name: Uint8Array, start: number, end: number, latestMs: number): number {
    const size = end - start;
    const record = this.#heap.allocate(HEAD_BYTES + size);
    this.#setWord(record, 0, size);
    this.setLatest(record, latestMs);
    const bytes = this.#heap.bytes[record >>> SEGMENT_SHIFT]!;
    const to = ((record & OFFSET_MASK) << 3) + HEAD_BYTES;
    for (let i = 0; i < size; i++) bytes[to + i] = name[start + i]!;
    this.#table.insert(this.#hash, record);
    this.#append(record);
    this.recordBytes += HEAD_BYTES + size;
    return record;
  }

  latestOf(record: number): number {
    return this.#heap.doubles[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) + LATEST_DOUBLE]!;
  }

  setLatest(record: number, latestMs: number): void {
    this.#heap.doubles[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) + LATEST_DOUBLE] = latestMs;
  }

  /** Puts a member at the end of the list. */
  moveToEnd(record: number): void {
    if (record === this.#last) return;
    this.#unlink(record);
    this.#append(record);
  }

  /** Removes at most `limit` members from the beginning of the list, up to the first that had an event since. */
  sweep(beforeMs: number, limit: number): void {
    for (let left = limit; left > 0 && this.#first !== 0; left--) {
      if (this.latestOf(this.#first) >= beforeMs) return;
      this.#removeFirst();
    }
  }

  #removeFirst(): void {
    const record = this.#first;
    const name = this.#table.nameOf(record);
    const size = name.length;
    this.#table.remove(hashBytes(name, 0, size, this.#seed), record);
    this.#unlink(record);
    this.#heap.free(record, HEAD_BYTES + size);
    this.recordBytes -= HEAD_BYTES + size;
  }

  /** In the order of the list. `visit` must not change it. */
  forEach(visit: (name: Uint8Array, latestMs: number) => void): void {
    for (let record = this.#first; record !== 0; record = this.#word(record, NEXT)) {
      visit(this.#table.nameOf(record), this.latestOf(record));
    }
  }

  /** Frees about `limit` members; nothing else may be called any more. Returns how many could have been freed still. */
  release(limit: number): number {
    this.#table.clear();
    let left = limit;
    for (; left > 0 && this.#first !== 0; left--) {
      const record = this.#first;
      const size = this.#word(record, 0) & 0xffff;
      this.#first = this.#word(record, NEXT);
      this.#heap.free(record, HEAD_BYTES + size);
      this.recordBytes -= HEAD_BYTES + size;
    }
    return left;
  }

  #append(record: number): void {
    this.#setWord(record, PREVIOUS, this.#last);
    this.#setWord(record, NEXT, 0);
    if (this.#last === 0) this.#first = record;
    else this.#setWord(this.#last, NEXT, record);
    this.#last = record;
  }

  #unlink(record: number): void {
    const previous = this.#word(record, PREVIOUS);
    const next = this.#word(record, NEXT);
    if (previous === 0) this.#first = next;
    else this.#setWord(previous, NEXT, next);
    if (next === 0) this.#last = previous;
    else this.#setWord(next, PREVIOUS, previous);
  }

  #word(record: number, at: number): number {
    return this.#heap.words[record >>> SEGMENT_SHIFT]![((record & OFFSET_MASK) << 1) + at]!;
  }

  #setWord(record: number, at: number, value: number): void {
    this.#heap.words[record >>> SEGMENT_SHIFT]![((record & OFFSET_MASK) << 1) + at] = value;
  }
}
