import { type Container, type FieldExpiringContainer, ValueType } from "./container.ts";
import { HashExpiries } from "./hash-expiries.ts";
import { KEY_HEAD_BYTES, KeyWord, OBJECT_BYTES, recordBytes, recordWord, setRecordWord } from "./key-record.ts";
import { KeyRecords } from "./key-records.ts";
import { hashBytes } from "./memory/byte-hash.ts";
import { ByteTable } from "./memory/byte-table.ts";
import { ExpiryIndex } from "./memory/expiry-index.ts";
import type { Store } from "./store.ts";

/**
 * The keys of a database by name and by the time when they go: finding, placing and removing records, expiry, walking.
 * What a key is set to is the business of `Keyspace`.
 *
 * A key whose time has come is not there for any look-up, whether {@link expire} has removed it yet or not.
 */
export class ExpiringKeys extends KeyRecords {
  /** The number that SELECT knows it by; SWAPDB changes it. */
  index: number;
  /** Others only look ahead in it. */
  readonly table: ByteTable;
  readonly #expiries: ExpiryIndex;
  readonly #hashExpiries: HashExpiries;
  /** Hash of the key that was looked up last. */
  #hash = 0;

  constructor(store: Store, index: number) {
    super(store);
    this.index = index;
    this.table = new ByteTable(store.heap, KEY_HEAD_BYTES);
    this.#expiries = new ExpiryIndex(store.heap, (record, slot) => {
      setRecordWord(store.heap, record, KeyWord.expiry, slot);
    });
    this.#hashExpiries = new HashExpiries(store.heap, (record) => this.#hashAt(record));
  }

  /** Keys, with those whose time has come but that were not removed yet. */
  get size(): number {
    return this.table.size;
  }

  get expiringCount(): number {
    return this.#expiries.size;
  }

  get nextExpiryMs(): number {
    return Math.min(this.#expiries.nextMs, this.#hashExpiries.nextMs);
  }

  /** The record that expires first. There must be one. */
  get nextExpiring(): number {
    return this.#expiries.next;
  }

  /** The key's record, or 0, without counting as a use. */
  peek(key: Uint8Array, start: number, end: number): number {
    const record = this.lookup(key, start, end);
    return record !== 0 && this.isDue(record) ? 0 : record;
  }

  /** Removes the key if its time has come. Does not count as a use. */
  removeIfDue(key: Uint8Array, start: number, end: number): void {
    const record = this.lookup(key, start, end);
    if (record !== 0 && this.isDue(record)) this.removeExpired(record);
  }

  /** The key's record, due or not, or 0. What is placed next is this key's. */
  protected lookup(key: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(key, start, end, this.store.hashSeed);
    this.#hash = hash;
    return this.table.find(key, start, end, hash);
  }

  /** Puts a new record where the old one of the same key was, if there was one, which is freed. */
  protected place(old: number, next: number): void {
    const hash = this.#hash;
    if (old === 0) {
      this.table.insert(hash, next);
      if (this.store.tellsNewKeys) this.store.listener?.onAdded(this.index, this.keyOf(next));
      return;
    }
    this.table.replace(hash, old, next);
    if (this.store.access.isLfu) this.setAccess(next, this.accessOf(old));
    this.#freeRecord(old);
  }

  // Removing

  /** Removes a key that was just found. */
  delete(record: number): void {
    this.table.remove(this.#hashOf(record), record);
    this.#freeRecord(record);
  }

  /** Removes a key and hands its container to the caller. */
  take(record: number): Container {
    const { heap, objects } = this.store;
    const container = this.containerOf(record);
    const id = recordWord(heap, record, KeyWord.length);
    this.table.remove(this.#hashOf(record), record);
    if (container.type === ValueType.hash) this.#hashExpiries.forget(container as FieldExpiringContainer);
    objects.remove(id);
    heap.outsideBytes -= OBJECT_BYTES;
    this.clearExpiry(record);
    heap.free(record, recordBytes(recordWord(heap, record, 0), 0));
    return container;
  }

  #hashOf(record: number): number {
    const key = this.keyOf(record);
    return hashBytes(key, 0, key.length, this.store.hashSeed);
  }

  #freeRecord(record: number): void {
    this.clearExpiry(record);
    if (this.typeOf(record) === ValueType.hash) this.#hashExpiries.forget(this.#hashAt(record));
    this.freeRecord(record);
  }

  /** Removes all keys. */
  clear(): void {
    const records: number[] = [];
    this.#expiries.clear();
    this.#hashExpiries.clear();
    this.table.forEachRecord((record) => records.push(record));
    this.table.clear();
    for (const record of records) {
      setRecordWord(this.store.heap, record, KeyWord.expiry, 0);
      this.#freeRecord(record);
    }
    this.store.heap.trim();
  }

  // Expiry

  /** When the record expires, in ms since 1970, or -1. */
  expiryOf(record: number): number {
    const slot = recordWord(this.store.heap, record, KeyWord.expiry);
    return slot === 0 ? -1 : this.#expiries.timeOf(slot);
  }

  setExpiry(record: number, timeMs: number): void {
    const slot = recordWord(this.store.heap, record, KeyWord.expiry);
    if (slot === 0) this.#expiries.add(record, timeMs);
    else this.#expiries.set(slot, timeMs);
  }

  /** The key stays for ever. Returns whether it did not. */
  clearExpiry(record: number): boolean {
    const slot = recordWord(this.store.heap, record, KeyWord.expiry);
    if (slot === 0) return false;
    this.#expiries.remove(slot);
    setRecordWord(this.store.heap, record, KeyWord.expiry, 0);
    return true;
  }

  /** Removes at most `limit` keys whose time has come. Returns how many. */
  expire(limit: number): number {
    let count = 0;
    while (count < limit && this.#expiries.nextMs <= this.store.nowMs) {
      this.removeExpired(this.#expiries.next);
      count++;
    }
    while (count < limit && this.#hashExpiries.nextMs <= this.store.nowMs) {
      count += this.expireFields(this.#hashExpiries.next, limit - count);
    }
    return count;
  }

  /** Whether the record's time has come: it is not there for anybody. */
  protected isDue(record: number): boolean {
    const slot = recordWord(this.store.heap, record, KeyWord.expiry);
    if (slot !== 0 && this.#expiries.timeOf(slot) <= this.store.nowMs) return true;
    if (this.#hashExpiries.nextMs > this.store.nowMs || this.typeOf(record) !== ValueType.hash) return false;
    return this.#hashAt(record).isAllDue;
  }

  /** Removes a record that is due. The key that was looked up last stays it. */
  protected removeExpired(record: number): void {
    const hash = this.#hash;
    const key = this.keyOf(record).slice();
    this.delete(record);
    this.store.expiredCount++;
    this.store.listener?.onExpired(this.index, key);
    // Whoever looked up a key that had expired goes on to add it.
    this.#hash = hash;
  }

  #hashAt(record: number): FieldExpiringContainer {
    return this.containerOf(record) as FieldExpiringContainer;
  }

  /** To be called when a field of the record's hash was given a time to expire. */
  noteFieldExpiry(record: number): void {
    this.#hashExpiries.note(record);
  }

  /**
   * Removes at most `limit` fields of the record's hash whose time has come, and the key if none is left.
   *
   * @returns How many, 1 at least: the hash may have been looked at for nothing.
   */
  expireFields(record: number, limit = Number.POSITIVE_INFINITY): number {
    const hash = this.#hashAt(record);
    const count = hash.removeDueFields(limit);
    const isEmpty = hash.size === 0;
    const key = this.keyOf(record).slice();
    if (isEmpty) this.delete(record);
    else this.noteFieldExpiry(record);
    if (count > 0) this.store.listener?.onFieldsExpired(this.index, key, isEmpty);
    return Math.max(1, count);
  }

  // Walking

  /** As {@link ByteTable.scan}; keys whose time has come are left out. `visit` must change nothing. */
  scan(from: number, count: number, visit: (record: number) => void): number {
    return this.table.scan(from, count, (record) => {
      if (!this.isDue(record)) visit(record);
    });
  }

  /** Every key that is there, in no promised order. `visit` must change nothing. */
  forEachRecord(visit: (record: number) => void): void {
    this.table.forEachRecord((record) => {
      if (!this.isDue(record)) visit(record);
    });
  }

  /**
   * About `count` keys by chance, neighbours in the table or, if `isVolatile`, any that expire. Keys whose time has come
   * are among them. For statistics and eviction only: which ones depends on where they lie. `visit` must change nothing.
   */
  sample(count: number, isVolatile: boolean, chance: { nextRandom(): number }, visit: (record: number) => void): void {
    if (isVolatile) {
      const { size } = this.#expiries;
      for (let i = 0; i < count && size > 0; i++) visit(this.#expiries.pointerAt(1 + (chance.nextRandom() % size)));
      return;
    }
    let left = Math.min(count, this.size);
    let threshold = chance.nextRandom();
    while (left > 0) {
      threshold = this.table.scan(threshold, 4, (record) => {
        if (left-- > 0) visit(record);
      });
    }
  }

  /** A key at random, or 0. The same for the same keys and random numbers. */
  pick(random: () => number): number {
    this.expire(Number.POSITIVE_INFINITY);
    return this.table.pick(random);
  }
}
