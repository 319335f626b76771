/*
 * Entries of a list, one behind the other in a chunk:
 *
 *     u8 length, up to 251 . bytes
 *     252 . u16 length . bytes
 *     253 . u32 number of the object that holds the bytes
 */

const LONG = 252;
const OBJECT = 253;
const LONG_HEAD_BYTES = 3;
const OBJECT_ENTRY_BYTES = 5;
/** Longest element that lies in the chunk itself. */
export const MAX_ENTRY_BYTES = 4_096;

/** Bytes of an entry for an element of `size` bytes. */
export function entryBytesFor(size: number): number {
  if (size < LONG) return 1 + size;
  return size <= MAX_ENTRY_BYTES ? LONG_HEAD_BYTES + size : OBJECT_ENTRY_BYTES;
}

/** Bytes of the entry that begins at `at`. */
export function entryBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < LONG) return 1 + first;
  return first === LONG ? LONG_HEAD_BYTES + (bytes[at + 1]! | (bytes[at + 2]! << 8)) : OBJECT_ENTRY_BYTES;
}

/** Where the element of an entry begins in it; it ends where the entry does. Not for objects. */
export function entryHeadBytes(bytes: Uint8Array, at: number): number {
  return bytes[at] === LONG ? LONG_HEAD_BYTES : 1;
}

/** The number of the object that holds the element, or -1 if the entry does. */
export function entryObject(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== OBJECT) return -1;
  return bytes[at + 1]! | (bytes[at + 2]! << 8) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 24);
}

/** Writes the head of an entry for an element of `size` bytes, up to 4,096. Returns its length. */
export function putEntryHead(bytes: Uint8Array, at: number, size: number): number {
  if (size < LONG) {
    bytes[at] = size;
    return 1;
  }
  bytes[at] = LONG;
  bytes[at + 1] = size;
  bytes[at + 2] = size >> 8;
  return LONG_HEAD_BYTES;
}

/** Writes an entry whose element is an object. */
export function putObjectEntry(bytes: Uint8Array, at: number, id: number): void {
  bytes[at] = OBJECT;
  for (let i = 0; i < 4; i++) bytes[at + 1 + i] = id >> (8 * i);
}
