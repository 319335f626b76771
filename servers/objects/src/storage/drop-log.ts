import { randomInt } from "node:crypto";

/** Where the numbers of a run begin, of one length: so that those of another run or store are never taken for its own. */
const FIRST_NUMBERS = [2 ** 40, 2 ** 41] as const;
/** Of more, the oldest are put together. */
const MAX_EVENTS = 256;

interface Drop {
  readonly number: number;
  /** The largest that was dropped. */
  readonly sequence: number;
}

/**
 * When tombstones were dropped, and which.
 *
 * A copy that is made from nothing stands before the horizon for a while. What was dropped before it began it may do
 * without; but it may have had a record already whose tombstone, further on, is dropped before it comes there. So each drop
 * has a number, and the copy says which it was told last: nothing behind its position was dropped before.
 *
 * The numbers of a run begin at random: a crash may undo the last of them, and a copy that was made of one store may come to
 * another, which was promoted. A start at which nothing was dropped yet says the last number of the run before.
 *
 * Of two events the later one with the larger sequence says all that the other does: the list falls in `sequence` and rises
 * in `number`.
 */
export class DropLog {
  /** The last number of the run before; undefined if nobody knows it. */
  #leftAt: number | undefined;
  #base = randomInt(...FIRST_NUMBERS);
  #last = this.#base;
  #events: Drop[] = [];

  /** The number of the last drop, or where they begin. */
  get last(): number {
    return this.#last;
  }

  /** Goes on behind the number that was kept; undefined if something may have been dropped that has none. */
  load(last: number | undefined): void {
    this.#leftAt = last;
    this.#base = randomInt(...FIRST_NUMBERS);
    this.#last = last ?? this.#base;
    this.#events = [];
  }

  /** Tombstones up to this sequence were dropped. */
  note(sequence: number): void {
    this.#last = this.#events.length === 0 ? this.#base + 1 : this.#last + 1;
    while ((this.#events.at(-1)?.sequence ?? Number.POSITIVE_INFINITY) <= sequence) this.#events.pop();
    this.#events.push({ number: this.#last, sequence });
    const [first, second] = this.#events;
    if (this.#events.length <= MAX_EVENTS || first === undefined || second === undefined) return;
    this.#events.splice(0, 2, { number: second.number, sequence: first.sequence });
  }

  /** Whether something behind `after` was dropped since the last number was `since`, or nobody knows. */
  hasDroppedBehind(after: number, since: number): boolean {
    const known = since === this.#leftAt ? this.#base : since;
    // Unless something was dropped in this run, the last number is that of the run before.
    const last = Math.max(this.#base, this.#events.at(-1)?.number ?? 0);
    if (known < this.#base || known > last) return true;
    return this.#events.some(({ number, sequence }) => number > known && sequence > after);
  }
}
