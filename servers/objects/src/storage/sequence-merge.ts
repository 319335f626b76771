import type { ScannedRecord } from "./volume-scanner.ts";

/** Where records come from in rising order of their sequence. */
export interface RecordSource {
  /** Nothing below this sequence comes from it; it is not read before the merge is there. */
  readonly minSequence: number;
  next(): Promise<ScannedRecord | undefined>;
}

/**
 * Merges sources into one in rising order of the sequence; a record that two sources have (a volume and its compacted copy)
 * comes once. Sources are opened late and a heap holds one record of each that is open.
 */
export class SequenceMerge {
  readonly #waiting: RecordSource[];
  readonly #heap: { record: ScannedRecord; source: RecordSource }[] = [];
  readonly #onDuplicate: ((record: ScannedRecord) => void) | undefined;
  #lastSequence = 0;

  /** @param onDuplicate Told of each record that is left out because another source had it. */
  constructor(sources: readonly RecordSource[], onDuplicate?: (record: ScannedRecord) => void) {
    this.#onDuplicate = onDuplicate;
    this.#waiting = [...sources].sort((a, b) => b.minSequence - a.minSequence);
  }

  async next(): Promise<ScannedRecord | undefined> {
    for (;;) {
      await this.#openDue();
      const top = this.#heap[0];
      if (top === undefined) return undefined;
      const { record, source } = top;
      const following = await source.next();
      if (following === undefined) this.#removeTop();
      else {
        top.record = following;
        this.#siftDown(0);
      }
      if (record.head.sequence <= this.#lastSequence) {
        this.#onDuplicate?.(record);
        continue;
      }
      this.#lastSequence = record.head.sequence;
      return record;
    }
  }

  async #openDue(): Promise<void> {
    for (;;) {
      const source = this.#waiting.at(-1);
      const top = this.#heap[0];
      if (source === undefined || (top !== undefined && top.record.head.sequence < source.minSequence)) return;
      this.#waiting.pop();
      const record = await source.next();
      if (record === undefined) continue;
      this.#heap.push({ record, source });
      this.#siftUp(this.#heap.length - 1);
    }
  }

  #removeTop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#siftDown(0);
  }

  #siftUp(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#sequenceAt(parent) <= this.#sequenceAt(at)) return;
      this.#swap(parent, at);
      at = parent;
    }
  }

  #siftDown(from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      const smaller = this.#sequenceAt(left + 1) < this.#sequenceAt(left) ? left + 1 : left;
      if (this.#sequenceAt(smaller) >= this.#sequenceAt(at)) return;
      this.#swap(smaller, at);
      at = smaller;
    }
  }

  #sequenceAt(index: number): number {
    return this.#heap[index]?.record.head.sequence ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }
}
