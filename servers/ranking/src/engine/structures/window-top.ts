import { compareBytes } from "../../protocol/compare-bytes.ts";
import { hashBytes } from "../memory/byte-hash.ts";
import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import type { BlobReader, BlobWriter } from "./blob.ts";
import { MAX_MEMBER_BYTES } from "./window-members.ts";

/** Bytes of an entry: count and error as doubles, hash and pointer to the name as words. */
const ENTRY_BYTES = 24;
const NAME_HEAD_BYTES = 4;

/** A member of a window and how many events it had: at most `count`, at least `count - error`. */
export interface TopEntry {
  readonly name: Uint8Array;
  count: number;
  error: number;
}

/**
 * The most frequent members of coarse buckets: one "space saving" sketch a bucket. A member that is not among the
 * entries of a full sketch takes the place of the least, and its count as the error. So of a bucket with n events and k
 * entries every member with more than n/k events is there, and no count is more than n/k too high.
 *
 * @see Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data streams", 2005
 */
export class WindowTop {
  readonly stepMs: number;
  readonly length: number;
  readonly #heap: Heap;
  readonly #seed: number;
  readonly #entries: number;
  // By slot, which is the bucket's number modulo the length:
  readonly #buckets: Float64Array;
  readonly #blocks: Int32Array;
  readonly #used: Int32Array;
  usedBytes = 0;

  constructor(heap: Heap, hashSeed: number, options: { entries: number; stepMs: number; length: number }) {
    this.#heap = heap;
    this.#seed = hashSeed;
    this.#entries = options.entries;
    this.stepMs = options.stepMs;
    this.length = options.length;
    this.#buckets = new Float64Array(options.length).fill(-1);
    this.#blocks = new Int32Array(options.length);
    this.#used = new Int32Array(options.length);
    heap.outsideBytes += 16 * options.length;
  }

  /** Counts events of a member in a bucket that is not older than the newest by the length or more. */
  add(bucket: number, name: Uint8Array, start: number, end: number, count: number): void {
    const slot = bucket % this.length;
    if (this.#buckets[slot] !== bucket) {
      this.#empty(slot);
      this.#buckets[slot] = bucket;
    }
    if (this.#blocks[slot] === 0) {
      this.#blocks[slot] = this.#heap.allocate(this.#entries * ENTRY_BYTES);
      this.usedBytes += this.#entries * ENTRY_BYTES;
    }
    const hash = hashBytes(name, start, end, this.#seed);
    let entry = this.#find(slot, hash, name, start, end);
    if (entry < 0) entry = this.#enter(slot, hash, name, start, end);
    const block = this.#blocks[slot]!;
    this.#heap.doubles[block >>> SEGMENT_SHIFT]![(block & OFFSET_MASK) + entry]! += count;
  }

  #find(slot: number, hash: number, name: Uint8Array, start: number, end: number): number {
    const block = this.#blocks[slot]!;
    const words = this.#heap.words[block >>> SEGMENT_SHIFT]!;
    const hashes = ((block & OFFSET_MASK) << 1) + 4 * this.#entries;
    for (let i = 0; i < this.#used[slot]!; i++) {
      if (words[hashes + i] === hash && this.#isNamed(words[hashes + this.#entries + i]!, name, start, end)) return i;
    }
    return -1;
  }

  /** Makes an entry for a member, in the place of the least one if all are taken. */
  #enter(slot: number, hash: number, name: Uint8Array, start: number, end: number): number {
    const block = this.#blocks[slot]!;
    const segment = block >>> SEGMENT_SHIFT;
    const doubles = this.#heap.doubles[segment]!;
    const counts = block & OFFSET_MASK;
    const pointers = (counts << 1) + 5 * this.#entries;
    let entry = this.#used[slot]!;
    if (entry < this.#entries) {
      this.#used[slot] = entry + 1;
      doubles[counts + entry] = 0;
      doubles[counts + this.#entries + entry] = 0;
    } else {
      entry = 0;
      for (let i = 1; i < this.#entries; i++) if (doubles[counts + i]! < doubles[counts + entry]!) entry = i;
      doubles[counts + this.#entries + entry] = doubles[counts + entry]!;
      this.#freeName(this.#heap.words[segment]![pointers + entry]!);
    }
    const words = this.#heap.words[segment]!;
    words[pointers - this.#entries + entry] = hash;
    words[pointers + entry] = this.#newName(name, start, end);
    return entry;
  }

  /**
   * The members of the buckets `(end - count, end]`, the most frequent first, those with as many events by name.
   *
   * @param limit Entries at most.
   */
  top(end: number, count: number, limit: number): TopEntry[] {
    const byName = new Map<string, TopEntry & { leastCount: number }>();
    let leastSum = 0;
    for (let bucket = Math.max(0, end - Math.min(count, this.length) + 1); bucket <= end; bucket++) {
      const slot = bucket % this.length;
      if (this.#buckets[slot] !== bucket) continue;
      // Who is not in a full sketch may have had as many events as its least entry.
      const least = this.#used[slot]! < this.#entries ? 0 : this.#leastOf(slot);
      leastSum += least;
      this.#forEach(slot, (name, events, error) => {
        const key = latinOf(name);
        const entry = byName.get(key);
        if (entry === undefined) {
          byName.set(key, { name: name.slice(), count: events, error, leastCount: least });
          return;
        }
        entry.count += events;
        entry.error += error;
        entry.leastCount += least;
      });
    }
    const entries: TopEntry[] = [];
    for (const { name, count: events, error, leastCount } of byName.values()) {
      const unseen = leastSum - leastCount;
      entries.push({ name, count: events + unseen, error: error + unseen });
    }
    return entries.sort((a, b) => b.count - a.count || compareBytes(a.name, b.name)).slice(0, limit);
  }

  #leastOf(slot: number): number {
    let least = Number.POSITIVE_INFINITY;
    this.#forEach(slot, (_name, events) => {
      least = Math.min(least, events);
    });
    return least;
  }

  #forEach(slot: number, visit: (name: Uint8Array, count: number, error: number) => void): void {
    const block = this.#blocks[slot]!;
    const doubles = this.#heap.doubles[block >>> SEGMENT_SHIFT]!;
    const counts = block & OFFSET_MASK;
    for (let i = 0; i < this.#used[slot]!; i++) {
      visit(this.#nameOf(this.#pointerAt(slot, i)), doubles[counts + i]!, doubles[counts + this.#entries + i]!);
    }
  }

  #pointerAt(slot: number, entry: number): number {
    const block = this.#blocks[slot]!;
    return this.#heap.words[block >>> SEGMENT_SHIFT]![((block & OFFSET_MASK) << 1) + 5 * this.#entries + entry]!;
  }

  #newName(name: Uint8Array, start: number, end: number): number {
    const size = end - start;
    const record = this.#heap.allocate(NAME_HEAD_BYTES + size);
    this.#heap.words[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) << 1] = size;
    const bytes = this.#heap.bytes[record >>> SEGMENT_SHIFT]!;
    const to = ((record & OFFSET_MASK) << 3) + NAME_HEAD_BYTES;
    for (let i = 0; i < size; i++) bytes[to + i] = name[start + i]!;
    this.usedBytes += NAME_HEAD_BYTES + size;
    return record;
  }

  #freeName(record: number): void {
    const size = this.#heap.words[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) << 1]!;
    this.#heap.free(record, NAME_HEAD_BYTES + size);
    this.usedBytes -= NAME_HEAD_BYTES + size;
  }

  #nameOf(record: number): Uint8Array {
    const from = ((record & OFFSET_MASK) << 3) + NAME_HEAD_BYTES;
    const size = this.#heap.words[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) << 1]!;
    return this.#heap.bytes[record >>> SEGMENT_SHIFT]!.subarray(from, from + size);
  }

  #isNamed(record: number, name: Uint8Array, start: number, end: number): boolean {
    const size = end - start;
    if (this.#heap.words[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) << 1] !== size) return false;
    const bytes = this.#heap.bytes[record >>> SEGMENT_SHIFT]!;
    const from = ((record & OFFSET_MASK) << 3) + NAME_HEAD_BYTES;
    for (let i = 0; i < size; i++) if (bytes[from + i] !== name[start + i]) return false;
    return true;
  }

  #empty(slot: number): void {
    for (let i = 0; i < this.#used[slot]!; i++) this.#freeName(this.#pointerAt(slot, i));
    this.#used[slot] = 0;
  }

  free(): void {
    for (let slot = 0; slot < this.length; slot++) {
      this.#empty(slot);
      if (this.#blocks[slot] !== 0) this.#heap.free(this.#blocks[slot]!, this.#entries * ENTRY_BYTES);
    }
    this.#heap.outsideBytes -= 16 * this.length;
  }

  // Rebuilding

  /** Whether the slot has something to write. */
  isUsed(slot: number): boolean {
    return this.#used[slot]! > 0;
  }

  write(blob: BlobWriter, slot: number): void {
    blob.double(this.#buckets[slot]!);
    this.#forEach(slot, (name, count, error) => blob.name(name).double(count).double(error));
  }

  read(blob: BlobReader): void {
    const bucket = blob.whole(0, Number.MAX_SAFE_INTEGER);
    const slot = bucket % this.length;
    while (!blob.isAtEnd) {
      const name = blob.name(MAX_MEMBER_BYTES);
      const count = blob.whole(0, Number.MAX_SAFE_INTEGER);
      const error = blob.whole(0, Number.MAX_SAFE_INTEGER);
      this.add(bucket, name, 0, name.length, count);
      const block = this.#blocks[slot]!;
      const entry = this.#find(slot, hashBytes(name, 0, name.length, this.#seed), name, 0, name.length);
      this.#heap.doubles[block >>> SEGMENT_SHIFT]![(block & OFFSET_MASK) + this.#entries + entry] = error;
    }
  }
}

function latinOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
