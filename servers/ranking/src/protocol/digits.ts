const ZERO = 48;
const MINUS = 45;

/** Digits of a whole number from 0 to 2^31 - 1. */
function digitCount(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1_000 ? 3 : 4;
  if (value < 100_000_000) return value < 1_000_000 ? (value < 100_000 ? 5 : 6) : value < 10_000_000 ? 7 : 8;
  return value < 1_000_000_000 ? 9 : 10;
}

/** Both digits of the numbers below 100, the first in the lower byte. */
const PAIRS = Uint16Array.from({ length: 100 }, (_, i) => ZERO + Math.floor(i / 10) + ((ZERO + (i % 10)) << 8));

/** Writes a whole number from 0 to 2^31 - 1, which has `digits` digits, at `at`. Returns where it ends. */
export function putDigits(bytes: Uint8Array, at: number, value: number, digits: number): number {
  const end = at + digits;
  let rest = value | 0;
  let to = end;
  while (rest >= 10) {
    const next = (rest / 100) | 0;
    const pair = PAIRS[rest - 100 * next]!;
    bytes[--to] = pair >> 8;
    bytes[--to] = pair;
    rest = next;
  }
  if (to > at) bytes[at] = ZERO + rest;
  return end;
}

/** Whether a number is whole, of 31 bits and a sign, and not -0: what {@link putWhole} writes. */
export function isShortWhole(value: number): boolean {
  return (value | 0) === value && value !== -0x8000_0000 && (value !== 0 || 1 / value > 0);
}

/** Characters of a whole number of 31 bits and a sign. */
export function wholeSize(value: number): number {
  return value < 0 ? 1 + digitCount(-value) : digitCount(value);
}

/** As {@link putDigits}, with a sign if it needs one. */
export function putWhole(bytes: Uint8Array, at: number, value: number): number {
  if (value >= 0) return putDigits(bytes, at, value, digitCount(value));
  bytes[at] = MINUS;
  return putDigits(bytes, at + 1, -value, digitCount(-value));
}
