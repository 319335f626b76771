/**
 * C's `%.<precision>g` of a number, as glibc prints it.
 *
 * JavaScript rounds exact ties away from zero and C rounds them to even, so ties are looked for.
 *
 * @param precision Significant digits, 1 to 17.
 */
export function formatNumber(value: number, precision: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa = "", exponentText = "0"] = roundedToEven(value, precision).split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < precision) {
    const sign = mantissa.startsWith("-") ? "-" : "";
    const digits = mantissa.replace("-", "").replace(".", "");
    if (exponent < 0) return withoutTrailingZeros(`${sign}0.${"0".repeat(-exponent - 1)}${digits}`);
    return withoutTrailingZeros(`${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`);
  }
  const size = Math.abs(exponent);
  return `${withoutTrailingZeros(mantissa)}e${exponent < 0 ? "-" : "+"}${size < 10 ? "0" : ""}${size}`;
}

function withoutTrailingZeros(text: string): string {
  if (!text.includes(".")) return text;
  let end = text.length;
  while (text[end - 1] === "0") end--;
  if (text[end - 1] === ".") end--;
  return text.slice(0, end);
}

function roundedToEven(value: number, precision: number): string {
  const rounded = value.toExponential(precision - 1);
  // A tie ends right after the digits that stay, in a 5.
  const longer = value.toExponential(precision + 30);
  const [digits = ""] = longer.split("e");
  const point = digits.startsWith("-") ? 2 : 1;
  const rest = precision === 1 ? digits.slice(point + 1) : digits.slice(point + precision);
  if (!/^50*$/.test(rest)) return rounded;
  const last = precision === 1 ? digits[point - 1] : digits[point + precision - 1];
  if (Number(last) % 2 === 1) return rounded;
  const kept = precision === 1 ? digits.slice(0, point) : digits.slice(0, point + precision);
  return `${kept}e${longer.split("e")[1]}`;
}
