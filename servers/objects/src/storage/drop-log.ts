/** A start leaves so many numbers out: who knows one of a time that a crash has undone is told apart. */
const START_GAP = 1_000;
/** Of more, the oldest are put together. */
const MAX_EVENTS = 256;

interface Drop {
  readonly count: number;
  /** The largest that was dropped. */
  readonly sequence: number;
}

/**
 * When tombstones were dropped, and which.
 *
 * A copy that is made from nothing stands before the horizon for a while. What was dropped before it began it may do
 * without; but it may have had a record already whose tombstone, further on, is dropped before it comes there. So each drop
 * is counted, and the copy says which count it was told last: nothing behind its position was dropped before.
 *
 * Of two events the later one with the larger sequence says all that the other does: the list falls in `sequence` and rises
 * in `count`.
 */
export class DropLog {
  #count = 0;
  /** The count that the run before has left, and where this one's begin. */
  #leftAt = 0;
  #base = 0;
  #events: Drop[] = [];

  /** How many times something was dropped; not all numbers are used. */
  get count(): number {
    return this.#count;
  }

  /** Goes on behind the count that was kept. */
  load(count: number): void {
    this.#leftAt = count;
    this.#base = count + START_GAP;
    this.#count = this.#base;
    this.#events = [];
  }

  /** Tombstones up to this sequence were dropped. */
  note(sequence: number): void {
    this.#count++;
    while ((this.#events.at(-1)?.sequence ?? Number.POSITIVE_INFINITY) <= sequence) this.#events.pop();
    this.#events.push({ count: this.#count, sequence });
    const [first, second] = this.#events;
    if (this.#events.length <= MAX_EVENTS || first === undefined || second === undefined) return;
    this.#events.splice(0, 2, { count: second.count, sequence: first.sequence });
  }

  /** Whether something behind `after` was dropped since the count was `since`, or nobody knows. */
  hasDroppedBehind(after: number, since: number): boolean {
    const isKnown = since === this.#leftAt || (since >= this.#base && since <= this.#count);
    if (!isKnown) return true;
    return this.#events.some(({ count, sequence }) => count > since && sequence > after);
  }
}
