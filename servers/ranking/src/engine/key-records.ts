import type { Container, FoldingContainer, ValueTypeCode } from "./container.ts";
import { FoldQueue, isFoldingType, unfoldValue } from "./folded-values.ts";
import {
  checkKeyBytes,
  KEY_HEAD_BYTES,
  KeyRecordFlag,
  KeyWord,
  OBJECT_BYTES,
  recordBytesOf,
  recordName,
  recordWord,
  setFoldedRoom,
  setRecordWord,
  typeOfHead,
  valueStart,
} from "./key-record.ts";
import { OFFSET_MASK, SEGMENT_SHIFT } from "./memory/heap.ts";
import type { Store } from "./store.ts";

/**
 * The records of keys, as `key-record.ts` describes them: making and reading them. A record is a pointer that is good until
 * the next change of its key.
 */
export class KeyRecords {
  protected readonly store: Store;
  protected readonly foldQueue = new FoldQueue();
  /** The string that {@link readString} found. */
  valueBytes: Uint8Array = new Uint8Array(0);
  valueStart = 0;
  valueEnd = 0;

  constructor(store: Store) {
    this.store = store;
  }

  /** The LRU clock or LFU counter of the record. */
  accessOf(record: number): number {
    return recordWord(this.store.heap, record, KeyWord.access) & 0xff_ffff;
  }

  setAccess(record: number, access: number): void {
    setRecordWord(this.store.heap, record, KeyWord.access, access & 0xff_ffff);
  }

  typeOf(record: number): ValueTypeCode {
    return typeOfHead(recordWord(this.store.heap, record, 0)) as ValueTypeCode;
  }

  /** The record's key: a view of the heap, good until the next change. */
  keyOf(record: number): Uint8Array {
    return recordName(this.store.heap, record);
  }

  /** Whether the value of a record that is no string is in the record. */
  protected isFolded(record: number): boolean {
    return (recordWord(this.store.heap, record, 0) & KeyRecordFlag.object) === 0;
  }

  /** The container of a record that is no string. */
  containerOf(record: number): Container {
    const { heap, objects } = this.store;
    if (this.isFolded(record)) return this.#unfold(record);
    return objects.get(recordWord(heap, record, KeyWord.length)) as Container;
  }

  /** Shows the container of a record that is no string to who only looks at it; a folded one stays so. */
  showContainer(record: number, look: (container: Container) => void): void {
    if (!this.isFolded(record)) {
      look(this.containerOf(record));
      return;
    }
    const container = this.#copyOfFolded(record);
    look(container);
    container.release(Number.POSITIVE_INFINITY);
  }

  /** Makes an object of a value that lies in the record. The record stays where it is. */
  #unfold(record: number): Container {
    const { heap } = this.store;
    const container = this.#copyOfFolded(record);
    setFoldedRoom(heap, record, recordWord(heap, record, KeyWord.length));
    this.holdObject(record, container, KeyRecordFlag.unfolded);
    return container;
  }

  #copyOfFolded(record: number): FoldingContainer {
    const { heap } = this.store;
    const start = valueStart(heap, record);
    const end = start + recordWord(heap, record, KeyWord.length);
    return unfoldValue(this.store, this.typeOf(record), heap.bytes[record >>> SEGMENT_SHIFT]!, start, end);
  }

  /** Puts the record's string into `valueBytes[valueStart, valueEnd)`, good until the next change. */
  readString(record: number): void {
    const { heap, objects } = this.store;
    const segment = record >>> SEGMENT_SHIFT;
    const unit = record & OFFSET_MASK;
    const words = heap.words[segment]!;
    const head = words[unit << 1]!;
    const length = words[(unit << 1) + KeyWord.length]!;
    if ((head & KeyRecordFlag.object) !== 0) {
      const value = objects.get(length) as Uint8Array;
      this.valueBytes = value;
      this.valueStart = 0;
      this.valueEnd = value.length;
      return;
    }
    this.valueBytes = heap.bytes[segment]!;
    this.valueStart = (unit << 3) + KEY_HEAD_BYTES + (head & 0xffff);
    this.valueEnd = this.valueStart + length;
  }

  isRaw(record: number): boolean {
    return (recordWord(this.store.heap, record, 0) & KeyRecordFlag.raw) !== 0;
  }

  /** The flags of a string's record that OBJECT ENCODING looks at: `raw` and `text`, or 0. */
  encodingFlagsOf(record: number): number {
    return recordWord(this.store.heap, record, 0) & (KeyRecordFlag.raw | KeyRecordFlag.text);
  }

  protected putBytes(record: number, at: number, source: Uint8Array, start: number, end: number): void {
    const bytes = this.store.heap.bytes[record >>> SEGMENT_SHIFT]!;
    const to = ((record & OFFSET_MASK) << 3) + at;
    const size = end - start;
    if (size > 64) bytes.set(source.subarray(start, end), to);
    else for (let i = 0; i < size; i++) bytes[to + i] = source[start + i]!;
  }

  protected newRecord(key: Uint8Array, start: number, end: number, type: number, valueBytes: number): number {
    const { heap } = this.store;
    const keySize = end - start;
    checkKeyBytes(keySize);
    const record = heap.allocate(KEY_HEAD_BYTES + keySize + valueBytes);
    setRecordWord(heap, record, 0, keySize | (type << 16));
    setRecordWord(heap, record, KeyWord.length, valueBytes);
    setRecordWord(heap, record, KeyWord.access, this.store.access.initial);
    setRecordWord(heap, record, KeyWord.expiry, 0);
    this.putBytes(record, KEY_HEAD_BYTES, key, start, end);
    return record;
  }

  /** The value of a record that was just made is an object; takes it over. */
  protected holdObject(record: number, object: Container | Uint8Array, flags: number): void {
    const { heap, objects } = this.store;
    heap.outsideBytes += OBJECT_BYTES + (object instanceof Uint8Array ? object.buffer.byteLength : 0);
    setRecordWord(heap, record, 0, recordWord(heap, record, 0) | KeyRecordFlag.object | flags);
    const id = objects.add(object);
    setRecordWord(heap, record, KeyWord.length, id);
    objects.own(id, record);
    if (!(object instanceof Uint8Array) && isFoldingType(object.type)) this.foldQueue.push(id);
  }

  /** Gives a record and its value back; it must not be in an index any more. */
  protected freeRecord(record: number): void {
    const { heap, objects } = this.store;
    const value = recordWord(heap, record, KeyWord.length);
    const size = recordBytesOf(heap, record);
    if ((recordWord(heap, record, 0) & KeyRecordFlag.object) !== 0) {
      const object = objects.get(value);
      objects.remove(value);
      heap.outsideBytes -= OBJECT_BYTES;
      if (object instanceof Uint8Array) heap.outsideBytes -= object.buffer.byteLength;
      else this.store.bury(object);
    }
    heap.free(record, size);
  }
}
