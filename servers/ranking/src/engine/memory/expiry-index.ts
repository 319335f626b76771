import type { Heap } from "./heap.ts";

const SMALLEST = 64;
const ARITY = 4;

/**
 * When which record expires: a heap (the data structure) ordered by time, so that the next one due is found at once and
 * nothing has to be sampled.
 *
 * A record knows its slot here, and is told through `onMoved` when it changes; slot 0 is none. Setting another time moves
 * the record inside the structure, so a key whose expiry is refreshed all day takes one slot.
 */
export class ExpiryIndex {
  readonly #heap: Heap;
  readonly #onMoved: (pointer: number, slot: number) => void;
  #times = new Float64Array(SMALLEST);
  #pointers = new Int32Array(SMALLEST);
  #size = 0;

  constructor(heap: Heap, onMoved: (pointer: number, slot: number) => void) {
    this.#heap = heap;
    this.#onMoved = onMoved;
    heap.outsideBytes += 12 * SMALLEST;
  }

  get size(): number {
    return this.#size;
  }

  /** The earliest time, in ms; infinite if nothing expires. */
  get nextMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#times[1]!;
  }

  /** The record that is due first; only if there is one. */
  get next(): number {
    return this.#pointers[1]!;
  }

  /** The time of a slot, in ms. */
  timeOf(slot: number): number {
    return this.#times[slot]!;
  }

  /** The record of a slot, 1 to `size`. */
  pointerAt(slot: number): number {
    return this.#pointers[slot]!;
  }

  add(pointer: number, timeMs: number): void {
    const slot = ++this.#size;
    if (slot === this.#times.length) this.#resize(2 * slot);
    this.#put(slot, pointer, timeMs);
    this.#rise(slot);
  }

  set(slot: number, timeMs: number): void {
    const before = this.#times[slot]!;
    this.#times[slot] = timeMs;
    if (timeMs < before) this.#rise(slot);
    else this.#sink(slot);
  }

  /** The record of the slot has moved to another place in memory. */
  moved(slot: number, pointer: number): void {
    this.#pointers[slot] = pointer;
  }

  /** Takes the slot's record out; it is not told. */
  remove(slot: number): void {
    const last = this.#size--;
    if (slot !== last) {
      const before = this.#times[slot]!;
      const time = this.#times[last]!;
      this.#put(slot, this.#pointers[last]!, time);
      if (time < before) this.#rise(slot);
      else this.#sink(slot);
    }
    if (this.#times.length > SMALLEST && 8 * this.#size < this.#times.length) this.#resize(this.#times.length / 2);
  }

  clear(): void {
    this.#size = 0;
    this.#resize(SMALLEST);
  }

  /** Gives its memory back; nothing may be called afterwards. */
  release(): void {
    this.#heap.outsideBytes -= 12 * this.#times.length;
    this.#size = 0;
  }

  #put(slot: number, pointer: number, timeMs: number): void {
    this.#times[slot] = timeMs;
    this.#pointers[slot] = pointer;
    this.#onMoved(pointer, slot);
  }

  #rise(from: number): void {
    const pointer = this.#pointers[from]!;
    const time = this.#times[from]!;
    let slot = from;
    while (slot > 1) {
      const parent = ((slot - 2) >> 2) + 1;
      if (this.#times[parent]! <= time) break;
      this.#put(slot, this.#pointers[parent]!, this.#times[parent]!);
      slot = parent;
    }
    if (slot !== from) this.#put(slot, pointer, time);
  }

  #sink(from: number): void {
    const pointer = this.#pointers[from]!;
    const time = this.#times[from]!;
    let slot = from;
    for (;;) {
      const first = ARITY * (slot - 1) + 2;
      if (first > this.#size) break;
      const end = Math.min(first + ARITY, this.#size + 1);
      let least = first;
      for (let child = first + 1; child < end; child++) if (this.#times[child]! < this.#times[least]!) least = child;
      if (this.#times[least]! >= time) break;
      this.#put(slot, this.#pointers[least]!, this.#times[least]!);
      slot = least;
    }
    if (slot !== from) this.#put(slot, pointer, time);
  }

  #resize(length: number): void {
    this.#heap.outsideBytes += 12 * (length - this.#times.length);
    const times = new Float64Array(length);
    const pointers = new Int32Array(length);
    times.set(this.#times.subarray(0, this.#size + 1));
    pointers.set(this.#pointers.subarray(0, this.#size + 1));
    this.#times = times;
    this.#pointers = pointers;
  }
}
