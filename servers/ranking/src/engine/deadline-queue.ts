/** One entry of a {@link DeadlineQueue}; whoever made it sets `isDone` when it need not be told any more. */
export interface Deadline {
  readonly timeMs: number;
  isDone: boolean;
}

/** Entries that are done are swept out when they are this many more than those that are not. */
const SWEEP_EXCESS = 64;

/** Deadlines, the nearest first: a binary heap. Adding and taking cost O(log n); what is done goes when it comes up. */
export class DeadlineQueue<T extends Deadline> {
  #heap: T[] = [];
  #doneCount = 0;

  /** Entries in memory, done ones too. */
  get size(): number {
    return this.#heap.length;
  }

  add(entry: T): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.timeMs <= entry.timeMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  /** An entry is not waited for any more. */
  cancel(entry: T): void {
    entry.isDone = true;
    this.#doneCount++;
    if (this.#doneCount <= SWEEP_EXCESS + this.#heap.length / 2) return;
    const left = this.#heap.filter(({ isDone }) => !isDone);
    this.#heap = [];
    this.#doneCount = 0;
    for (const kept of left) this.add(kept);
  }

  /** The nearest deadline, or Infinity. */
  get nextMs(): number {
    this.#dropDone();
    return this.#heap[0]?.timeMs ?? Number.POSITIVE_INFINITY;
  }

  /** Takes the nearest entry out if its time has come. */
  take(nowMs: number): T | undefined {
    this.#dropDone();
    const first = this.#heap[0];
    if (first === undefined || first.timeMs > nowMs) return undefined;
    this.#removeFirst();
    return first;
  }

  #dropDone(): void {
    while (this.#heap[0]?.isDone) {
      this.#removeFirst();
      this.#doneCount--;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < heap.length && heap[child + 1]!.timeMs < heap[child]!.timeMs) child++;
      if (child >= heap.length || heap[child]!.timeMs >= last.timeMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
