import type { Container } from "./container.ts";
import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "./memory/heap.ts";
import type { ObjectTable } from "./memory/object-table.ts";
import { CommandError } from "./replies.ts";

/**
 * The record of a key, one block of the heap:
 *
 *     word 0   length of the key (16 bit) . type (4 bit) . flags (12 bit)
 *     word 1   length of the value, or number of the object that holds it
 *     word 2   when it was used (24 bit: LRU clock, or LFU minutes and counter)
 *     word 3   slot in the expiry index, or 0
 *     bytes    key, then the value if it is a string that fits in, or another small one that nobody uses
 */
export const KEY_HEAD_BYTES = 16;

/** Longest key. */
export const MAX_KEY_BYTES = 65_535;
/** Longest string that is kept in its key's record; longer ones are objects. */
export const MAX_INLINE_BYTES = 4_096;

/** JavaScript's objects around a value that is not in the heap, about. */
export const OBJECT_BYTES = 120;

export const KeyRecordFlag = {
  /** The value is an object. */
  object: 1 << 20,
  /** A string that was made by changing another: OBJECT ENCODING says `raw`. */
  raw: 1 << 21,
  /** A string that Redis keeps as text though it looks like a whole number: never `int`. */
  text: 1 << 22,
  /** The value is an object that was in the record before: its first two bytes there say how many it had. */
  unfolded: 1 << 23,
} as const;

/**
 * Refuses a key that no record can name.
 *
 * @throws CommandError if it is longer than {@link MAX_KEY_BYTES}.
 */
export function checkKeyBytes(byteCount: number): void {
  if (byteCount <= MAX_KEY_BYTES) return;
  throw new CommandError(`ERR key is too long (${byteCount} bytes, at most ${MAX_KEY_BYTES})`);
}

/** Where the words of a record's head are; see above. */
export const KeyWord = { length: 1, access: 2, expiry: 3 } as const;

/** Word `word` of the record. */
export function recordWord(heap: Heap, record: number, word: number): number {
  return heap.words[record >>> SEGMENT_SHIFT]![((record & OFFSET_MASK) << 1) + word]!;
}

export function setRecordWord(heap: Heap, record: number, word: number, value: number): void {
  heap.words[record >>> SEGMENT_SHIFT]![((record & OFFSET_MASK) << 1) + word] = value;
}

/** Bytes that the record's block was allocated with. */
export function recordBytesOf(heap: Heap, record: number): number {
  const head = recordWord(heap, record, 0);
  const own = KEY_HEAD_BYTES + (head & 0xffff);
  if ((head & KeyRecordFlag.object) === 0) return own + recordWord(heap, record, KeyWord.length);
  return (head & KeyRecordFlag.unfolded) === 0 ? own : own + foldedRoom(heap, record);
}

/** Bytes of the value that was unfolded from the record, and has left its room there. */
function foldedRoom(heap: Heap, record: number): number {
  const bytes = heap.bytes[record >>> SEGMENT_SHIFT]!;
  const at = valueStart(heap, record);
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** See {@link KeyRecordFlag.unfolded}. */
export function setFoldedRoom(heap: Heap, record: number, size: number): void {
  const bytes = heap.bytes[record >>> SEGMENT_SHIFT]!;
  const at = valueStart(heap, record);
  bytes[at] = size;
  bytes[at + 1] = size >> 8;
}

/** Where the value begins that is in the record, in bytes of its segment. */
export function valueStart(heap: Heap, record: number): number {
  return ((record & OFFSET_MASK) << 3) + KEY_HEAD_BYTES + (recordWord(heap, record, 0) & 0xffff);
}

/** The record's `ValueType`. */
export function typeOfHead(head: number): number {
  return (head >>> 16) & 15;
}

/** About what a key and its value take, with its share of the tables. */
export function usedBytesOf(heap: Heap, objects: ObjectTable<Container | Uint8Array>, record: number): number {
  const head = recordWord(heap, record, 0);
  const value = recordWord(heap, record, 1);
  // A slot of the table, and half of one that is free.
  const slotBytes = 12;
  const own = recordBytesOf(heap, record) + slotBytes + (recordWord(heap, record, 3) === 0 ? 0 : 12);
  if ((head & KeyRecordFlag.object) === 0) return own;
  const object = objects.get(value);
  return own + OBJECT_BYTES + (object instanceof Uint8Array ? object.buffer.byteLength : object.usedBytes);
}

/** The record's key: a view of the heap, good until the next change. */
export function recordName(heap: Heap, record: number): Uint8Array {
  const from = ((record & OFFSET_MASK) << 3) + KEY_HEAD_BYTES;
  return heap.bytes[record >>> SEGMENT_SHIFT]!.subarray(from, from + (recordWord(heap, record, 0) & 0xffff));
}
