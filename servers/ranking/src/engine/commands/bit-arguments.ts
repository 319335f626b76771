import { parseInt64 } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import { MAX_STRING_BYTES } from "../string-edits.ts";

const HASH_SIGN = 35;

/**
 * Argument `index` as a place in bits.
 *
 * @param fieldBits Where it may be given as `#n`, the place of the n-th field of so many bits; else 0.
 * @returns -1, and the error is replied, if it is none.
 */
export function readBitOffset(call: Call, index: number, fieldBits: number): number {
  const { args } = call;
  const start = args.starts[index]!;
  const end = args.ends[index]!;
  const countsFields = fieldBits > 0 && end > start && args.bytes[start] === HASH_SIGN;
  const given = parseInt64(args.bytes, countsFields ? start + 1 : start, end);
  if (given !== undefined) {
    // The product wraps as in C, and may so be right again.
    const offset = countsFields ? BigInt.asIntN(64, given * BigInt(fieldBits)) : given;
    if (offset >= 0n && offset < 8n * BigInt(MAX_STRING_BYTES)) return Number(offset);
  }
  call.reply.error("ERR bit offset is not an integer or out of range");
  return -1;
}

/** A range of bits, both ends in it; empty if `first` is beyond `last`. */
export interface BitRange {
  first: number;
  last: number;
}

/**
 * The bits that two indices mean, in a string of `length` bytes; negative ones count from the end.
 *
 * @param isBits Whether they count bits; else bytes.
 */
export function bitRange(first: number, last: number, length: number, isBits: boolean): BitRange {
  const total = isBits ? 8 * length : length;
  const from = Math.max(0, first < 0 ? total + first : first);
  const to = Math.min(total - 1, Math.max(0, last < 0 ? total + last : last));
  if (from > to) return { first: 1, last: 0 };
  return isBits ? { first: from, last: to } : { first: 8 * from, last: 8 * to + 7 };
}
