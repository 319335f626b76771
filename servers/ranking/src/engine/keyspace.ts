import type { Args } from "../protocol/args.ts";
import { type Container, type FieldExpiringContainer, ValueType } from "./container.ts";
import { HashExpiries } from "./hash-expiries.ts";
import { KeyPlaces } from "./key-places.ts";
import {
  KEY_HEAD_BYTES,
  KeyRecordFlag,
  KeyWord,
  MAX_INLINE_BYTES,
  MAX_KEY_BYTES,
  OBJECT_BYTES,
  recordBytesOf,
  recordWord,
  setRecordWord,
  typeOfHead,
} from "./key-record.ts";
import { hashBytes } from "./memory/byte-hash.ts";
import { SEGMENT_SHIFT } from "./memory/heap.ts";
import { pickRecord } from "./memory/table-pick.ts";
import type { Store } from "./store.ts";

/**
 * One database: keys to values, and when they expire.
 *
 * A key is found as a *record*, a pointer that is good until the next change of that key. Nothing here is allocated for
 * a look-up: what was found lies in fields ({@link valueBytes} and its neighbours) until the next call.
 *
 * A key whose time has come is not there for any look-up, whether {@link expire} has removed it yet or not.
 */
export class Keyspace extends KeyPlaces {
  /** The number that SELECT knows it by; SWAPDB changes it. */
  index: number;
  readonly #hashExpiries: HashExpiries;
  /** Hash of the key that was looked up last. */
  #hash = 0;

  constructor(store: Store, index: number) {
    super(store);
    this.index = index;
    this.#hashExpiries = new HashExpiries(store.heap, (record) => this.#hashAt(record));
  }

  /** Keys, with those whose time has come but that were not removed yet. */
  get size(): number {
    return this.table.size;
  }

  get nextExpiryMs(): number {
    return Math.min(this.expiries.nextMs, this.#hashExpiries.nextMs);
  }

  /** The key's record for reading, or 0. Counts as a use and as a hit or miss. */
  find(args: Args, index: number): number {
    const record = this.findUnused(args, index);
    if (record !== 0) this.#use(record);
    return record;
  }

  /** As {@link find}, but counts as no use: for who asks about the key and not for its value. */
  findUnused(args: Args, index: number): number {
    const record = this.peek(args.bytes, args.starts[index]!, args.ends[index]!);
    if (record !== 0) this.store.hits++;
    else this.store.missed(this.index, args, index);
    return record;
  }

  /** The key's record for a write, or 0; one whose time has come is removed first. */
  findForWrite(args: Args, index: number): number {
    return this.findBytesForWrite(args.bytes, args.starts[index]!, args.ends[index]!);
  }

  findBytesForWrite(key: Uint8Array, start: number, end: number): number {
    const record = this.#lookup(key, start, end);
    if (record === 0) return 0;
    if (this.#isDue(record)) {
      this.#expire(record);
      return 0;
    }
    this.#use(record);
    return record;
  }

  /** The key's record, or 0, without counting as a use. */
  peek(key: Uint8Array, start: number, end: number): number {
    const record = this.#lookup(key, start, end);
    return record !== 0 && this.#isDue(record) ? 0 : record;
  }

  /** Removes the key if its time has come. Does not count as a use. */
  removeIfDue(key: Uint8Array, start: number, end: number): void {
    const record = this.#lookup(key, start, end);
    if (record !== 0 && this.#isDue(record)) this.#expire(record);
  }

  #lookup(key: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(key, start, end, this.store.hashSeed);
    this.#hash = hash;
    return this.table.find(key, start, end, hash);
  }

  #use(record: number): void {
    const { heap, access } = this.store;
    const word = access.isLfu ? access.counted(recordWord(heap, record, KeyWord.access)) : access.clock;
    setRecordWord(heap, record, KeyWord.access, word);
  }

  // Strings

  /**
   * Sets a key to the string `value[start, end)`, whatever it was.
   *
   * @param record What {@link findForWrite} just found for this key: nothing else was called since.
   * @param keepsExpiry Whether the key expires when it did; otherwise never.
   * @param isRaw Whether OBJECT ENCODING shall say `raw`.
   */
  setString(
    args: Args,
    index: number,
    record: number,
    value: Uint8Array,
    start: number,
    end: number,
    keepsExpiry = false,
    isRaw = false,
  ): number {
    const { bytes, starts, ends } = args;
    return this.setStringAt(bytes, starts[index]!, ends[index]!, record, value, start, end, keepsExpiry, isRaw);
  }

  /** As {@link setString}, of a key that is no argument. */
  setStringAt(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    record: number,
    value: Uint8Array,
    start: number,
    end: number,
    keepsExpiry = false,
    isRaw = false,
  ): number {
    const { heap } = this.store;
    const size = end - start;
    const rawFlag = isRaw ? KeyRecordFlag.raw : 0;
    if (record !== 0 && size <= MAX_INLINE_BYTES) {
      const head = recordWord(heap, record, 0);
      const oldBytes = recordBytesOf(heap, record);
      const isInline = (head & KeyRecordFlag.object) === 0 && typeOfHead(head) === ValueType.string;
      // The value may be a part of the old one, as with SETRANGE: the same block means that it is not.
      if (
        isInline &&
        value !== heap.bytes[record >>> SEGMENT_SHIFT] &&
        heap.isSameBlock(oldBytes, KEY_HEAD_BYTES + (head & 0xffff) + size)
      ) {
        if (!keepsExpiry) this.clearExpiry(record);
        setRecordWord(heap, record, 0, (head & ~(KeyRecordFlag.raw | KeyRecordFlag.text)) | rawFlag);
        setRecordWord(heap, record, KeyWord.length, size);
        this.putBytes(record, KEY_HEAD_BYTES + (head & 0xffff), value, start, end);
        return record;
      }
    }
    if (size > MAX_INLINE_BYTES) {
      // No `slice`: that of Node's buffers copies nothing.
      const owned = new Uint8Array(size);
      owned.set(value.subarray(start, end));
      return this.setBytesAt(key, keyStart, keyEnd, record, owned, keepsExpiry, isRaw);
    }
    const expiryMs = record !== 0 && keepsExpiry ? this.expiryOf(record) : -1;
    // The old value may be where the new one comes from, so it goes last.
    const next = this.newRecord(key, keyStart, keyEnd, ValueType.string, size);
    setRecordWord(heap, next, 0, recordWord(heap, next, 0) | rawFlag);
    this.putBytes(next, KEY_HEAD_BYTES + (keyEnd - keyStart), value, start, end);
    this.#place(record, next);
    if (expiryMs >= 0) this.expiries.add(next, expiryMs);
    return next;
  }

  /**
   * As {@link setStringAt}, of a long string, which is taken over and not copied. What its buffer has beyond it is room
   * to grow.
   *
   * @param value More than {@link MAX_INLINE_BYTES}.
   */
  setBytesAt(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    record: number,
    value: Uint8Array,
    keepsExpiry = false,
    isRaw = false,
  ): number {
    const expiryMs = record !== 0 && keepsExpiry ? this.expiryOf(record) : -1;
    const next = this.newRecord(key, keyStart, keyEnd, ValueType.string, 0);
    this.holdObject(next, value, isRaw ? KeyRecordFlag.raw : 0);
    this.#place(record, next);
    if (expiryMs >= 0) this.expiries.add(next, expiryMs);
    return next;
  }

  /** Puts a new record where the old one of the same key was, if there was one, which is freed. */
  #place(old: number, next: number): void {
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

  // Containers

  /**
   * Sets a key to a container, whatever it was. Takes the container over.
   *
   * @param record What {@link findForWrite} just found for this key.
   */
  setContainer(args: Args, index: number, record: number, container: Container, keepsExpiry = false): number {
    return this.setContainerAt(args.bytes, args.starts[index]!, args.ends[index]!, record, container, keepsExpiry);
  }

  setContainerAt(
    key: Uint8Array,
    start: number,
    end: number,
    record: number,
    container: Container,
    keepsExpiry = false,
  ): number {
    if (end - start > MAX_KEY_BYTES) this.store.bury(container);
    const expiryMs = record !== 0 && keepsExpiry ? this.expiryOf(record) : -1;
    const next = this.newRecord(key, start, end, container.type, 0);
    this.holdObject(next, container, 0);
    this.#place(record, next);
    if (expiryMs >= 0) this.expiries.add(next, expiryMs);
    if (container.type === ValueType.hash) this.noteFieldExpiry(next);
    return next;
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
    const size = recordBytesOf(heap, record);
    this.table.remove(this.#hashOf(record), record);
    if (container.type === ValueType.hash) this.#hashExpiries.forget(container as FieldExpiringContainer);
    objects.remove(id);
    heap.outsideBytes -= OBJECT_BYTES;
    this.clearExpiry(record);
    heap.free(record, size);
    return container;
  }

  #hashOf(record: number): number {
    const key = this.keyOf(record);
    return hashBytes(key, 0, key.length, this.store.hashSeed);
  }

  #freeRecord(record: number): void {
    this.clearExpiry(record);
    if (this.typeOf(record) === ValueType.hash && !this.isFolded(record))
      this.#hashExpiries.forget(this.#hashAt(record));
    this.freeRecord(record);
  }

  /** Removes all keys. */
  clear(): void {
    const records: number[] = [];
    this.expiries.clear();
    this.#hashExpiries.clear();
    this.foldQueue.clear();
    this.table.forEachRecord((record) => records.push(record));
    this.table.clear();
    for (const record of records) {
      setRecordWord(this.store.heap, record, KeyWord.expiry, 0);
      this.#freeRecord(record);
    }
    this.store.heap.trim();
  }

  // Expiry

  /** Removes at most `limit` keys whose time has come. Returns how many. */
  expire(limit: number): number {
    let count = 0;
    while (count < limit && this.expiries.nextMs <= this.store.nowMs) {
      this.#expire(this.expiries.next);
      count++;
    }
    while (count < limit && this.#hashExpiries.nextMs <= this.store.nowMs) {
      count += this.expireFields(this.#hashExpiries.next, limit - count);
    }
    return count;
  }

  #isDue(record: number): boolean {
    const slot = recordWord(this.store.heap, record, KeyWord.expiry);
    if (slot !== 0 && this.expiries.timeOf(slot) <= this.store.nowMs) return true;
    if (this.#hashExpiries.nextMs > this.store.nowMs || this.typeOf(record) !== ValueType.hash) return false;
    if (this.isFolded(record)) return false;
    return this.#hashAt(record).isAllDue;
  }

  #expire(record: number): void {
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
      if (!this.#isDue(record)) visit(record);
    });
  }

  /** Every key that is there, in no promised order. `visit` must change nothing. */
  forEachRecord(visit: (record: number) => void): void {
    this.table.forEachRecord((record) => {
      if (!this.#isDue(record)) visit(record);
    });
  }

  /**
   * About `count` keys by chance, neighbours in the table or, if `isVolatile`, any that expire. Keys whose time has come
   * are among them. For statistics and eviction only: which ones depends on where they lie. `visit` must change nothing.
   */
  sample(count: number, isVolatile: boolean, chance: { nextRandom(): number }, visit: (record: number) => void): void {
    if (isVolatile) {
      const { size } = this.expiries;
      for (let i = 0; i < count && size > 0; i++) visit(this.expiries.pointerAt(1 + (chance.nextRandom() % size)));
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
    return pickRecord(this.table, random);
  }
}
