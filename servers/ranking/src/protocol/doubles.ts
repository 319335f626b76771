const DIGITS = 17;
/** More digits than JavaScript gives are never asked for; a double with a tie at 17 has far fewer. */
const MOST_DIGITS = 60;
const ZERO = 48;
const FIVE = 53;

/**
 * A score as Redis 7.0 replies it: whole numbers plainly, others with 17 significant digits (C's `%.17g`), `inf`, `-inf`.
 */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (value === Number.POSITIVE_INFINITY) return "inf";
  if (value === Number.NEGATIVE_INFINITY) return "-inf";
  if (Object.is(value, -0)) return "-0";
  // Redis prints integers of up to 52 bits as such.
  if (Number.isInteger(value) && Math.abs(value) <= 4_503_599_627_370_496) return String(value);
  return formatG17(value);
}

/** C's `%.17g`. */
function formatG17(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const sign = value < 0 ? "-" : "";
  const [mantissa = "", exponentText = "0"] = exponential17(Math.abs(value)).split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= DIGITS) {
    const exponentSign = exponent < 0 ? "-" : "+";
    return `${sign}${trimZeros(mantissa)}e${exponentSign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const digits = mantissa.replace(".", "");
  if (exponent < 0) return `${sign}${trimZeros(`0.${"0".repeat(-exponent - 1)}${digits}`)}`;
  return `${sign}${trimZeros(`${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`)}`;
}

/** 17 digits of a positive number. JavaScript rounds a tie up, C to the even digit. */
function exponential17(value: number): string {
  const rounded = value.toExponential(DIGITS - 1);
  const [mantissa = "", exponent = "0"] = value.toExponential(MOST_DIGITS).split("e");
  const isTie = mantissa.charCodeAt(DIGITS + 1) === FIVE && isZeros(mantissa, DIGITS + 2);
  return isTie && isEven(mantissa.charCodeAt(DIGITS)) ? `${mantissa.slice(0, DIGITS + 1)}e${exponent}` : rounded;
}

/** C's `%.17Lf` with trailing zeros cut: what GEOPOS replies. Sums are printed so by `addLongDouble`. */
export function formatHumanDouble(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "inf";
  if (value === Number.NEGATIVE_INFINITY) return "-inf";
  if (Math.abs(value) >= 1e21) return BigInt(value).toString();
  const text = trimZeros(fixed17(value));
  return text === "-0" ? "0" : text;
}

/** 17 decimals of a number below 1e21, ties to the even digit. */
function fixed17(value: number): string {
  const text = value.toFixed(MOST_DIGITS);
  const end = text.indexOf(".") + 1 + DIGITS;
  const isTie = text.charCodeAt(end) === FIVE && isZeros(text, end + 1);
  return isTie && isEven(text.charCodeAt(end - 1)) ? text.slice(0, end) : value.toFixed(DIGITS);
}

function isZeros(text: string, from: number): boolean {
  for (let at = from; at < text.length; at++) if (text.charCodeAt(at) !== ZERO) return false;
  return true;
}

function isEven(digit: number): boolean {
  return (digit & 1) === 0;
}

function trimZeros(text: string): string {
  if (!text.includes(".")) return text;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  if (text.charCodeAt(end - 1) === 46) end--;
  return text.slice(0, end);
}
