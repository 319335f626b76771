// The blocks that servers before Redis 7.0 kept small values in, and the block of a set of integers. They are only read.

import { decimalBytes, decimalBytes64 } from "./decimal.ts";
import { RdbError } from "./format.ts";

const ZIPLIST_HEADER_BYTES = 10;
const ZIPMAP_LONG = 254;
const END = 0xff;
const UNKNOWN_COUNT = 0xffff;

/**
 * The entries of a ziplist as bytes, aliasing it where they are strings. A ziplist is its size (u32 LE), the place of
 * its last entry (u32 LE), the count of entries (u16 LE, 65535: not known), the entries and ff. Each entry begins with
 * the size of the one before: one byte, or fe and u32 LE.
 *
 * @param offset Its place, for messages.
 */
export function readZiplist(bytes: Uint8Array, offset: number): Uint8Array[] {
  const size = bytes.length;
  if (size < ZIPLIST_HEADER_BYTES + 1) throw new RdbError(offset, `a ziplist cannot have ${size} bytes`);
  const declaredBytes = u32(bytes, 0);
  if (declaredBytes !== size) throw new RdbError(offset, `a ziplist of ${size} bytes says it has ${declaredBytes}`);
  const end = size - 1;
  if (bytes[end] !== END) throw new RdbError(offset, "a ziplist lacks its end mark");
  const entries: Uint8Array[] = [];
  let previous = ZIPLIST_HEADER_BYTES;
  let at = ZIPLIST_HEADER_BYTES;
  while (at < end) {
    const isLong = bytes[at] === 0xfe;
    const lead = at + (isLong ? 5 : 1);
    // A size that runs past the block reads as NaN or 0 here, which is not the size of the one before.
    const previousSize = isLong ? u32(bytes, at + 1) : bytes[at]!;
    const contentEnd = lead < end ? lead + ziplistContentSize(bytes, lead, end) : end + 1;
    if (contentEnd > end || previousSize !== at - previous) {
      throw new RdbError(offset, `the entry at byte ${at} of a ziplist does not fit into it`);
    }
    entries.push(ziplistContent(bytes, lead, contentEnd));
    previous = at;
    at = contentEnd;
  }
  const count = bytes[8]! | (bytes[9]! << 8);
  if (count !== UNKNOWN_COUNT && count !== entries.length) {
    throw new RdbError(offset, `a ziplist of ${entries.length} entries says it has ${count}`);
  }
  return entries;
}

function ziplistContentSize(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!;
  if (lead < 0x40) return 1 + lead;
  if (lead < 0x80) return at + 2 <= end ? 2 + (((lead & 0x3f) << 8) | bytes[at + 1]!) : end;
  if (lead < 0xc0) return at + 5 <= end ? 5 + u32BigEndian(bytes, at + 1) : end;
  switch (lead) {
    case 0xc0:
      return 3;
    case 0xd0:
      return 5;
    case 0xe0:
      return 9;
    case 0xf0:
      return 4;
    case 0xfe:
      return 2;
    default:
      return lead > 0xf0 && lead < 0xfe ? 1 : end;
  }
}

function ziplistContent(bytes: Uint8Array, at: number, end: number): Uint8Array {
  const lead = bytes[at]!;
  if (lead < 0x40) return bytes.subarray(at + 1, end);
  if (lead < 0x80) return bytes.subarray(at + 2, end);
  if (lead < 0xc0) return bytes.subarray(at + 5, end);
  switch (lead) {
    case 0xc0:
      return decimalBytes(((bytes[at + 2]! << 24) >> 16) | bytes[at + 1]!);
    case 0xd0:
      return decimalBytes(u32(bytes, at + 1) | 0);
    case 0xe0:
      return decimalBytes64(u32(bytes, at + 5) | 0, u32(bytes, at + 1));
    case 0xf0:
      return decimalBytes(((bytes[at + 3]! << 24) >> 8) | (bytes[at + 2]! << 8) | bytes[at + 1]!);
    case 0xfe:
      return decimalBytes((bytes[at + 1]! << 24) >> 24);
    default:
      return decimalBytes((lead & 0x0f) - 1);
  }
}

/**
 * Fields and values in turn, aliasing a zipmap: the hash of Redis 2.4, which 2.6 could still write. It is one byte of
 * count (not trusted), then for each string a size (one byte, or fe and u32 LE), behind the size of a value a count of
 * unused bytes that follow it, and ff at the end.
 */
export function readZipmap(bytes: Uint8Array, offset: number): Uint8Array[] {
  const end = bytes.length - 1;
  if (end < 1 || bytes[end] !== END) throw new RdbError(offset, "a zipmap lacks its end mark");
  const entries: Uint8Array[] = [];
  let at = 1;
  while (at < end) {
    const isLong = bytes[at] === ZIPMAP_LONG;
    const isValue = entries.length % 2 === 1;
    const sizeBytes = isLong ? u32(bytes, at + 1) : bytes[at]!;
    let start = at + (isLong ? 5 : 1);
    const unused = isValue ? bytes[start++]! : 0;
    if (bytes[at] === END || !(start + sizeBytes + unused <= end)) {
      throw new RdbError(offset, `the entry at byte ${at} of a zipmap does not fit into it`);
    }
    entries.push(bytes.subarray(start, start + sizeBytes));
    at = start + sizeBytes + unused;
  }
  if (entries.length % 2 === 1) throw new RdbError(offset, "a zipmap ends in a field without a value");
  return entries;
}

/** The members of an intset as text: bytes of a member (u32 LE: 2, 4 or 8), count (u32 LE), members (LE, ascending). */
export function readIntset(bytes: Uint8Array, offset: number): Uint8Array[] {
  if (bytes.length < 8) throw new RdbError(offset, `an intset cannot have ${bytes.length} bytes`);
  const width = u32(bytes, 0);
  const count = u32(bytes, 4);
  if (width !== 2 && width !== 4 && width !== 8)
    throw new RdbError(offset, `an intset has no members of ${width} bytes`);
  if (bytes.length !== 8 + width * count) {
    throw new RdbError(offset, `an intset of ${bytes.length} bytes cannot hold ${count} members of ${width}`);
  }
  const members: Uint8Array[] = [];
  for (let at = 8; at < bytes.length; at += width) {
    if (width === 2) members.push(decimalBytes(((bytes[at + 1]! << 24) >> 16) | bytes[at]!));
    else if (width === 4) members.push(decimalBytes(u32(bytes, at) | 0));
    else members.push(decimalBytes64(u32(bytes, at + 4) | 0, u32(bytes, at)));
  }
  return members;
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function u32BigEndian(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
