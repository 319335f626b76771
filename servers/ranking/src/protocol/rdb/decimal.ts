// Integers to text and back. Redis keeps a string that is the shortest decimal text of an integer as that integer; the
// text comes back when it is read.

const MINUS = 0x2d;
const ZERO = 0x30;
const INT64_TEXT_BYTES = 20; // "-9223372036854775808"
const SAFE_DIGITS = 15;

/** The text of a safe integer, in a new array. */
export function decimalBytes(value: number): Uint8Array {
  let rest = Math.abs(value);
  let size = value < 0 ? 2 : 1;
  for (let power = 10; power <= rest; power *= 10) size++;
  const out = new Uint8Array(size);
  for (let i = size - 1; ; i--) {
    const next = Math.floor(rest / 10);
    out[i] = ZERO + (rest - next * 10);
    rest = next;
    if (rest === 0) break;
  }
  if (value < 0) out[0] = MINUS;
  return out;
}

/** The text of the signed 64-bit integer whose halves are the signed `high` and the unsigned `low`. */
export function decimalBytes64(high: number, low: number): Uint8Array {
  const value = high * 0x1_0000_0000 + low;
  if (Number.isSafeInteger(value)) return decimalBytes(value);
  return asciiBytes(((BigInt(high) << 32n) | BigInt(low)).toString());
}

/** One byte a character; the text must be ASCII. */
export function asciiBytes(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

/** The text of ASCII bytes; other bytes become Latin-1 characters. For short texts only. */
export function asciiText(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/** The integer whose shortest text these bytes are, or `undefined`. Only up to 15 digits, so that it is exact. */
export function safeInteger(bytes: Uint8Array): number | undefined {
  const length = bytes.length;
  if (length === 0) return undefined;
  const isNegative = bytes[0] === MINUS;
  let i = isNegative ? 1 : 0;
  if (length - i > SAFE_DIGITS || length === i) return undefined;
  if (bytes[i] === ZERO) return length === 1 ? 0 : undefined; // "-0" and "01" are no shortest texts
  let value = 0;
  for (; i < length; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return isNegative ? -value : value;
}

/** Like `safeInteger`, for the whole range of signed 64-bit integers. */
export function int64(bytes: Uint8Array): bigint | undefined {
  if (bytes.length === 0 || bytes.length > INT64_TEXT_BYTES) return undefined;
  const text = asciiText(bytes);
  if (!/^(?:0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

const FLOAT = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** A score from its text; `undefined` if it is none (NaN is none). */
export function parseScore(bytes: Uint8Array): number | undefined {
  if (bytes.length > 128) return undefined;
  const text = asciiText(bytes);
  if (FLOAT.test(text)) return Number(text);
  const sign = INFINITE.exec(text);
  if (sign === null) return undefined;
  return sign[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** A text of a score that reads back as the same number, -0 included. */
export function scoreBytes(score: number): Uint8Array {
  if (score === Number.POSITIVE_INFINITY) return asciiBytes("inf");
  if (score === Number.NEGATIVE_INFINITY) return asciiBytes("-inf");
  return asciiBytes(Object.is(score, -0) ? "-0" : String(score));
}
