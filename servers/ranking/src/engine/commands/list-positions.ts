import type { Call } from "../call.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { isSameBytes } from "../structures/blocks.ts";
import type { ListValue } from "../structures/list-value.ts";
import { integerFrom, isLowest } from "./ranges.ts";

const ZERO_RANK =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
  "or use negative to start from the end of the list";

interface PositionOptions {
  /** Negative is from the tail. */
  rank: number;
  /** -1 if COUNT was not given; 0 is all. */
  count: number;
  /** Elements that are looked at; 0 is all. */
  maxLength: number;
}

/** LPOS. */
export function listPosition(call: Call, readList: (call: Call, index: number) => ListValue | 0 | undefined): void {
  const options = readOptions(call);
  if (options === undefined) return;
  const { reply } = call;
  const list = readList(call, 1);
  if (list === undefined) return;
  const found = list === 0 ? [] : findPositions(call, list, options);
  if (options.count >= 0) {
    reply.array(found.length);
    for (const index of found) reply.integer(index);
  } else if (found.length > 0) reply.integer(found[0]!);
  else reply.nil();
}

function readOptions(call: Call): PositionOptions | undefined {
  const { args, reply } = call;
  const options: PositionOptions = { rank: 1, count: -1, maxLength: 0 };
  let isLowestRank = false;
  for (let i = 3; i < args.count; i += 2) {
    const hasValue = i + 1 < args.count;
    if (hasValue && args.isWord(i, "RANK")) {
      options.rank = call.integer(i + 1);
      isLowestRank = isLowest(call, i + 1);
      if (options.rank === 0) {
        reply.error(ZERO_RANK);
        return undefined;
      }
    } else if (hasValue && args.isWord(i, "COUNT")) {
      options.count = integerFrom(call, i + 1, 0, "ERR COUNT can't be negative");
    } else if (hasValue && args.isWord(i, "MAXLEN")) {
      options.maxLength = integerFrom(call, i + 1, 0, "ERR MAXLEN can't be negative");
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
    if (Number.isNaN(options.rank + options.count + options.maxLength)) return undefined;
  }
  // As Redis, which cannot negate it: every match is far enough, and never are there as many as wanted.
  return isLowestRank ? { ...options, rank: -1, count: Math.min(0, options.count) } : options;
}

function findPositions(call: Call, list: ListValue, { rank, count, maxLength }: PositionOptions): number[] {
  const { args } = call;
  const from = args.starts[2]!;
  const size = args.sizeOf(2);
  const isBackwards = rank < 0;
  const wanted = count === 0 ? Number.POSITIVE_INFINITY : Math.max(1, count);
  const found: number[] = [];
  let seen = 0;
  let matches = 0;
  const visit = (bytes: Uint8Array, start: number, end: number): boolean => {
    const isMatch = end - start === size && isSameBytes(bytes, start, args.bytes, from, size);
    if (isMatch && ++matches >= Math.abs(rank)) found.push(isBackwards ? list.size - 1 - seen : seen);
    seen++;
    return found.length < wanted && seen !== maxLength;
  };
  if (isBackwards) list.forEachBackwards(visit);
  else list.forEach(0, list.size, visit);
  return found;
}
