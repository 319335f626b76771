import type { FieldExpiringContainer } from "./container.ts";
import { ExpiryIndex } from "./memory/expiry-index.ts";
import type { Heap } from "./memory/heap.ts";

/**
 * The hashes of a database with fields that expire, by the earliest of them.
 *
 * A hash may stand here with a time before its earliest: whoever finds it due notes it anew. Its slot lies in the hash
 * itself; after {@link clear} the slots are stale and are forgotten one by one.
 */
export class HashExpiries {
  readonly #index: ExpiryIndex;
  readonly #hashOf: (record: number) => FieldExpiringContainer;

  /** @param hashOf The hash that a key's record owns. */
  constructor(heap: Heap, hashOf: (record: number) => FieldExpiringContainer) {
    this.#hashOf = hashOf;
    this.#index = new ExpiryIndex(heap, (record, slot) => {
      hashOf(record).fieldExpirySlot = slot;
    });
  }

  /** The earliest time, in ms since 1970; infinite if there is none. */
  get nextMs(): number {
    return this.#index.nextMs;
  }

  /** The record of the hash that is due first; only if there is one. */
  get next(): number {
    return this.#index.next;
  }

  /** Puts the record's hash where its earliest field belongs, or out. */
  note(record: number): void {
    const hash = this.#hashOf(record);
    const timeMs = hash.nextFieldExpiryMs;
    if (timeMs === Number.POSITIVE_INFINITY) this.forget(hash);
    else if (hash.fieldExpirySlot === 0) this.#index.add(record, timeMs);
    else this.#index.set(hash.fieldExpirySlot, timeMs);
  }

  /** The hash leaves its key. */
  forget(hash: FieldExpiringContainer): void {
    if (hash.fieldExpirySlot !== 0 && this.#index.size > 0) this.#index.remove(hash.fieldExpirySlot);
    hash.fieldExpirySlot = 0;
  }

  clear(): void {
    this.#index.clear();
  }
}
