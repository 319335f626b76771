import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import type { BlobReader, BlobWriter } from "./blob.ts";
import type { Resolution } from "./window-plan.ts";

/** Bytes of a bucket: events as a double, then two counts of members. */
const BUCKET_BYTES = 16;
const MOST_EVENTS = Number.MAX_SAFE_INTEGER;
const MOST_MEMBERS = 2 ** 31 - 1;

/**
 * The buckets of one resolution, one block of the heap. A bucket is named by its number since 1970, in the window's time
 * zone; it lies at that number modulo the length, and the ring holds those in `(head - length, head]`.
 *
 *     double 0..          events in the bucket
 *     word 2 length..     members whose latest event lies in the bucket
 *     word 3 length..     members with an event in the bucket
 */
export class WindowRing {
  readonly stepMs: number;
  readonly length: number;
  readonly #heap: Heap;
  readonly #block: number;
  #head = 0;
  /** Where the head lies. */
  #headSlot = 0;
  /** The bucket of the time that is looked at, and when it begins in ms; its window knows the time zone. */
  now = 0;
  nowStartMs = 0;

  constructor(heap: Heap, { stepMs, length }: Resolution) {
    this.#heap = heap;
    this.stepMs = stepMs;
    this.length = length;
    this.#block = heap.allocate(length * BUCKET_BYTES);
    this.#zero(0, length);
  }

  get head(): number {
    return this.#head;
  }

  get usedBytes(): number {
    return this.length * BUCKET_BYTES;
  }

  free(): void {
    this.#heap.free(this.#block, this.length * BUCKET_BYTES);
  }

  /** Makes `bucket` the newest and empties those between. One that is not newer changes nothing. */
  advance(bucket: number): void {
    const gap = bucket - this.head;
    if (gap <= 0) return;
    if (gap >= this.length) this.#zero(0, this.length);
    else {
      const first = (this.head + 1) % this.length;
      const end = first + gap;
      this.#zero(first, Math.min(end, this.length));
      if (end > this.length) this.#zero(0, end - this.length);
    }
    this.#moveTo(bucket);
  }

  #moveTo(head: number): void {
    this.#head = head;
    this.#headSlot = head % this.length;
  }

  /** Where a bucket that is held lies. Without a remainder, which of numbers beyond 31 bits is a slow call. */
  #slotOf(bucket: number): number {
    const slot = this.#headSlot - (this.#head - bucket);
    return slot < 0 ? slot + this.length : slot;
  }

  #zero(from: number, end: number): void {
    const segment = this.#block >>> SEGMENT_SHIFT;
    const unit = this.#block & OFFSET_MASK;
    this.#heap.doubles[segment]!.fill(0, unit + from, unit + end);
    const word = (unit << 1) + 2 * this.length;
    this.#heap.words[segment]!.fill(0, word + from, word + end);
    this.#heap.words[segment]!.fill(0, word + this.length + from, word + this.length + end);
  }

  /** Counts events in a bucket that is held. */
  addEvents(bucket: number, count: number): void {
    this.#heap.doubles[this.#block >>> SEGMENT_SHIFT]![(this.#block & OFFSET_MASK) + this.#slotOf(bucket)]! += count;
  }

  /** Counts the first event of a member in a bucket that is held, which is its latest. */
  addMember(bucket: number): void {
    const words = this.#heap.words[this.#block >>> SEGMENT_SHIFT]!;
    const at = ((this.#block & OFFSET_MASK) << 1) + 2 * this.length + this.#slotOf(bucket);
    words[at]!++;
    words[at + this.length]!++;
  }

  /** A member's latest event lies in this bucket, which is held, no more. */
  leaveMember(bucket: number): void {
    const words = this.#heap.words[this.#block >>> SEGMENT_SHIFT]!;
    words[((this.#block & OFFSET_MASK) << 1) + 2 * this.length + this.#slotOf(bucket)]!--;
  }

  /** Events in the buckets `(end - count, end]`; those that are not held count nothing. */
  events(end: number, count: number): number {
    const doubles = this.#heap.doubles[this.#block >>> SEGMENT_SHIFT]!;
    const base = this.#block & OFFSET_MASK;
    let sum = 0;
    const first = Math.max(end - count, this.head - this.length) + 1;
    for (let bucket = first; bucket <= Math.min(end, this.head); bucket++) {
      sum += doubles[base + (bucket % this.length)]!;
    }
    return sum;
  }

  /** Different members of the buckets from `end - count + 1` to the newest. */
  uniques(end: number, count: number): number {
    const words = this.#heap.words[this.#block >>> SEGMENT_SHIFT]!;
    const base = ((this.#block & OFFSET_MASK) << 1) + 2 * this.length;
    let sum = 0;
    const first = Math.max(end - count, this.head - this.length) + 1;
    for (let bucket = first; bucket <= this.head; bucket++) sum += words[base + (bucket % this.length)]!;
    return sum;
  }

  /** Different members of one bucket. */
  bucketUniques(bucket: number): number {
    if (bucket > this.head || bucket <= this.head - this.length) return 0;
    const words = this.#heap.words[this.#block >>> SEGMENT_SHIFT]!;
    return words[((this.#block & OFFSET_MASK) << 1) + 3 * this.length + (bucket % this.length)]!;
  }

  // Rebuilding

  /** Writes all buckets that are not empty. */
  write(blob: BlobWriter): void {
    blob.double(this.head);
    const doubles = this.#heap.doubles[this.#block >>> SEGMENT_SHIFT]!;
    const words = this.#heap.words[this.#block >>> SEGMENT_SHIFT]!;
    const base = this.#block & OFFSET_MASK;
    for (let slot = 0; slot < this.length; slot++) {
      const latest = (base << 1) + 2 * this.length + slot;
      if (doubles[base + slot] === 0 && words[latest] === 0 && words[latest + this.length] === 0) continue;
      blob
        .word(slot)
        .double(doubles[base + slot]!)
        .word(words[latest]!)
        .word(words[latest + this.length]!);
    }
  }

  /** Reads what {@link write} wrote into a new ring. */
  read(blob: BlobReader): void {
    this.#moveTo(blob.whole(0, MOST_EVENTS));
    const doubles = this.#heap.doubles[this.#block >>> SEGMENT_SHIFT]!;
    const words = this.#heap.words[this.#block >>> SEGMENT_SHIFT]!;
    const base = this.#block & OFFSET_MASK;
    while (!blob.isAtEnd) {
      const slot = blob.index(this.length);
      doubles[base + slot] = blob.whole(0, MOST_EVENTS);
      const latest = (base << 1) + 2 * this.length + slot;
      words[latest] = blob.index(MOST_MEMBERS);
      words[latest + this.length] = blob.index(MOST_MEMBERS);
    }
  }
}
