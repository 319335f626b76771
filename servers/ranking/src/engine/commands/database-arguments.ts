import type { Call } from "../call.ts";
import { DATABASE_COUNT } from "../store.ts";

const MAX_INT32 = 0x7fff_ffff;
const MIN_INT32 = -MAX_INT32 - 1;

/**
 * Argument `index` as a whole number of 32 bits; NaN, and the error is replied, if it is none.
 *
 * @param error The reply, if it is not Redis's usual one.
 */
export function readInt32(call: Call, index: number, error?: string): number {
  const value = call.integer(index, error);
  if (value <= MAX_INT32 && value >= MIN_INT32) return value;
  if (!Number.isNaN(value)) {
    call.reply.error(error ?? `ERR value is out of range, value must between ${MIN_INT32} and ${MAX_INT32}`);
  }
  return Number.NaN;
}

/** Argument `index` as the number of a database; -1, and an error is replied, if it is none. */
export function readDatabase(call: Call, index: number, notNumber: string | undefined, notThere: string): number {
  const value = readInt32(call, index, notNumber);
  if (Number.isNaN(value)) return -1;
  if (value >= 0 && value < DATABASE_COUNT) return value;
  call.reply.error(notThere);
  return -1;
}
