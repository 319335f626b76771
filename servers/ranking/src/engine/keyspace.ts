import type { Args } from "../protocol/args.ts";
import { type Container, ValueType } from "./container.ts";
import { ExpiringKeys } from "./expiring-keys.ts";
import {
  KEY_HEAD_BYTES,
  KeyRecordFlag,
  KeyWord,
  MAX_INLINE_BYTES,
  MAX_KEY_BYTES,
  recordBytes,
  recordWord,
  setRecordWord,
} from "./key-record.ts";
import { SEGMENT_SHIFT } from "./memory/heap.ts";

/**
 * One database: keys to values, and when they expire.
 *
 * A key is found as a *record*, a pointer that is good until the next change of that key. Nothing here is allocated for
 * a look-up: what was found lies in fields ({@link valueBytes} and its neighbours) until the next call.
 *
 * A key whose time has come is not there for any look-up, whether {@link expire} has removed it yet or not.
 */
export class Keyspace extends ExpiringKeys {
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
    const record = this.lookup(key, start, end);
    if (record === 0) return 0;
    if (this.isDue(record)) {
      this.removeExpired(record);
      return 0;
    }
    this.#use(record);
    return record;
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
      const oldBytes = recordBytes(head, recordWord(heap, record, KeyWord.length));
      const isInline = (head & KeyRecordFlag.object) === 0;
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
    this.place(record, next);
    if (expiryMs >= 0) this.setExpiry(next, expiryMs);
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
    this.place(record, next);
    if (expiryMs >= 0) this.setExpiry(next, expiryMs);
    return next;
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
    this.place(record, next);
    if (expiryMs >= 0) this.setExpiry(next, expiryMs);
    if (container.type === ValueType.hash) this.noteFieldExpiry(next);
    return next;
  }
}
