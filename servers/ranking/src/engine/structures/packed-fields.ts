import { isSameBytes } from "./blocks.ts";

/*
 * Fields of a small hash, one behind the other in a block:
 *
 *     u8 length of the field . u8 length of the value, top bit: it expires . field . value . { u48 ms since 1970 }
 */

/** In the second byte of an entry: the time when the field expires follows the value. */
export const PACKED_EXPIRES = 0x80;
/** Bytes of that time. */
export const PACKED_EXPIRY_BYTES = 6;

/** Bytes of the entry that begins at `at`. */
export function packedEntryBytes(bytes: Uint8Array, at: number): number {
  const value = bytes[at + 1]!;
  return 2 + bytes[at]! + (value & 0x7f) + (value >> 7) * PACKED_EXPIRY_BYTES;
}

/** Where the value of the entry at `at` begins; it has `bytes[at + 1] & 0x7f` bytes. */
export function packedValueAt(bytes: Uint8Array, at: number): number {
  return at + 2 + bytes[at]!;
}

/** Where the entry of a field begins in `bytes[start, end)`, or -1. */
export function findPackedField(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: Uint8Array,
  nameStart: number,
  nameEnd: number,
): number {
  const size = nameEnd - nameStart;
  let at = start;
  while (at < end) {
    if (bytes[at] === size && isSameBytes(bytes, at + 2, name, nameStart, size)) return at;
    at += packedEntryBytes(bytes, at);
  }
  return -1;
}

/** When the field of the entry at `at` expires, in ms since 1970, or -1. */
export function packedExpiry(bytes: Uint8Array, at: number): number {
  const value = bytes[at + 1]!;
  if (value < PACKED_EXPIRES) return -1;
  const from = packedValueAt(bytes, at) + (value & 0x7f);
  let time = 0;
  for (let i = PACKED_EXPIRY_BYTES - 1; i >= 0; i--) time = 256 * time + bytes[from + i]!;
  return time;
}

/** Writes a time of at most 48 bits to `at`. */
export function putPackedExpiry(bytes: Uint8Array, at: number, timeMs: number): void {
  let rest = timeMs;
  for (let i = 0; i < PACKED_EXPIRY_BYTES; i++) {
    bytes[at + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
