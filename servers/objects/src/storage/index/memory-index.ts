import type { IndexChange, IndexEngine, IndexReader, IndexRow, IndexSnapshot } from "./index-engine.ts";

/**
 * The index in a sorted array, for tests and simulations. {@link MemoryIndex.crash} forgets a part of what was not flushed,
 * newest first, as the engines on disk may after a loss of power. Insertion is linear in the number of keys.
 */
export class MemoryIndex implements IndexEngine {
  #rows: IndexRow[] = [];
  #flushed: IndexRow[] = [];
  #batches: (readonly IndexChange[])[] = [];

  async get(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return new Rows(this.#rows).get(keys);
  }

  async scan(from: Uint8Array, to: Uint8Array, limit: number): Promise<IndexRow[]> {
    return new Rows(this.#rows).scan(from, to, limit);
  }

  async write(changes: readonly IndexChange[]): Promise<void> {
    this.#batches.push(changes);
    for (const change of changes) apply(this.#rows, change);
  }

  snapshot(): IndexSnapshot {
    return new Rows(this.#rows.slice());
  }

  async flush(): Promise<void> {
    this.#flushed = this.#rows.slice();
    this.#batches = [];
  }

  async close(): Promise<void> {}

  /** Keeps the first `keptCount` of the batches that were not flushed. */
  crash(keptCount: number): void {
    this.#rows = this.#flushed.slice();
    const kept = this.#batches.slice(0, keptCount);
    for (const changes of kept) for (const change of changes) apply(this.#rows, change);
    // The engines on disk write what they recovered to tables when they are opened.
    this.#flushed = this.#rows.slice();
    this.#batches = [];
  }

  /** Batches that a crash may take. */
  get unflushedCount(): number {
    return this.#batches.length;
  }
}

class Rows implements IndexReader, IndexSnapshot {
  readonly #rows: readonly IndexRow[];

  constructor(rows: readonly IndexRow[]) {
    this.#rows = rows;
  }

  async get(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return keys.map((key) => {
      const row = this.#rows[lowerBound(this.#rows, key)];
      return row !== undefined && Buffer.compare(row.key, key) === 0 ? row.value : undefined;
    });
  }

  async scan(from: Uint8Array, to: Uint8Array, limit: number): Promise<IndexRow[]> {
    const start = lowerBound(this.#rows, from);
    return this.#rows.slice(start, Math.min(start + limit, Math.max(start, lowerBound(this.#rows, to))));
  }

  async close(): Promise<void> {}
}

function apply(rows: IndexRow[], change: IndexChange): void {
  if (change.kind === "deleteRange") {
    const start = lowerBound(rows, change.from);
    rows.splice(start, Math.max(0, lowerBound(rows, change.to) - start));
    return;
  }
  const at = lowerBound(rows, change.key);
  const found = rows[at];
  const count = found !== undefined && Buffer.compare(found.key, change.key) === 0 ? 1 : 0;
  // Copies, since callers reuse their buffers.
  if (change.kind === "put") rows.splice(at, count, { key: change.key.slice(), value: change.value.slice() });
  else rows.splice(at, count);
}

function lowerBound(rows: readonly IndexRow[], key: Uint8Array): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare((rows[middle] as IndexRow).key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
