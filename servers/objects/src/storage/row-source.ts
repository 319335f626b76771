import type { IndexReader, IndexRow } from "./index/index-engine.ts";

/** How rows of one range become items of a listing. */
export interface RowMapping<Item> {
  /** The first key of a name. */
  keyOf(name: Uint8Array): Uint8Array;
  /** Behind the last row that is wanted. */
  readonly end: Uint8Array;
  itemOf(row: IndexRow): Item;
}

const FIRST_ROWS = 32;

/**
 * Walks a range of the index with few trips: it reads some rows ahead, twice as many at each trip up to a page's, and a
 * jump within what it has read costs no trip.
 */
export class RowSource<Item> {
  readonly #reader: IndexReader;
  readonly #mapping: RowMapping<Item>;
  readonly #maxRows: number;
  #rows: readonly IndexRow[] = [];
  #at = 0;
  #tripRows: number;
  #isEnded = false;
  #current: Item | undefined;

  /** @param limit How many items the page may take. */
  constructor(reader: IndexReader, limit: number, mapping: RowMapping<Item>) {
    this.#reader = reader;
    this.#mapping = mapping;
    this.#maxRows = limit + 1;
    this.#tripRows = Math.min(FIRST_ROWS, this.#maxRows);
  }

  /** The row it stands on; undefined at the end. */
  get current(): Item | undefined {
    return this.#current;
  }

  async advance(): Promise<void> {
    this.#at++;
    const last = this.#rows.at(-1);
    if (this.#at >= this.#rows.length && !this.#isEnded && last !== undefined) {
      await this.#fetch(Buffer.concat([last.key, Uint8Array.of(0)]));
    }
    this.#settle();
  }

  /** Goes to the first row of that name or behind it. Never goes back. */
  async seek(name: Uint8Array): Promise<void> {
    const key = this.#mapping.keyOf(name);
    while (this.#at < this.#rows.length && Buffer.compare((this.#rows[this.#at] as IndexRow).key, key) < 0) this.#at++;
    if (this.#at >= this.#rows.length && !this.#isEnded) await this.#fetch(key);
    this.#settle();
  }

  async #fetch(from: Uint8Array): Promise<void> {
    this.#rows = await this.#reader.scan(from, this.#mapping.end, this.#tripRows);
    this.#at = 0;
    this.#isEnded = this.#rows.length < this.#tripRows;
    this.#tripRows = Math.min(2 * this.#tripRows, this.#maxRows);
  }

  #settle(): void {
    const row = this.#rows[this.#at];
    this.#current = row === undefined ? undefined : this.#mapping.itemOf(row);
  }
}
