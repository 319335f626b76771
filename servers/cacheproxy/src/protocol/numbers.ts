/**
 * Numbers as memcached reads them: C's `strtol` and `strtoull`, then a narrowing to the variable's type. Blanks and a
 * sign may come first, and what follows a tab (or another blank that is not a space) is ignored. So `set k 0 0
 * 4294967297` has a value of one byte, and `-4294967295` is one as well. A proxy that read them otherwise would take a
 * value for a command.
 */

const TWO_32 = 1n << 32n;
const INT64_MAX = (1n << 63n) - 1n;
const UINT64_MAX = (1n << 64n) - 1n;

/** Reads `bytes[start, end)` as memcached's 32-bit signed numbers (exptimes, lengths). NaN if it would refuse them. */
export function readInt32(bytes: Uint8Array, start: number, end: number): number {
  const plain = readPlainDigits(bytes, start, end);
  if (plain >= 0 && plain <= 0x7fff_ffff) return plain;
  const value = readLong(bytes, start, end);
  if (value === undefined || value > INT64_MAX || value < -INT64_MAX - 1n) return Number.NaN;
  return Number(BigInt.asIntN(32, value));
}

/** Reads `bytes[start, end)` as memcached's 32-bit unsigned numbers (flags). NaN if it would refuse them. */
export function readUint32(bytes: Uint8Array, start: number, end: number): number {
  const plain = readPlainDigits(bytes, start, end);
  if (plain >= 0 && plain <= 0xffff_ffff) return plain;
  const value = readUint64(bytes, start, end);
  return value === undefined ? Number.NaN : Number(value % TWO_32);
}

/** Whether memcached takes `bytes[start, end)` for a 64-bit unsigned number (deltas, cas values). */
export function isUint64(bytes: Uint8Array, start: number, end: number): boolean {
  return readPlainDigits(bytes, start, end) >= 0 || readUint64(bytes, start, end) !== undefined;
}

/** Reads `bytes[start, end)` as memcached's 64-bit unsigned numbers; `undefined` if it would refuse them. */
export function readUint64(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  const value = readLong(bytes, start, end);
  if (value === undefined || value > UINT64_MAX || value < -UINT64_MAX) return undefined;
  const wrapped = BigInt.asUintN(64, value);
  // memcached looks for a sign only where the result, read as signed, is negative.
  return value < 0n && wrapped > INT64_MAX ? undefined : wrapped;
}

/** The usual form: 1 to 15 digits and nothing else. -1 for every other. */
function readPlainDigits(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 15 || end <= start) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function readLong(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  let at = start;
  while (at < end && isBlank(bytes[at] as number)) at++;
  const sign = bytes[at];
  const isNegative = at < end && sign === 45;
  if (at < end && (sign === 45 || sign === 43)) at++;

  const digitsStart = at;
  let value = 0n;
  // A line has at most 2,048 bytes; beyond 25 digits the value is out of every range already.
  while (at < end && (bytes[at] as number) >= 48 && (bytes[at] as number) <= 57) {
    if (value < 10n ** 24n) value = value * 10n + BigInt((bytes[at] as number) - 48);
    at++;
  }
  if (at === digitsStart) return undefined;
  if (at < end && !isBlank(bytes[at] as number)) return undefined;
  return isNegative ? -value : value;
}

/** C's `isspace`. */
function isBlank(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}
