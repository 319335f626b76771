/** Fields of a section of INFO, in order. */
export type InfoFields = readonly (readonly [name: string, value: string | number])[];

const UNITS = ["K", "M", "G", "T", "P"] as const;

/** Bytes as INFO shows them to people: `943.10K`. */
export function humanBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes}B`;
  let value = bytes / 1_024;
  let unit = 0;
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${value.toFixed(2)}${UNITS[unit]}`;
}

/** A part of a whole as `87.50%`. */
export function percentText(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(2)}%`;
}

/** A ratio with two digits; 1.00 if there is nothing to compare with. */
export function ratioText(part: number, whole: number): string {
  return (whole === 0 ? 1 : part / whole).toFixed(2);
}
