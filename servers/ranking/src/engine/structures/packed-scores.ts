import { compareBytes } from "./member-record.ts";

/** A sorted set of more members, or with a longer one, is not packed. As Redis's `zset-max-listpack-*`. */
export const MAX_PACKED_MEMBERS = 128;
export const MAX_PACKED_MEMBER_BYTES = 64;

/** The largest entry: head, member, score. */
export const MAX_ENTRY_BYTES = 1 + MAX_PACKED_MEMBER_BYTES + 8;

const IS_DOUBLE = 0x80;

const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

/**
 * What is read from a packed sorted set, and the writing of its entries. One object reads all sets in turn.
 *
 *     entry   head (1 byte): length of the member . 1 bit: the score is a double
 *             member
 *             score: 8 bytes, or a whole number of 32 bits as 1 to 5 bytes of 7 bits, the sign in the lowest
 *
 * The entries lie in their order. A whole score is kept as such, so -0 becomes 0, as in Redis's listpacks.
 */
export class PackedReader {
  bytes: Uint8Array = new Uint8Array(0);
  count = 0;
  /** By index: the score, where the entry starts, where its member starts and ends. One more start: the end of all. */
  readonly scores = new Float64Array(MAX_PACKED_MEMBERS + 1);
  readonly entries = new Int32Array(MAX_PACKED_MEMBERS + 2);
  readonly starts = new Int32Array(MAX_PACKED_MEMBERS + 1);
  readonly ends = new Int32Array(MAX_PACKED_MEMBERS + 1);

  /** Reads all entries of `bytes[from, end)`. */
  read(bytes: Uint8Array, from: number, end: number): void {
    this.bytes = bytes;
    let at = from;
    let count = 0;
    while (at < end) {
      this.entries[count] = at;
      const start = at + 1;
      const memberEnd = start + (bytes[at]! & 0x7f);
      this.starts[count] = start;
      this.ends[count] = memberEnd;
      at = this.#readScore(bytes, memberEnd, bytes[at]! >= IS_DOUBLE, count);
      count++;
    }
    this.entries[count] = end;
    this.count = count;
  }

  #readScore(bytes: Uint8Array, from: number, isDouble: boolean, index: number): number {
    if (isDouble) {
      for (let i = 0; i < 8; i++) doubleBytes[i] = bytes[from + i]!;
      this.scores[index] = double[0]!;
      return from + 8;
    }
    let at = from;
    let value = 0;
    let shift = 0;
    let byte = bytes[at++]!;
    while (byte >= 0x80) {
      value |= (byte & 0x7f) << shift;
      shift += 7;
      byte = bytes[at++]!;
    }
    value |= byte << shift;
    this.scores[index] = (value >>> 1) ^ -(value & 1);
    return at;
  }

  /** The index of a member, or -1. */
  indexOf(name: Uint8Array, start: number, end: number): number {
    const { bytes } = this;
    const size = end - start;
    search: for (let index = 0; index < this.count; index++) {
      const from = this.starts[index]!;
      if (this.ends[index]! - from !== size) continue;
      for (let i = 0; i < size; i++) if (bytes[from + i] !== name[start + i]) continue search;
      return index;
    }
    return -1;
  }

  /** Where a new entry belongs. */
  placeOf(name: Uint8Array, start: number, end: number, score: number): number {
    let index = 0;
    while (index < this.count) {
      const other = this.scores[index]!;
      if (other > score) break;
      if (other === score && this.compareTo(index, name, start, end) > 0) break;
      index++;
    }
    return index;
  }

  /** How the member at `index` compares with another. */
  compareTo(index: number, name: Uint8Array, start: number, end: number): number {
    return compareBytes(this.bytes, this.starts[index]!, this.ends[index]!, name, start, end);
  }
}

/** Bytes that the score of an entry takes. */
export function packedScoreBytes(score: number): number {
  if ((score | 0) !== score) return 8;
  const folded = ((score << 1) ^ (score >> 31)) >>> 0;
  return folded < 0x80 ? 1 : folded < 0x4000 ? 2 : folded < 0x20_0000 ? 3 : folded < 0x1000_0000 ? 4 : 5;
}

/** Writes an entry; returns where it ends. */
export function writePacked(
  target: Uint8Array,
  from: number,
  name: Uint8Array,
  start: number,
  end: number,
  score: number,
): number {
  const size = end - start;
  const isWhole = (score | 0) === score;
  target[from] = size | (isWhole ? 0 : IS_DOUBLE);
  let at = from + 1;
  for (let i = 0; i < size; i++) target[at + i] = name[start + i]!;
  at += size;
  if (!isWhole) {
    double[0] = score;
    for (let i = 0; i < 8; i++) target[at + i] = doubleBytes[i]!;
    return at + 8;
  }
  let folded = ((score << 1) ^ (score >> 31)) >>> 0;
  while (folded >= 0x80) {
    target[at++] = (folded & 0x7f) | 0x80;
    folded >>>= 7;
  }
  target[at++] = folded;
  return at;
}
