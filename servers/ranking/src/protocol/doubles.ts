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
export function formatG17(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa = "", exponentText = "0"] = value.toExponential(16).split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 17) {
    const sign = exponent < 0 ? "-" : "+";
    return `${trimZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return trimZeros(value.toFixed(Math.max(0, 16 - exponent)).slice(0, 120));
}

/** C's `%.17Lf` with trailing zeros cut: what INCRBYFLOAT and HINCRBYFLOAT store and reply. */
export function formatHumanDouble(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "inf";
  if (value === Number.NEGATIVE_INFINITY) return "-inf";
  if (Math.abs(value) >= 1e21) return BigInt(value).toString();
  const text = trimZeros(value.toFixed(17));
  return text === "-0" ? "0" : text;
}

function trimZeros(text: string): string {
  if (!text.includes(".")) return text;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  if (text.charCodeAt(end - 1) === 46) end--;
  return text.slice(0, end);
}
