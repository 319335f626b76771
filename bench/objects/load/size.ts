import type { Random } from "@kagami/clock";
import { pickWeighted } from "./weighted.ts";

/** How large objects are. */
export interface SizeDistribution {
  /** As it was written, such as `10KB` or `1KB-1MB`. */
  readonly text: string;
  readonly largestBytes: number;
  next(random: Random): number;
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KIB: 1_024,
  MIB: 1_048_576,
  GIB: 1_073_741_824,
};
const LARGEST_BYTES = 5_000_000_000;

/** Reads `10KB` or `4MiB`. @returns `undefined` if it is neither, or over 5 GB. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = UNITS[(match?.[2] ?? "").toUpperCase()];
  if (match === null || unit === undefined) return undefined;
  const bytes = Math.round(Number(match[1]) * unit);
  return bytes <= LARGEST_BYTES ? bytes : undefined;
}

/**
 * Reads a size (`10KB`), a range in which every magnitude is as likely as any other (`1KB-1MB`), or several of these by
 * weight (`10KB*80|1KB-1MB*20`). KB is 1,000 bytes, KiB 1,024.
 *
 * @returns What is wrong, as text, if it cannot be read.
 */
export function parseSizes(text: string): SizeDistribution | string {
  const choices: { readonly low: number; readonly high: number; readonly weight: number }[] = [];
  for (const choice of text.split("|")) {
    const [range = "", weightText = "1", ...rest] = choice.split("*");
    const [lowText = "", highText = lowText, ...more] = range.split("-");
    const low = parseSize(lowText);
    const high = parseSize(highText);
    const weight = Number(weightText);
    if (low === undefined || high === undefined || rest.length > 0 || more.length > 0)
      return `"${choice}" is no size: write 10KB, 1KB-1MB or 10KB*80|1MB*20`;
    if (high < low) return `"${range}" ends below its beginning`;
    if (!(weight > 0)) return `"${choice}" has the weight "${weightText}", which must be above 0`;
    choices.push({ low, high, weight });
  }
  return {
    text,
    largestBytes: Math.max(...choices.map(({ high }) => high)),
    next(random) {
      const { low, high } = pickWeighted(choices, random);
      if (low === high) return low;
      return Math.round(Math.max(low, 1) * (high / Math.max(low, 1)) ** random.float());
    },
  };
}
