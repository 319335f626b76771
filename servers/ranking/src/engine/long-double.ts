/*
 * C's `long double` on x86-64: a sign, a mantissa of 64 bits and an exponent of 15. Redis adds with it in INCRBYFLOAT and
 * HINCRBYFLOAT, so its results have digits that a double has not. Here such a number is `mantissa * 2 ** exponent`, exact,
 * with a signed BigInt mantissa below 2^64; a sum and a decimal are rounded to it once, to nearest, ties to even.
 */
interface LongDouble {
  readonly mantissa: bigint;
  readonly exponent: number;
}

type Parsed = LongDouble | "inf" | "-inf";

const MANTISSA_BITS = 64;
const MAX_EXPONENT = 16_384 - MANTISSA_BITS;
const MIN_EXPONENT = -16_445;
const FRACTION_DIGITS = 17;
/** Longest text that Redis reads as a number, one byte less than its buffer. */
const MAX_TEXT_BYTES = 5_119;
/** Decimal exponents beyond this, with so many digits, are zero or infinite in any case. */
const DECIMAL_LIMIT = 20_000;

const DECIMAL = /^([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:e([+-]?\d+))?$/i;
const HEXADECIMAL = /^([+-]?)0x(?=\.?[0-9a-f])([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** Whether Redis reads the text as a `long double`: what `strtold` takes as a whole, but no NaN and nothing out of range. */
export function isLongDouble(text: string): boolean {
  return parse(text) !== undefined;
}

/**
 * The sum of two numbers in text, as Redis prints it: C's `%.17Lf` without trailing zeros.
 *
 * @returns `undefined` if one is no number (see {@link isLongDouble}), or the sum is infinite or NaN.
 * @see Redis 7.0 INCRBYFLOAT
 */
export function addLongDouble(a: string, b: string): string | undefined {
  const first = parse(a);
  const second = parse(b);
  if (first === undefined || second === undefined || typeof first === "string" || typeof second === "string") {
    return undefined;
  }
  const exponent = Math.min(first.exponent, second.exponent);
  const sum = aligned(first, exponent) + aligned(second, exponent);
  const rounded = rounded64(sum, exponent, false);
  return rounded === undefined ? undefined : format(rounded);
}

function aligned({ mantissa, exponent }: LongDouble, to: number): bigint {
  return mantissa << BigInt(exponent - to);
}

function parse(text: string): Parsed | undefined {
  if (text.length === 0 || text.length > MAX_TEXT_BYTES) return undefined;
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) {
    const [, sign = "", whole = "", fraction = "", bareFraction = "", exponent = "0"] = decimal;
    return parseDecimal(
      sign,
      whole + fraction + bareFraction,
      Number(exponent) - fraction.length - bareFraction.length,
    );
  }
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === "-" ? "-inf" : "inf";
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = hexadecimal;
  const digits = BigInt(`0x0${whole}${fraction}`);
  const binaryExponent = Number(exponent) - 4 * fraction.length;
  if (Math.abs(binaryExponent) > 8 * DECIMAL_LIMIT) return digits === 0n ? ZERO : undefined;
  return rounded64(sign === "-" ? -digits : digits, binaryExponent, false, true);
}

const ZERO: LongDouble = { mantissa: 0n, exponent: 0 };

function parseDecimal(sign: string, digitText: string, exponent: number): LongDouble | undefined {
  const digits = BigInt(digitText);
  if (digits === 0n) return ZERO;
  if (Math.abs(exponent) > DECIMAL_LIMIT) return undefined;
  const signed = sign === "-" ? -digits : digits;
  if (exponent >= 0) return rounded64(signed * 10n ** BigInt(exponent), 0, false, true);
  const divisor = 10n ** BigInt(-exponent);
  // Two bits more than the mantissa and a mark for what is left over are enough to round right.
  const shift = Math.max(0, MANTISSA_BITS + 2 + bitLength(divisor) - bitLength(digits));
  const scaled = signed << BigInt(shift);
  return rounded64(scaled / divisor, -shift, scaled % divisor !== 0n, true);
}

/**
 * `value * 2 ** exponent`, and a bit more (in size) if `hasRest`, as the nearest that there is.
 *
 * @param isTaken Whether it is read and not computed: then what becomes zero is refused too.
 * @returns `undefined` if it is out of range.
 */
function rounded64(value: bigint, exponent: number, hasRest: boolean, isTaken = false): LongDouble | undefined {
  if (value === 0n && !hasRest) return ZERO;
  const size = value < 0n ? -value : value;
  const drop = Math.max(bitLength(size) - MANTISSA_BITS, MIN_EXPONENT - exponent);
  let mantissa = size;
  let rank = exponent;
  if (drop > 0) {
    const bits = BigInt(drop);
    mantissa = size >> bits;
    const rest = size - (mantissa << bits);
    const half = 1n << (bits - 1n);
    if (rest > half || (rest === half && (hasRest || (mantissa & 1n) === 1n))) mantissa += 1n;
    rank += drop;
  }
  if (bitLength(mantissa) + rank > MAX_EXPONENT + MANTISSA_BITS) return undefined;
  if (mantissa === 0n) return isTaken ? undefined : ZERO;
  return { mantissa: value < 0n ? -mantissa : mantissa, exponent: rank };
}

function bitLength(value: bigint): number {
  const hex = (value < 0n ? -value : value).toString(16);
  return 4 * (hex.length - 1) + (32 - Math.clz32(Number.parseInt(hex.charAt(0), 16)));
}

function format({ mantissa, exponent }: LongDouble): string {
  const isNegative = mantissa < 0n;
  const size = isNegative ? -mantissa : mantissa;
  const scaled = size * 10n ** BigInt(FRACTION_DIGITS);
  const digits = (exponent >= 0 ? scaled << BigInt(exponent) : halved(scaled, BigInt(-exponent)))
    .toString()
    .padStart(FRACTION_DIGITS + 1, "0");
  const whole = digits.slice(0, -FRACTION_DIGITS);
  const fraction = digits.slice(-FRACTION_DIGITS).replace(/0+$/, "");
  const text = fraction === "" ? whole : `${whole}.${fraction}`;
  return isNegative && text !== "0" ? `-${text}` : text;
}

/** `value / 2 ** bits`, to the nearest, ties to even. */
function halved(value: bigint, bits: bigint): bigint {
  const quotient = value >> bits;
  const rest = value - (quotient << bits);
  const half = 1n << (bits - 1n);
  return rest > half || (rest === half && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}
