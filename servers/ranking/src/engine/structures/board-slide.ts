import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import { newestPart, partCount, setParts } from "./board-records.ts";

/**
 * A part: what one member scored in one step of time.
 *
 *     double 0  amount
 *     word 2    the member's record; 0 when it was removed
 *     word 3    the next part of the board, in the order of time
 *     word 4    step
 *     word 5    the member's part before this one; only as many are alive as the member counts
 */
const PART_BYTES = 24;
const MEMBER = 2;
const NEXT = 3;
const STEP = 4;
const OLDER = 5;

/** The scores of a sliding board by time: a queue of parts, the oldest of which leaves first. */
export class BoardSlide {
  readonly #heap: Heap;
  readonly stepMs: number;
  #first = 0;
  #last = 0;
  count = 0;

  constructor(heap: Heap, stepMs: number) {
    this.#heap = heap;
    this.stepMs = stepMs;
  }

  get usedBytes(): number {
    return this.count * PART_BYTES;
  }

  /** Counts an amount of a member in a step that is not before any other. */
  add(record: number, step: number, amount: number): void {
    const newest = newestPart(this.#heap, record);
    const parts = partCount(this.#heap, record);
    if (parts > 0 && this.#word(newest, STEP) === step) {
      this.#setAmount(newest, this.#amount(newest) + amount);
      return;
    }
    const part = this.#newPart(record, step, amount, newest);
    this.#append(part);
    setParts(this.#heap, record, part, parts + 1);
  }

  /** Whether a part of `step` or before is there still. */
  isDue(step: number): boolean {
    return this.#first !== 0 && this.#word(this.#first, STEP) <= step;
  }

  /** Takes the oldest part off. Returns its member, or 0 if that was removed. */
  takeFirst(): number {
    const part = this.#first;
    const record = this.#word(part, MEMBER);
    this.#first = this.#word(part, NEXT);
    if (this.#first === 0) this.#last = 0;
    this.#heap.free(part, PART_BYTES);
    this.count--;
    if (record === 0) return 0;
    const left = partCount(this.#heap, record) - 1;
    setParts(this.#heap, record, left === 0 ? 0 : newestPart(this.#heap, record), left);
    return record;
  }

  /** What a member's parts add up to; summed anew, so that no rounding remains of what has left. */
  sumOf(record: number): number {
    let sum = 0;
    let part = newestPart(this.#heap, record);
    for (let left = partCount(this.#heap, record); left > 0; left--) {
      sum += this.#amount(part);
      part = this.#word(part, OLDER);
    }
    return sum;
  }

  /** The member is about to be removed: its parts are nobody's. */
  abandon(record: number): void {
    let part = newestPart(this.#heap, record);
    for (let left = partCount(this.#heap, record); left > 0; left--) {
      this.#setWord(part, MEMBER, 0);
      part = this.#word(part, OLDER);
    }
  }

  /** Frees about `limit` parts, whosever they are. Returns whether none is left. */
  release(limit: number): boolean {
    for (let left = limit; left > 0 && this.#first !== 0; left--) {
      const part = this.#first;
      this.#first = this.#word(part, NEXT);
      this.#heap.free(part, PART_BYTES);
      this.count--;
    }
    return this.#first === 0;
  }

  /** Adds a part of a member that was removed since, for a rebuild: it takes its turn when parts leave. */
  addAbandoned(step: number): void {
    this.#append(this.#newPart(0, step, 0, 0));
  }

  /** In the order of time; `record` is 0 for parts of removed members. */
  forEach(visit: (record: number, step: number, amount: number) => void): void {
    for (let part = this.#first; part !== 0; part = this.#word(part, NEXT)) {
      visit(this.#word(part, MEMBER), this.#word(part, STEP), this.#amount(part));
    }
  }

  #newPart(record: number, step: number, amount: number, older: number): number {
    const part = this.#heap.allocate(PART_BYTES);
    this.#setAmount(part, amount);
    this.#setWord(part, MEMBER, record);
    this.#setWord(part, NEXT, 0);
    this.#setWord(part, STEP, step);
    this.#setWord(part, OLDER, older);
    return part;
  }

  #append(part: number): void {
    if (this.#last === 0) this.#first = part;
    else this.#setWord(this.#last, NEXT, part);
    this.#last = part;
    this.count++;
  }

  #amount(part: number): number {
    return this.#heap.doubles[part >>> SEGMENT_SHIFT]![part & OFFSET_MASK]!;
  }

  #setAmount(part: number, amount: number): void {
    this.#heap.doubles[part >>> SEGMENT_SHIFT]![part & OFFSET_MASK] = amount;
  }

  #word(part: number, at: number): number {
    return this.#heap.words[part >>> SEGMENT_SHIFT]![((part & OFFSET_MASK) << 1) + at]!;
  }

  #setWord(part: number, at: number, value: number): void {
    this.#heap.words[part >>> SEGMENT_SHIFT]![((part & OFFSET_MASK) << 1) + at] = value;
  }
}
