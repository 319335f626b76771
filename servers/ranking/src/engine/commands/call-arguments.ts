/** A command's arguments: ranges of `bytes`, the name at 0. Only the first `count` ranges are meant. */
export interface CallArguments {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly count: number;
}

/**
 * Whether an argument is a word, whatever its case. Like C's `strcasecmp`, with which Redis compares, it ends the
 * argument at its first zero byte.
 *
 * @param word ASCII, in any case.
 */
export function isWord(args: CallArguments, index: number, word: string): boolean {
  const start = args.starts[index]!;
  const size = args.ends[index]! - start;
  if (size < word.length) return false;
  for (let i = 0; i < word.length; i++) {
    if (lower(args.bytes[start + i]!) !== lower(word.charCodeAt(i))) return false;
  }
  return size === word.length || args.bytes[start + word.length] === 0;
}

/**
 * A count of keys as the key specifications read it: a whole number without a plus sign, blanks or leading zeros,
 * within 64 bits and not negative, of which C keeps the lower 32 bits.
 */
export function strictInt32(args: CallArguments, index: number): number | undefined {
  const start = args.starts[index]!;
  const size = args.ends[index]! - start;
  if (size === 0 || size > 19) return undefined;
  let value = 0n;
  for (let i = start; i < start + size; i++) {
    const digit = args.bytes[i]! - 48;
    if (digit < 0 || digit > 9 || (i === start && digit === 0 && size > 1)) return undefined;
    if (size <= 9) continue;
    value = value * 10n + BigInt(digit);
  }
  if (size <= 9) return smallNumber(args.bytes, start, start + size);
  return value > MAX_INT64 ? undefined : Number(BigInt.asIntN(32, value));
}

/** The number at the beginning of an argument as C's `atoi` reads it on this kind of machine; 0 if there is none. */
export function leadingInt32(args: CallArguments, index: number): number {
  let at = args.starts[index]!;
  const end = args.ends[index]!;
  while (at < end && isBlank(args.bytes[at]!)) at += 1;
  const sign = at < end ? args.bytes[at]! : 0;
  if (sign === MINUS || sign === PLUS) at += 1;
  let value = 0n;
  for (; at < end && args.bytes[at]! >= 48 && args.bytes[at]! <= 57; at++) {
    // Beyond 64 bits it stays at the limit; the digits that follow change nothing.
    if (value <= MAX_INT64) value = value * 10n + BigInt(args.bytes[at]! - 48);
  }
  if (sign === MINUS) value = value > MAX_INT64 ? -MAX_INT64 - 1n : -value;
  else if (value > MAX_INT64) value = MAX_INT64;
  return Number(BigInt.asIntN(32, value));
}

const MAX_INT64 = 0x7fff_ffff_ffff_ffffn;
const MINUS = 0x2d;
const PLUS = 0x2b;

function smallNumber(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = value * 10 + (bytes[i]! - 48);
  return value;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 9 && byte <= 13);
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 0x20 : byte;
}
