import { MAX_INLINE_BYTES, OBJECT_BYTES, recordWord, setRecordWord } from "../key-record.ts";
import { hashBytes } from "../memory/byte-hash.ts";
import { ByteTable } from "../memory/byte-table.ts";
import { ExpiryIndex } from "../memory/expiry-index.ts";
import { MAX_BLOCK_BYTES } from "../memory/heap.ts";
import { pickRecord } from "../memory/table-pick.ts";
import type { Store } from "../store.ts";
import { blockBytes, blockStart, copyBlock, ownBytes, putBytes } from "./blocks.ts";
import type { ByteView } from "./byte-view.ts";

const HEAD_BYTES = 12;
/** Longest name of a field. */
export const MAX_FIELD_BYTES = MAX_BLOCK_BYTES - HEAD_BYTES;
const VALUE_WORD = 1;
const EXPIRY_WORD = 2;
/** In word 0: the value is an object. */
const IS_OBJECT = 1 << 16;

/**
 * The fields of a big hash, each in a record that a `ByteTable` finds:
 *
 *     word 0   length of the field (16 bit) . flags
 *     word 1   length of the value, or number of the object that holds it
 *     word 2   slot in the index of the fields that expire, or 0
 *     bytes    field, then the value if it fits in
 *
 * The index of times is made when the first field is given one. A pointer to a record is good until its field changes.
 */
export class FieldTable {
  readonly #store: Store;
  readonly #table: ByteTable;
  #expiries: ExpiryIndex | undefined;
  /** Hash of the field that was looked up last. */
  #hash = 0;
  /** Where {@link release} goes on. */
  #released = 0;

  constructor(store: Store) {
    this.#store = store;
    this.#table = new ByteTable(store.heap, HEAD_BYTES);
  }

  get size(): number {
    return this.#table.size;
  }

  /** Bytes of the records and about those of the table; a walk through all. */
  get usedBytes(): number {
    let bytes = 12 * (this.#table.size + (this.#expiries?.size ?? 0));
    this.#table.forEachRecord((pointer) => {
      bytes += this.#recordBytes(pointer);
      const head = recordWord(this.#store.heap, pointer, 0);
      if ((head & IS_OBJECT) !== 0) bytes += this.#objectOf(pointer).length + OBJECT_BYTES;
    });
    return bytes;
  }

  /** The field's record, or 0. */
  find(name: Uint8Array, start: number, end: number): number {
    if (end - start > MAX_FIELD_BYTES) return 0;
    this.#hash = hashBytes(name, start, end, this.#store.hashSeed);
    return this.#table.find(name, start, end, this.#hash);
  }

  /** Sets a field and returns its record. Its name is short enough; a field that was there keeps its expiry or not. */
  set(
    name: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    keepsExpiry: boolean,
  ): number {
    const old = this.find(name, start, end);
    if (old !== 0 && !keepsExpiry) this.clearExpiry(old);
    const { heap } = this.#store;
    const valueSize = valueEnd - valueStart;
    const bytes = HEAD_BYTES + (end - start) + valueSize;
    const isInline = valueSize <= MAX_INLINE_BYTES && bytes <= MAX_BLOCK_BYTES;
    if (old !== 0 && isInline && (recordWord(heap, old, 0) & IS_OBJECT) === 0) {
      if (heap.isSameBlock(this.#recordBytes(old), bytes)) {
        setRecordWord(heap, old, VALUE_WORD, valueSize);
        putBytes(blockBytes(heap, old), blockStart(old) + bytes - valueSize, value, valueStart, valueEnd);
        return old;
      }
    }
    const next = heap.allocate(isInline ? bytes : bytes - valueSize);
    const target = blockBytes(heap, next);
    const at = blockStart(next) + HEAD_BYTES;
    setRecordWord(heap, next, 0, (end - start) | (isInline ? 0 : IS_OBJECT));
    setRecordWord(heap, next, EXPIRY_WORD, 0);
    putBytes(target, at, name, start, end);
    if (isInline) {
      setRecordWord(heap, next, VALUE_WORD, valueSize);
      putBytes(target, at + end - start, value, valueStart, valueEnd);
    } else setRecordWord(heap, next, VALUE_WORD, this.#addObject(ownBytes(value, valueStart, valueEnd)));
    this.#place(old, next);
    return next;
  }

  #place(old: number, next: number): void {
    if (old === 0) {
      this.#table.insert(this.#hash, next);
      return;
    }
    this.#table.replace(this.#hash, old, next);
    const slot = recordWord(this.#store.heap, old, EXPIRY_WORD);
    setRecordWord(this.#store.heap, next, EXPIRY_WORD, slot);
    if (slot !== 0) this.#expiries!.moved(slot, next);
    this.#freeRecord(old);
  }

  remove(pointer: number): void {
    const name = this.#table.nameOf(pointer);
    this.clearExpiry(pointer);
    this.#table.remove(hashBytes(name, 0, name.length, this.#store.hashSeed), pointer);
    this.#freeRecord(pointer);
  }

  readField(pointer: number, into: ByteView): void {
    const at = blockStart(pointer) + HEAD_BYTES;
    into.set(blockBytes(this.#store.heap, pointer), at, at + (recordWord(this.#store.heap, pointer, 0) & 0xffff));
  }

  readValue(pointer: number, into: ByteView): void {
    const { heap } = this.#store;
    const head = recordWord(heap, pointer, 0);
    if ((head & IS_OBJECT) !== 0) {
      const value = this.#objectOf(pointer);
      into.set(value, 0, value.length);
      return;
    }
    const at = blockStart(pointer) + HEAD_BYTES + (head & 0xffff);
    into.set(blockBytes(heap, pointer), at, at + recordWord(heap, pointer, VALUE_WORD));
  }

  forEachRecord(visit: (pointer: number) => void): void {
    this.#table.forEachRecord(visit);
  }

  /** As `ByteTable.scan`. */
  scan(from: number, count: number, visit: (pointer: number) => void): number {
    return this.#table.scan(from, count, visit);
  }

  /** A record at random, the same on every copy. */
  pick(random: SeededNumbers): number {
    return pickRecord(this.#table, () => random.next());
  }

  // Expiry

  /** The earliest time when a field expires, in ms since 1970, or infinite. */
  get nextExpiryMs(): number {
    return this.#expiries?.nextMs ?? Number.POSITIVE_INFINITY;
  }

  /** The field that expires first, if one does. */
  get nextToExpire(): number {
    return this.#expiries!.next;
  }

  /** When the record's field expires, in ms since 1970, or -1. */
  expiryOf(pointer: number): number {
    const slot = recordWord(this.#store.heap, pointer, EXPIRY_WORD);
    return slot === 0 ? -1 : this.#expiries!.timeOf(slot);
  }

  setExpiry(pointer: number, timeMs: number): void {
    const { heap } = this.#store;
    this.#expiries ??= new ExpiryIndex(heap, (record, slot) => setRecordWord(heap, record, EXPIRY_WORD, slot));
    const slot = recordWord(heap, pointer, EXPIRY_WORD);
    if (slot === 0) this.#expiries.add(pointer, timeMs);
    else this.#expiries.set(slot, timeMs);
  }

  clearExpiry(pointer: number): void {
    const slot = recordWord(this.#store.heap, pointer, EXPIRY_WORD);
    if (slot === 0) return;
    this.#expiries!.remove(slot);
    setRecordWord(this.#store.heap, pointer, EXPIRY_WORD, 0);
  }

  // Memory

  copy(): FieldTable {
    const { heap } = this.#store;
    const copy = new FieldTable(this.#store);
    this.#table.forEachRecord((pointer, hash) => {
      const next = copyBlock(heap, pointer, this.#recordBytes(pointer));
      setRecordWord(heap, next, EXPIRY_WORD, 0);
      if ((recordWord(heap, next, 0) & IS_OBJECT) !== 0) {
        setRecordWord(heap, next, VALUE_WORD, this.#addObject(this.#objectOf(pointer).slice()));
      }
      copy.#table.insert(hash, next);
      const timeMs = this.expiryOf(pointer);
      if (timeMs >= 0) copy.setExpiry(next, timeMs);
    });
    return copy;
  }

  /** As `Container.release`. */
  release(limit: number): boolean {
    this.#expiries?.release();
    this.#expiries = undefined;
    this.#released = this.#table.scan(this.#released, Math.max(16, limit), (pointer) => this.#freeRecord(pointer));
    if (this.#released !== 0) return false;
    this.#table.clear();
    return true;
  }

  #recordBytes(pointer: number): number {
    const head = recordWord(this.#store.heap, pointer, 0);
    const inline = (head & IS_OBJECT) === 0 ? recordWord(this.#store.heap, pointer, VALUE_WORD) : 0;
    return HEAD_BYTES + (head & 0xffff) + inline;
  }

  #freeRecord(pointer: number): void {
    const { heap, objects } = this.#store;
    const bytes = this.#recordBytes(pointer);
    if ((recordWord(heap, pointer, 0) & IS_OBJECT) !== 0) {
      heap.outsideBytes -= this.#objectOf(pointer).length + OBJECT_BYTES;
      objects.remove(recordWord(heap, pointer, VALUE_WORD));
    }
    heap.free(pointer, bytes);
  }

  #objectOf(pointer: number): Uint8Array {
    return this.#store.objects.get(recordWord(this.#store.heap, pointer, VALUE_WORD)) as Uint8Array;
  }

  #addObject(value: Uint8Array): number {
    this.#store.heap.outsideBytes += value.length + OBJECT_BYTES;
    return this.#store.objects.add(value);
  }
}

/** Where random numbers of 32 bits come from. */
export interface SeededNumbers {
  next(): number;
}
