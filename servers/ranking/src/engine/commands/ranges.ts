import { parseInt64 } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import { NOT_AN_INTEGER } from "../replies.ts";

const LONG_MIN = -(2 ** 63);

/**
 * Argument `index` as a whole number of at least `least`; NaN, and the error is replied, if it is none.
 *
 * @param error For a number out of range as for what is no number.
 */
export function integerFrom(call: Call, index: number, least: number, error: string): number {
  const value = call.integer(index, error);
  if (value >= least || Number.isNaN(value)) return value;
  call.reply.error(error);
  return Number.NaN;
}

/** Argument `index` as a number that is not negative, with Redis's usual error. */
export function countFrom(call: Call, index: number): number {
  return integerFrom(call, index, 0, "ERR value is out of range, must be positive");
}

/** Argument `index` as a whole number that can be negated in 64 bits; NaN, and the error is replied, if it is none. */
export function negatableInteger(call: Call, index: number): number {
  const value = call.integer(index, NOT_AN_INTEGER);
  if (value !== LONG_MIN || !isLowest(call, index)) return value;
  call.reply.error("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  return Number.NaN;
}

/** Whether argument `index` is -2^63, which cannot be negated in 64 bits. */
export function isLowest({ args }: Call, index: number): boolean {
  return parseInt64(args.bytes, args.starts[index]!, args.ends[index]!) === -(2n ** 63n);
}
