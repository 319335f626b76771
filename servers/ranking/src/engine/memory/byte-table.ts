import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "./heap.ts";

const SMALLEST_SLOTS = 4;
/** Slots (8 bytes each) up to which a table lives in the heap. */
const HEAP_SLOTS = 1_024;
/** Entries beyond which a table is cut into parts, so that growing one stops nobody for long. */
const SPLIT_ENTRIES = 65_536;
const JOIN_ENTRIES = 16_384;
const PART_BITS = 8;
const PARTS = 1 << PART_BITS;
const U32 = 2 ** 32;

/** Slots of (hash, pointer) pairs; a pointer of 0 is a free slot. */
class Slots {
  words: Int32Array;
  base = 0;
  slotCount: number;
  count = 0;
  pointer = 0;

  constructor(heap: Heap, slotCount: number) {
    this.slotCount = slotCount;
    if (slotCount > HEAP_SLOTS) {
      this.words = new Int32Array(2 * slotCount);
      heap.outsideBytes += 8 * slotCount;
      return;
    }
    this.pointer = heap.allocate(8 * slotCount);
    this.words = heap.words[this.pointer >>> SEGMENT_SHIFT]!;
    this.base = (this.pointer & OFFSET_MASK) << 1;
    this.words.fill(0, this.base, this.base + 2 * slotCount);
  }

  free(heap: Heap): void {
    if (this.pointer === 0) heap.outsideBytes -= 8 * this.slotCount;
    else heap.free(this.pointer, 8 * this.slotCount);
  }
}

/**
 * A hash table of heap records by their bytes: keys of a database, members of a set, fields of a hash.
 *
 * Open addressing with the **top** bits of the hash, so entries lie in hash order, give or take a run of neighbours:
 * growing is one pass over memory, and a cursor can be a threshold of the hash, which means the same whatever the size
 * of the table has become meanwhile (see {@link scan}). A record begins with a word whose low 16 bits are the length
 * of its name; the name begins `nameAt` bytes into it. The table owns its slots, never the records.
 *
 *     up to 64 Ki entries: one array of slots, in the heap itself while small
 *     beyond: 256 arrays by the top 8 bits; each grows by itself, about 0.3 ms at 16 M entries
 */
export class ByteTable {
  readonly #heap: Heap;
  readonly #nameAt: number;
  #only: Slots | undefined;
  #parts: Slots[] | undefined;
  #size = 0;

  constructor(heap: Heap, nameAt: number) {
    this.#heap = heap;
    this.#nameAt = nameAt;
  }

  get size(): number {
    return this.#size;
  }

  /** The record named `name[start, end)`, or 0. */
  find(name: Uint8Array, start: number, end: number, hash: number): number {
    const slots = this.#parts === undefined ? this.#only : this.#parts[hash >>> (32 - PART_BITS)];
    if (slots === undefined) return 0;
    const { words, base } = slots;
    const mask = slots.slotCount - 1;
    let slot = (this.#parts === undefined ? hash : hash << PART_BITS) >>> Math.clz32(mask);
    for (;;) {
      const at = base + (slot << 1);
      const pointer = words[at + 1]!;
      if (pointer === 0) return 0;
      if (words[at] === hash && this.#isNamed(pointer, name, start, end)) return pointer;
      slot = (slot + 1) & mask;
    }
  }

  /**
   * The record in the slot where one with this hash would lie if it were alone, or 0. Who will look into many tables asks
   * all of them first: the processor fetches the slots, and then the records, side by side.
   */
  neighbour(hash: number): number {
    const slots = this.#parts === undefined ? this.#only : this.#parts[hash >>> (32 - PART_BITS)];
    if (slots === undefined) return 0;
    return slots.words[slots.base + (this.#home(slots, hash) << 1) + 1]!;
  }

  /** A record of this hash, whatever its name, or 0. */
  candidate(hash: number): number {
    const slots = this.#parts === undefined ? this.#only : this.#parts[hash >>> (32 - PART_BITS)];
    if (slots === undefined) return 0;
    const { words, base } = slots;
    const mask = slots.slotCount - 1;
    let slot = this.#home(slots, hash);
    for (;;) {
      const at = base + (slot << 1);
      const pointer = words[at + 1]!;
      if (pointer === 0 || words[at] === hash) return pointer;
      slot = (slot + 1) & mask;
    }
  }

  #isNamed(pointer: number, name: Uint8Array, start: number, end: number): boolean {
    const segment = pointer >>> SEGMENT_SHIFT;
    const unit = pointer & OFFSET_MASK;
    const size = end - start;
    if ((this.#heap.words[segment]![unit << 1]! & 0xffff) !== size) return false;
    const bytes = this.#heap.bytes[segment]!;
    const from = (unit << 3) + this.#nameAt;
    for (let i = 0; i < size; i++) if (bytes[from + i] !== name[start + i]) return false;
    return true;
  }

  /** Adds a record whose name is not there yet. */
  insert(hash: number, pointer: number): void {
    let slots = this.#slotsFor(hash);
    if (4 * (slots.count + 1) > 3 * slots.slotCount) slots = this.#resize(slots, hash, 2 * slots.slotCount);
    this.#put(slots, hash, pointer);
    slots.count++;
    this.#size++;
    if (this.#parts === undefined && this.#size > SPLIT_ENTRIES) this.#split();
  }

  /** The record has moved. */
  replace(hash: number, from: number, to: number): void {
    const slots = this.#slotsFor(hash);
    slots.words[this.#indexOf(slots, hash, from) + 1] = to;
  }

  /** Takes out a record that is there. */
  remove(hash: number, pointer: number): void {
    const slots = this.#slotsFor(hash);
    this.#close(slots, (this.#indexOf(slots, hash, pointer) - slots.base) >> 1);
    slots.count--;
    this.#size--;
    if (this.#size === 0) this.clear();
    else if (this.#parts !== undefined && this.#size < JOIN_ENTRIES) this.#join();
    else if (slots.slotCount > SMALLEST_SLOTS && 8 * slots.count < slots.slotCount) {
      this.#resize(slots, hash, slots.slotCount >> 1);
    }
  }

  /** Forgets all entries and gives the slots back. */
  clear(): void {
    this.#only?.free(this.#heap);
    for (const slots of this.#parts ?? []) slots.free(this.#heap);
    this.#only = undefined;
    this.#parts = undefined;
    this.#size = 0;
  }

  /**
   * Visits every entry whose hash is at least `from` (0 to 2^32 - 1), in steps of about `count` slots.
   *
   * Who goes on with the returned threshold until it is 0 sees every entry that was there all the time exactly once,
   * however the table grows and shrinks between the calls.
   *
   * @param visit Must not change this table.
   * @returns The next threshold, or 0 at the end.
   */
  scan(from: number, count: number, visit: (pointer: number, hash: number) => void): number {
    let threshold = from;
    let left = count;
    while (left > 0 && this.#size > 0) {
      const part = this.#parts === undefined ? 0 : Math.floor(threshold / 2 ** (32 - PART_BITS));
      const slots = this.#parts === undefined ? this.#only! : this.#parts[part]!;
      const partFrom = this.#parts === undefined ? 0 : part * 2 ** (32 - PART_BITS);
      const span = (this.#parts === undefined ? U32 : 2 ** (32 - PART_BITS)) / slots.slotCount;
      const first = Math.floor((threshold - partFrom) / span);
      const end = Math.min(slots.slotCount, first + left);
      this.#visitHomes(slots, first, end, threshold, visit);
      left -= end - first;
      threshold = partFrom + end * span;
      if (threshold >= U32) return 0;
    }
    return this.#size === 0 ? 0 : threshold;
  }

  /** Visits the entries that belong into slots `[first, end)` and whose hash is at least `threshold`. */
  #visitHomes(
    slots: Slots,
    first: number,
    end: number,
    threshold: number,
    visit: (pointer: number, hash: number) => void,
  ): void {
    const { words, base } = slots;
    const mask = slots.slotCount - 1;
    const hasParts = this.#parts !== undefined;
    for (let step = first; ; step++) {
      const at = base + ((step & mask) << 1);
      const pointer = words[at + 1]!;
      if (pointer === 0) {
        if (step >= end) return;
        continue;
      }
      const hash = words[at]!;
      // Steps go on beyond the last slot, where those lie that had no room before it: what counts is the step of the home.
      const home = step - ((step - homeOf(hash, hasParts, mask)) & mask);
      if (home >= first && home < end && hash >>> 0 >= threshold) visit(pointer, hash);
      if (step - end > mask) return;
    }
  }

  /** Every entry, in no promised order. `visit` must not change this table. */
  forEachRecord(visit: (pointer: number, hash: number) => void): void {
    for (const slots of this.#parts ?? (this.#only ? [this.#only] : [])) {
      const { words, base } = slots;
      for (let at = base; at < base + 2 * slots.slotCount; at += 2) {
        if (words[at + 1] !== 0) visit(words[at + 1]!, words[at]!);
      }
    }
  }

  /** The name of a record: a view of the heap, good until the next change. */
  nameOf(pointer: number): Uint8Array {
    const segment = pointer >>> SEGMENT_SHIFT;
    const unit = pointer & OFFSET_MASK;
    const from = (unit << 3) + this.#nameAt;
    return this.#heap.bytes[segment]!.subarray(from, from + (this.#heap.words[segment]![unit << 1]! & 0xffff));
  }

  #slotsFor(hash: number): Slots {
    if (this.#parts !== undefined) return this.#parts[hash >>> (32 - PART_BITS)]!;
    this.#only ??= new Slots(this.#heap, SMALLEST_SLOTS);
    return this.#only;
  }

  #home(slots: Slots, hash: number): number {
    return homeOf(hash, this.#parts !== undefined, slots.slotCount - 1);
  }

  #put(slots: Slots, hash: number, pointer: number): void {
    const { words, base } = slots;
    const mask = slots.slotCount - 1;
    let slot = this.#home(slots, hash);
    while (words[base + (slot << 1) + 1] !== 0) slot = (slot + 1) & mask;
    words[base + (slot << 1)] = hash;
    words[base + (slot << 1) + 1] = pointer;
  }

  /** Where the entry is in `slots.words`. */
  #indexOf(slots: Slots, hash: number, pointer: number): number {
    const { words, base } = slots;
    const mask = slots.slotCount - 1;
    let slot = this.#home(slots, hash);
    for (let step = 0; step <= mask; step++) {
      const at = base + (slot << 1);
      if (words[at + 1] === pointer) return at;
      slot = (slot + 1) & mask;
    }
    throw new Error("The record is not in the table");
  }

  /** Empties a slot and moves those behind it that would not be found any more. */
  #close(slots: Slots, slot: number): void {
    const { words, base } = slots;
    const mask = slots.slotCount - 1;
    let hole = slot;
    let next = (slot + 1) & mask;
    for (;;) {
      const at = base + (next << 1);
      if (words[at + 1] === 0) break;
      const home = this.#home(slots, words[at]!);
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        words[base + (hole << 1)] = words[at]!;
        words[base + (hole << 1) + 1] = words[at + 1]!;
        hole = next;
      }
      next = (next + 1) & mask;
    }
    words[base + (hole << 1) + 1] = 0;
  }

  #resize(old: Slots, hash: number, slotCount: number): Slots {
    const slots = new Slots(this.#heap, slotCount);
    this.#move(old, slots);
    old.free(this.#heap);
    if (this.#parts === undefined) this.#only = slots;
    else this.#parts[hash >>> (32 - PART_BITS)] = slots;
    return slots;
  }

  #move(from: Slots, to: Slots): void {
    const { words, base } = from;
    for (let at = base; at < base + 2 * from.slotCount; at += 2) {
      if (words[at + 1] !== 0) this.#put(to, words[at]!, words[at + 1]!);
    }
    to.count += from.count;
  }

  #split(): void {
    const old = this.#only!;
    this.#only = undefined;
    // Twice the mean, or half of the parts would have to grow at once.
    const parts = Array.from({ length: PARTS }, () => new Slots(this.#heap, (4 * SPLIT_ENTRIES) / PARTS));
    this.#parts = parts;
    const { words, base } = old;
    for (let at = base; at < base + 2 * old.slotCount; at += 2) {
      if (words[at + 1] === 0) continue;
      const slots = parts[words[at]! >>> (32 - PART_BITS)]!;
      if (4 * (slots.count + 1) > 3 * slots.slotCount) throw new Error("A part is too small");
      this.#put(slots, words[at]!, words[at + 1]!);
      slots.count++;
    }
    old.free(this.#heap);
  }

  #join(): void {
    const parts = this.#parts!;
    this.#parts = undefined;
    const slots = new Slots(this.#heap, 2 * JOIN_ENTRIES);
    this.#only = slots;
    for (const part of parts) {
      this.#move(part, slots);
      part.free(this.#heap);
    }
  }
}

/** The slot where an entry would lie if it were alone. */
function homeOf(hash: number, hasParts: boolean, mask: number): number {
  return (hasParts ? hash << PART_BITS : hash) >>> Math.clz32(mask);
}
