import { parseInt64 } from "../protocol/numbers.ts";
import type { Call } from "./call.ts";

const MAX_INT64 = 0x7fff_ffff_ffff_ffffn;
const MIN_INT64 = -MAX_INT64 - 1n;
/** Below this no product with 1,000 and no sum with a time of today leaves the range in which numbers are exact. */
const PLAIN_LIMIT = 2 ** 42;

/** How a time is given: in seconds or ms, from now on or from 1970. */
export interface TimeForm {
  readonly isSeconds: boolean;
  readonly isRelative: boolean;
}

/**
 * Argument `index` as a time in ms since 1970.
 *
 * Beyond 2^53 ms (the year 287396) the nearest number is returned.
 *
 * @param isPastAllowed EXPIRE takes numbers below 1, SET does not.
 * @returns `undefined`, and the error is replied, if it is none, or none that 64 bits of ms hold.
 */
export function readTimeMs(call: Call, index: number, form: TimeForm, isPastAllowed: boolean): number | undefined {
  const value = call.integer(index);
  if (Number.isNaN(value)) return undefined;
  if (value > 0 || isPastAllowed) {
    if (Math.abs(value) < PLAIN_LIMIT) {
      return (form.isSeconds ? value * 1_000 : value) + (form.isRelative ? call.nowMs : 0);
    }
    const { args } = call;
    const exact = parseInt64(args.bytes, args.starts[index]!, args.ends[index]!)!;
    const sinceMs = form.isSeconds ? exact * 1_000n : exact;
    const timeMs = form.isRelative ? sinceMs + BigInt(Math.floor(call.nowMs)) : sinceMs;
    if (sinceMs >= MIN_INT64 && timeMs <= MAX_INT64) return Number(timeMs);
  }
  call.reply.error(`ERR invalid expire time in '${call.command.name.replace("|", " ")}' command`);
  return undefined;
}

/** Replies a number of ms or seconds that may be beyond 2^53. */
export function replyTime(call: Call, value: number): void {
  if (Number.isSafeInteger(value)) call.reply.integer(value);
  else {
    const exact = BigInt(value);
    call.reply.bigInteger(exact > MAX_INT64 ? MAX_INT64 : exact < MIN_INT64 ? MIN_INT64 : exact);
  }
}
