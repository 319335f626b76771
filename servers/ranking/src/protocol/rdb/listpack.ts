// A listpack is a row of strings and integers in one block:
//
//   total bytes (u32 LE) | entries (u16 LE, 65535: not known) | entry … | ff
//
// An entry is its content and then the content's size once more, readable from behind ("back length"), seven bits a
// byte, the highest first, every byte but the first with its top bit set.

import { decimalBytes, decimalBytes64, int64, safeInteger } from "./decimal.ts";
import { RdbError } from "./format.ts";

const HEADER_BYTES = 6;
const END = 0xff;
const UNKNOWN_COUNT = 0xffff;
const NO_BYTES = new Uint8Array(0);

/** The entries of a listpack as bytes, aliasing it where they are strings. @param offset Its place, for messages. */
export function readListpack(bytes: Uint8Array, offset: number): Uint8Array[] {
  const size = bytes.length;
  if (size < HEADER_BYTES + 1) throw new RdbError(offset, `a listpack cannot have ${size} bytes`);
  const declaredBytes = u32(bytes, 0);
  if (declaredBytes !== size) throw new RdbError(offset, `a listpack of ${size} bytes says it has ${declaredBytes}`);
  const end = size - 1;
  if (bytes[end] !== END) throw new RdbError(offset, "a listpack lacks its end mark");
  const entries: Uint8Array[] = [];
  let at = HEADER_BYTES;
  while (at < end) {
    const contentEnd = at + contentSize(bytes, at, end);
    const next = contentEnd + backLengthSize(contentEnd - at);
    if (next > end || !isBackLength(bytes, contentEnd, contentEnd - at)) {
      throw new RdbError(offset, `the entry at byte ${at} of a listpack does not fit into it`);
    }
    entries.push(content(bytes, at, contentEnd));
    at = next;
  }
  const count = bytes[4]! | (bytes[5]! << 8);
  if (count !== UNKNOWN_COUNT && count !== entries.length) {
    throw new RdbError(offset, `a listpack of ${entries.length} entries says it has ${count}`);
  }
  return entries;
}

/** Bytes of the content at `at`; more than there are if it is not whole or of no known kind. */
function contentSize(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc0) return 1 + (first & 0x3f);
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 2 + (((first & 0x0f) << 8) | (at + 1 < end ? bytes[at + 1]! : 0));
  switch (first) {
    case 0xf0:
      return at + 5 <= end ? 5 + u32(bytes, at + 1) : end;
    case 0xf1:
      return 3;
    case 0xf2:
      return 4;
    case 0xf3:
      return 5;
    case 0xf4:
      return 9;
    default:
      return end;
  }
}

/** The content `bytes[at, end)`, which `contentSize` has measured. */
function content(bytes: Uint8Array, at: number, end: number): Uint8Array {
  const first = bytes[at]!;
  if (first < 0x80) return decimalBytes(first);
  if (first < 0xc0) return bytes.subarray(at + 1, end);
  if (first < 0xe0) return decimalBytes((((first & 0x1f) << 27) >> 19) | bytes[at + 1]!);
  if (first < 0xf0) return bytes.subarray(at + 2, end);
  switch (first) {
    case 0xf0:
      return bytes.subarray(at + 5, end);
    case 0xf1:
      return decimalBytes(((bytes[at + 2]! << 24) >> 16) | bytes[at + 1]!);
    case 0xf2:
      return decimalBytes(((bytes[at + 3]! << 24) >> 8) | (bytes[at + 2]! << 8) | bytes[at + 1]!);
    case 0xf3:
      return decimalBytes(u32(bytes, at + 1) | 0);
    default:
      return decimalBytes64(u32(bytes, at + 5) | 0, u32(bytes, at + 1));
  }
}

/** Fills one listpack after the other. Grows to the largest, and allocates nothing more. */
export class ListpackBuilder {
  #bytes = new Uint8Array(1_024);
  #length = HEADER_BYTES;
  #count = 0;

  /** Bytes of the listpack if it were finished now. */
  get sizeBytes(): number {
    return this.#length + 1;
  }

  get count(): number {
    return this.#count;
  }

  /** Appends a string, as an integer if its text is the shortest of one. */
  append(bytes: Uint8Array): void {
    const value = safeInteger(bytes);
    if (value !== undefined) this.appendInteger(value);
    else this.#appendString(bytes);
  }

  appendInteger(value: number): void {
    const start = this.#reserve(NO_BYTES);
    const bytes = this.#bytes;
    let at = start;
    if (value >= 0 && value < 128) bytes[at++] = value;
    else if (value >= -4_096 && value < 4_096) {
      bytes[at++] = 0xc0 | ((value >> 8) & 0x1f);
      bytes[at++] = value;
    } else {
      const size = value >= -0x8000 && value < 0x8000 ? 2 : value >= -0x80_0000 && value < 0x80_0000 ? 3 : 4;
      const is32 = value === (value | 0);
      bytes[at++] = is32 ? 0xef + size : 0xf4;
      const high = Math.floor(value / 0x1_0000_0000);
      for (let i = 0; i < (is32 ? size : 4); i++) bytes[at++] = value >>> (8 * i);
      for (let i = 0; i < (is32 ? 0 : 4); i++) bytes[at++] = high >>> (8 * i);
    }
    this.#finishEntry(start, at);
  }

  #appendString(string: Uint8Array): void {
    const big = string.length > 15 && string.length <= 20 ? int64(string) : undefined;
    const start = this.#reserve(string);
    const bytes = this.#bytes;
    const size = string.length;
    let at = start;
    if (big !== undefined) {
      bytes[at++] = 0xf4;
      const low = Number(BigInt.asUintN(32, big));
      const high = Number(BigInt.asIntN(32, big >> 32n));
      for (let i = 0; i < 4; i++) bytes[at++] = low >>> (8 * i);
      for (let i = 0; i < 4; i++) bytes[at++] = high >>> (8 * i);
    } else {
      if (size < 64) bytes[at++] = 0x80 | size;
      else if (size < 4_096) {
        bytes[at++] = 0xe0 | (size >>> 8);
        bytes[at++] = size;
      } else {
        bytes[at++] = 0xf0;
        for (let i = 0; i < 4; i++) bytes[at++] = size >>> (8 * i);
      }
      bytes.set(string, at);
      at += size;
    }
    this.#finishEntry(start, at);
  }

  /** The finished listpack, valid until the next call; the builder is then empty again. */
  finish(): Uint8Array {
    const bytes = this.#bytes;
    bytes[this.#length++] = END;
    const size = this.#length;
    const count = Math.min(this.#count, UNKNOWN_COUNT);
    for (let i = 0; i < 4; i++) bytes[i] = size >>> (8 * i);
    bytes[4] = count;
    bytes[5] = count >>> 8;
    this.#length = HEADER_BYTES;
    this.#count = 0;
    return bytes.subarray(0, size);
  }

  #reserve(string: Uint8Array): number {
    const needed = this.#length + string.length + 16; // lead, 8 bytes of integer, 5 of back length, end mark
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    return this.#length;
  }

  #finishEntry(start: number, end: number): void {
    const size = end - start;
    const count = backLengthSize(size);
    for (let i = 0; i < count; i++) this.#bytes[end + i] = backLengthByte(size, i, count);
    this.#length = end + count;
    this.#count++;
  }
}

function isBackLength(bytes: Uint8Array, at: number, size: number): boolean {
  const count = backLengthSize(size);
  for (let i = 0; i < count; i++) {
    if (bytes[at + i] !== backLengthByte(size, i, count)) return false;
  }
  return true;
}

/** All limits but the first are one lower than seven bits a byte would need: so do all servers. */
function backLengthSize(size: number): number {
  if (size < 0x80) return 1;
  if (size < 0x3fff) return 2;
  if (size < 0x1f_ffff) return 3;
  return size < 0xfff_ffff ? 4 : 5;
}

function backLengthByte(size: number, index: number, count: number): number {
  const bits = Math.floor(size / 128 ** (count - 1 - index)) & 0x7f;
  return index === 0 ? bits : bits | 0x80;
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
