import type { Args } from "../../protocol/args.ts";
import { parseUnboundedDouble } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import { ValueType } from "../container.ts";
import { SYNTAX_ERROR, WRONG_TYPE } from "../replies.ts";
import { LexRange } from "../structures/lex-range.ts";
import { checkMemberSize } from "../structures/member-record.ts";
import type { SortedSet } from "../structures/sorted-set.ts";

const OPEN = 40;
const MIN_MAX_NOT_FLOAT = "ERR min or max is not a float";
const NOT_LEX_RANGE = "ERR min or max not valid string range item";

/** A sorted set that is read: `undefined` if the key is not there, `null`, and WRONGTYPE is replied, if it is another. */
export function readSortedSet({ args, db, reply }: Call, index: number): SortedSet | undefined | null {
  const record = db.find(args, index);
  if (record === 0) return undefined;
  if (db.typeOf(record) === ValueType.sortedSet) return db.containerOf(record) as SortedSet;
  reply.error(WRONG_TYPE);
  return null;
}

/** Checks that the arguments can be members. @throws CommandError if one is too long. */
export function checkMembers(args: Args, first: number, step: number): void {
  for (let i = first; i < args.count; i += step) checkMemberSize(args.sizeOf(i));
}

/** A range of scores; each bound may be left out of it. */
export interface ScoreRange {
  readonly min: number;
  readonly max: number;
  readonly isMinOpen: boolean;
  readonly isMaxOpen: boolean;
}

/** Two arguments as a range of scores; `undefined`, and the error is replied, if they are none. */
export function scoreRange(call: Call, minIndex: number, maxIndex: number): ScoreRange | undefined {
  const { args } = call;
  const isMinOpen = args.bytes[args.starts[minIndex]!] === OPEN && args.sizeOf(minIndex) > 0;
  const isMaxOpen = args.bytes[args.starts[maxIndex]!] === OPEN && args.sizeOf(maxIndex) > 0;
  const min = boundOf(args, minIndex, isMinOpen);
  const max = boundOf(args, maxIndex, isMaxOpen);
  if (!Number.isNaN(min) && !Number.isNaN(max)) return { min, max, isMinOpen, isMaxOpen };
  call.reply.error(MIN_MAX_NOT_FLOAT);
  return undefined;
}

/** As `strtod` reads a C string: blanks before it are skipped, it ends at a zero byte, and nothing at all is 0. */
function boundOf(args: Args, index: number, isOpen: boolean): number {
  const { bytes } = args;
  let start = args.starts[index]! + (isOpen ? 1 : 0);
  let end = start;
  while (end < args.ends[index]! && bytes[end] !== 0) end++;
  if (start === end) return 0;
  while (start < end && isBlank(bytes[start]!)) start++;
  return parseUnboundedDouble(bytes, start, end);
}

function isBlank(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

/** Two arguments as a range of names; `undefined`, and the error is replied, if they are none. */
export function lexRange({ args, reply }: Call, minIndex: number, maxIndex: number): LexRange | undefined {
  const range = LexRange.parse(args.view(minIndex), args.view(maxIndex));
  if (range === undefined) reply.error(NOT_LEX_RANGE);
  return range;
}

/** A run of members: `count` of them from `rank` on, in ascending order. */
export interface RankRun {
  readonly rank: number;
  readonly count: number;
}

/** The members of a range of scores. */
export function runOfScores(set: SortedSet, { min, max, isMinOpen, isMaxOpen }: ScoreRange): RankRun {
  const rank = set.countBelow(min, isMinOpen);
  return { rank, count: Math.max(0, set.countBelow(max, !isMaxOpen) - rank) };
}

/** The members of a range of names. */
export function runOfNames(set: SortedSet, range: LexRange): RankRun {
  const rank = set.countBeforeRange(range);
  return { rank, count: Math.max(0, set.countThroughRange(range) - rank) };
}

/** The members between two places, which count from the end if they are negative. */
export function runOfRanks(set: SortedSet, start: number, stop: number): RankRun {
  const { size } = set;
  const first = Math.max(0, start < 0 ? size + start : start);
  const last = Math.min(size - 1, stop < 0 ? size + stop : stop);
  return { rank: first, count: first > last ? 0 : last - first + 1 };
}

/** How many keys follow argument `index`, which says so; NaN, and the error is replied, if that cannot be. */
export function keyCount(call: Call, index: number): number {
  const count = call.integer(index);
  if (Number.isNaN(count)) return Number.NaN;
  if (count < 1) {
    call.reply.error(`ERR at least 1 input key is needed for '${call.command.name}' command`);
    return Number.NaN;
  }
  if (count <= call.args.count - index - 1) return count;
  call.reply.error(SYNTAX_ERROR);
  return Number.NaN;
}
