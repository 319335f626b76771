import type { Timer, TimerClock } from "./clock.ts";

const CALLBACKS_PER_ADVANCE_LIMIT = 1_000_000;

interface Entry {
  readonly deadlineMs: number;
  readonly sequence: number;
  /** `undefined` once it has fired or was cancelled. */
  callback: (() => void) | undefined;
}

/**
 * A clock that moves only when told. Timers fire in the order of their deadlines, those of one deadline in the order
 * they were set, so that a run is the same each time.
 *
 * The timers are a binary heap by (deadline, sequence). A cancelled entry stays in the heap without its callback until it
 * comes to the top; `#pendingCount` counts those that still have one.
 */
export class FakeClock implements TimerClock {
  #monotonicMs = 0;
  #wallOffsetMs: number;
  #sequence = 0;
  #pendingCount = 0;
  readonly #heap: Entry[] = [];

  /** @param wallMs The wall clock's time at the start, in ms since the epoch; the monotonic clock starts at 0. */
  constructor(wallMs = 1_700_000_000_000) {
    this.#wallOffsetMs = wallMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#monotonicMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Timers that still wait. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** When the next timer fires on the monotonic clock, or `undefined` if none waits. */
  get nextDeadlineMs(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.deadlineMs;
  }

  /** Sets the wall clock, as an operator or NTP does; timers and the monotonic clock do not notice. */
  setWallMs(wallMs: number): void {
    this.#wallOffsetMs = wallMs - this.#monotonicMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    if (Number.isNaN(delayMs)) throw new RangeError("Cannot set a timer: its delay is not a number");
    const deadlineMs = this.#monotonicMs + Math.max(0, delayMs);
    const entry: Entry = { deadlineMs, sequence: this.#sequence++, callback };
    this.#pendingCount++;
    this.#push(entry);
    return { cancel: () => this.#cancel(entry) };
  }

  /**
   * Moves the time on, firing each timer at its own moment, also those that are set meanwhile.
   *
   * @throws RangeError if `ms` is negative, or a million timers fire: then timers without delay set each other.
   */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`Cannot advance by ${ms} ms: time does not go back`);
    const untilMs = this.#monotonicMs + ms;
    for (let fired = 0; this.#fireNext(untilMs); fired++) {
      if (fired >= CALLBACKS_PER_ADVANCE_LIMIT) {
        throw new RangeError(`Cannot advance by ${ms} ms: ${fired} timers fired, so they set each other without delay`);
      }
    }
    this.#monotonicMs = untilMs;
  }

  /** Moves on to the next timer and fires it alone. Returns whether there was one. */
  runNext(): boolean {
    return this.#fireNext(Number.POSITIVE_INFINITY);
  }

  #fireNext(untilMs: number): boolean {
    this.#dropCancelled();
    const entry = this.#heap[0];
    if (!entry?.callback || entry.deadlineMs > untilMs) return false;
    this.#pop();
    const callback = entry.callback;
    entry.callback = undefined;
    this.#pendingCount--;
    this.#monotonicMs = Math.max(this.#monotonicMs, entry.deadlineMs);
    callback();
    return true;
  }

  #cancel(entry: Entry): void {
    if (!entry.callback) return;
    entry.callback = undefined;
    this.#pendingCount--;
  }

  #dropCancelled(): void {
    while (this.#heap[0] && !this.#heap[0].callback) this.#pop();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!isBefore(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  /** Takes the top off. The last entry sinks from there to its place. */
  #pop(): void {
    const heap = this.#heap;
    const entry = heap.pop();
    if (!entry || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right && isBefore(right, heap[child] as Entry)) child++;
      const below = heap[child] as Entry;
      if (!isBefore(below, entry)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = entry;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.deadlineMs < b.deadlineMs || (a.deadlineMs === b.deadlineMs && a.sequence < b.sequence);
}
