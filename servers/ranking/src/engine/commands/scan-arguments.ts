import type { Call } from "../call.ts";

const CURSOR = /^[+-]?[0-9]+$/;
const MAX_CURSOR = 0xffff_ffff_ffff_ffffn;
const U32 = 2 ** 32;

/**
 * Argument `index` as the cursor of SCAN and its kin: where in the space of hashes to go on, 0 to 2^32 - 1.
 *
 * Takes what C's `strtoul` takes: nothing is 0, a sign may stand in front. Every number is a place; those that no SCAN
 * replied wrap round.
 *
 * @returns `undefined`, and the error is replied, if it is none.
 */
export function readCursor({ args, reply }: Call, index: number): number | undefined {
  // For C the text ends at a zero.
  const text = args.text(index).split("\0", 1)[0]!;
  if (text === "") return 0;
  if (text.length <= 40 && CURSOR.test(text)) {
    const value = BigInt(text.replace(/^[+]/, ""));
    const size = value < 0n ? -value : value;
    if (size <= MAX_CURSOR) return Number(BigInt.asUintN(64, value) % BigInt(U32));
  }
  reply.error("ERR invalid cursor");
  return undefined;
}
