import type { FoldingContainer } from "./container.ts";
import { isFoldingType, MAX_FOLDED_BYTES } from "./folded-values.ts";
import {
  KEY_HEAD_BYTES,
  KeyRecordFlag,
  KeyWord,
  OBJECT_BYTES,
  recordBytesOf,
  recordWord,
  setRecordWord,
  valueStart,
} from "./key-record.ts";
import { KeyRecords } from "./key-records.ts";
import { hashBytes } from "./memory/byte-hash.ts";
import { ByteTable } from "./memory/byte-table.ts";
import { ExpiryIndex } from "./memory/expiry-index.ts";
import { SEGMENT_SHIFT } from "./memory/heap.ts";
import type { Store } from "./store.ts";

/**
 * Where the records of a database are known: the table by name and the index by expiry; and the folding of small values,
 * for which a record moves.
 *
 * A value folds into its record when 2,048 others were made or unfolded since: JavaScript's object of a hash of five fields
 * takes as much as the fields. It unfolds, and the record stays where it is, when somebody asks for the container.
 * Nothing that a client or another copy of the store can see depends on it, but figures of memory.
 */
export class KeyPlaces extends KeyRecords {
  /** Others only look ahead in it. */
  readonly table: ByteTable;
  protected readonly expiries: ExpiryIndex;

  constructor(store: Store) {
    super(store);
    this.table = new ByteTable(store.heap, KEY_HEAD_BYTES);
    this.expiries = new ExpiryIndex(store.heap, (record, slot) => {
      setRecordWord(store.heap, record, KeyWord.expiry, slot);
    });
  }

  get expiringCount(): number {
    return this.expiries.size;
  }

  /** The record that expires first. There must be one. */
  get nextExpiring(): number {
    return this.expiries.next;
  }

  /** When the record expires, in ms since 1970, or -1. */
  expiryOf(record: number): number {
    const slot = recordWord(this.store.heap, record, KeyWord.expiry);
    return slot === 0 ? -1 : this.expiries.timeOf(slot);
  }

  setExpiry(record: number, timeMs: number): void {
    const slot = recordWord(this.store.heap, record, KeyWord.expiry);
    if (slot === 0) this.expiries.add(record, timeMs);
    else this.expiries.set(slot, timeMs);
  }

  /** The key stays for ever. Returns whether it did not. */
  clearExpiry(record: number): boolean {
    const slot = recordWord(this.store.heap, record, KeyWord.expiry);
    if (slot === 0) return false;
    this.expiries.remove(slot);
    setRecordWord(this.store.heap, record, KeyWord.expiry, 0);
    return true;
  }

  /** Folds small values that were not used lately. Call it between turns: records move. */
  fold(): void {
    for (let left = this.foldQueue.dueCount(this.store.keptUnfolded); left > 0; left--)
      this.#fold(this.foldQueue.take());
  }

  /** Puts the value of an object into its key's record, if it is still one of here and small enough. */
  #fold(id: number): void {
    const { heap, objects } = this.store;
    const record = objects.ownerOf(id);
    if (record === 0 || !isFoldingType(this.typeOf(record))) return;
    const container = objects.get(id) as FoldingContainer;
    const size = container.foldedBytes;
    if (size < 0 || size > MAX_FOLDED_BYTES) return;
    const key = this.keyOf(record);
    const hash = hashBytes(key, 0, key.length, this.store.hashSeed);
    // The number may have become that of another database's object.
    if (this.table.find(key, 0, key.length, hash) !== record) return;
    const oldBytes = recordBytesOf(heap, record);
    const bytes = KEY_HEAD_BYTES + key.length + size;
    const next = heap.isSameBlock(oldBytes, bytes) ? record : heap.allocate(bytes);
    const head = recordWord(heap, record, 0) & ~(KeyRecordFlag.object | KeyRecordFlag.unfolded);
    if (next !== record) {
      this.putBytes(next, KEY_HEAD_BYTES, key, 0, key.length);
      setRecordWord(heap, next, KeyWord.access, recordWord(heap, record, KeyWord.access));
      const slot = recordWord(heap, record, KeyWord.expiry);
      setRecordWord(heap, next, KeyWord.expiry, slot);
      if (slot !== 0) this.expiries.moved(slot, next);
      this.table.replace(hash, record, next);
      heap.free(record, oldBytes);
    }
    setRecordWord(heap, next, 0, head);
    setRecordWord(heap, next, KeyWord.length, size);
    container.fold(heap.bytes[next >>> SEGMENT_SHIFT]!, valueStart(heap, next));
    objects.remove(id);
    heap.outsideBytes -= OBJECT_BYTES;
  }
}
