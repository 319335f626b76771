const MINUS = 45;
/** Digits that a number surely has room for. */
const SAFE_DIGITS = 15;
const MAX_INT64 = 0x7fff_ffff_ffff_ffffn;
const MIN_INT64 = -MAX_INT64 - 1n;

/**
 * A whole number as Redis takes it: no blanks, no plus sign, no leading zeros, within 64 bits.
 *
 * @returns NaN if it is none; the nearest number beyond 2^53: use {@link parseInt64} where that matters.
 */
export function parseInteger(bytes: Uint8Array, start: number, end: number): number {
  const isNegative = bytes[start] === MINUS && end > start;
  let at = isNegative ? start + 1 : start;
  const digits = end - at;
  if (digits < 1) return Number.NaN;
  if (digits > SAFE_DIGITS) {
    const value = parseInt64(bytes, start, end);
    return value === undefined ? Number.NaN : Number(value);
  }
  if (bytes[at] === 48) return digits === 1 && !isNegative ? 0 : Number.NaN;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = 10 * value + digit;
  }
  return isNegative ? -value : value;
}

/** As {@link parseInteger}, exact; `undefined` if it is no whole number of 64 bits. */
export function parseInt64(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  const isNegative = bytes[start] === MINUS && end > start;
  const first = isNegative ? start + 1 : start;
  const digits = end - first;
  if (digits < 1 || digits > 19) return undefined;
  if (bytes[first] === 48 && (digits > 1 || isNegative)) return undefined;
  let high = 0;
  let low = 0;
  for (let at = first; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return undefined;
    if (end - at > SAFE_DIGITS) high = 10 * high + digit;
    else low = 10 * low + digit;
  }
  const size = BigInt(high) * 10n ** BigInt(Math.min(digits, SAFE_DIGITS)) + BigInt(low);
  const value = isNegative ? -size : size;
  return value > MAX_INT64 || value < MIN_INT64 ? undefined : value;
}

const FLOAT = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?)$/i;
const HEX = /^([+-]?)0x(?=\.?[0-9a-f])([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^[+-]?inf(?:inity)?$/i;
/** Any digit but 0 in front of the exponent. */
const NOT_ZERO = /^[^ep]*[1-9]/i;
const HEX_NOT_ZERO = /^[^x]*x[^p]*[1-9a-f]/i;
/** Longer texts are no numbers here, whatever they say. */
const MAX_DOUBLE_BYTES = 65_536;

/**
 * A floating point number as C's `strtod` reads a whole argument: decimals, exponents, `inf`, hexadecimal.
 *
 * @returns NaN if it is none; `nan` itself is none either, nor is what is too large or too near to 0 for a double.
 */
export function parseDouble(bytes: Uint8Array, start: number, end: number): number {
  const value = parseUnboundedDouble(bytes, start, end);
  const mayBeOut = (value === 0 && end - start > 1) || Math.abs(value) === Number.POSITIVE_INFINITY;
  return mayBeOut && isOutOfRange(latinOf(bytes, start, end), value) ? Number.NaN : value;
}

/** As {@link parseDouble}, but what a double cannot hold is infinite or 0: the ends of a range of scores. */
export function parseUnboundedDouble(bytes: Uint8Array, start: number, end: number): number {
  const size = end - start;
  if (size <= 0 || size > MAX_DOUBLE_BYTES) return Number.NaN;
  if (size <= SAFE_DIGITS) {
    const whole = parseInteger(bytes, start, end);
    if (!Number.isNaN(whole)) return whole;
  }
  const text = latinOf(bytes, start, end);
  if (FLOAT.test(text)) {
    if (!INFINITE.test(text)) return Number(text);
    return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const hex = HEX.exec(text);
  if (hex === null) return Number.NaN;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = hex;
  const digits = Number.parseInt(`0${whole}${fraction}`, 16);
  const power = Math.min(Math.max(Number(exponent) - 4 * fraction.length, -1_000_000), 1_000_000);
  const half = Math.trunc(power / 2);
  const value = digits === 0 ? 0 : digits * 2 ** half * 2 ** (power - half);
  return sign === "-" ? -value : value;
}

/** Whether a text with this value says something else than 0 or infinity. */
function isOutOfRange(text: string, value: number): boolean {
  if (value !== 0) return !INFINITE.test(text);
  return (text.length > 2 && HEX.test(text) ? HEX_NOT_ZERO : NOT_ZERO).test(text);
}

function latinOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}
