import type { Call } from "../call.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { CommandError, SYNTAX_ERROR } from "../replies.ts";
import { SortedSet } from "../structures/sorted-set.ts";
import {
  checkMembers,
  lexRange,
  type RankRun,
  runOfNames,
  runOfRanks,
  runOfScores,
  scoreRange,
} from "./sorted-set-arguments.ts";

const NOT_A_NUMBER = "ERR resulting score is not a number (NaN)";

const AddOption = { nx: 1, xx: 2, gt: 4, lt: 8, ch: 16, incr: 32 } as const;

const OPTION_WORDS: readonly (readonly [string, number])[] = [
  ["NX", AddOption.nx],
  ["XX", AddOption.xx],
  ["CH", AddOption.ch],
  ["INCR", AddOption.incr],
  ["GT", AddOption.gt],
  ["LT", AddOption.lt],
];

/** The bit of the option that argument `index` is, or 0. */
function optionAt({ args }: Call, index: number): number {
  const size = args.sizeOf(index);
  // Most first words are numbers.
  if (size !== 2 && size !== 4) return 0;
  for (const [word, bit] of OPTION_WORDS) if (args.isWord(index, word)) return bit;
  return 0;
}

function zadd(call: Call): void {
  const { args, reply } = call;
  let options = 0;
  let first = 2;
  for (; first < args.count; first++) {
    const option = optionAt(call, first);
    if (option === 0) break;
    options |= option;
  }
  const pairs = (args.count - first) / 2;
  if (pairs === 0 || !Number.isInteger(pairs)) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const error = conflictOf(options, pairs);
  if (error === "") addPairs(call, first, options);
  else reply.error(error);
}

function conflictOf(options: number, pairs: number): string {
  const isNx = (options & AddOption.nx) !== 0;
  const hasGt = (options & AddOption.gt) !== 0;
  const hasLt = (options & AddOption.lt) !== 0;
  if (isNx && (options & AddOption.xx) !== 0) return "ERR XX and NX options at the same time are not compatible";
  if ((isNx && (hasGt || hasLt)) || (hasGt && hasLt)) {
    return "ERR GT, LT, and/or NX options at the same time are not compatible";
  }
  if ((options & AddOption.incr) !== 0 && pairs > 1) return "ERR INCR option supports a single increment-element pair";
  return "";
}

function zincrby(call: Call): void {
  addPairs(call, 2, AddOption.incr);
}

/** What became of one member. */
const Outcome = { none: 0, same: 1, added: 2, changed: 3 } as const;

/** Adds the pairs of score and member from argument `first` on. */
function addPairs(call: Call, first: number, options: number): void {
  const { args, db, reply } = call;
  for (let i = first; i < args.count; i += 2) if (Number.isNaN(call.double(i))) return;
  checkMembers(args, first + 1, 2);
  const record = db.findForWrite(args, 1);
  const isIncr = (options & AddOption.incr) !== 0;
  if (record === 0 && (options & AddOption.xx) !== 0) {
    if (isIncr) reply.nil();
    else reply.integer(0);
    return;
  }
  const set = record === 0 ? new SortedSet(call.store) : call.container<SortedSet>(record, ValueType.sortedSet);
  if (set === undefined) return;
  let added = 0;
  let changed = 0;
  let last: number = Outcome.none;
  for (let i = first; i < args.count; i += 2) {
    last = addOne(call, set, i, options);
    if (last === Outcome.added) added++;
    else if (last === Outcome.changed) changed++;
  }
  if (record === 0) db.setContainer(args, 1, 0, set);
  if (added + changed > 0) call.modified(1, isIncr ? "zincr" : "zadd", EventClass.sortedSet);
  if (!isIncr) reply.integer((options & AddOption.ch) !== 0 ? added + changed : added);
  else if (last === Outcome.none) reply.nil();
  else reply.double(newScore);
}

/** The score that {@link addOne} came to. */
let newScore = 0;

function addOne(call: Call, set: SortedSet, index: number, options: number): number {
  const { args } = call;
  const start = args.starts[index + 1]!;
  const end = args.ends[index + 1]!;
  let score = call.double(index);
  const found = set.find(args.bytes, start, end);
  if (found === 0) {
    if ((options & AddOption.xx) !== 0) return Outcome.none;
    set.add(args.bytes, start, end, score);
    newScore = score;
    return Outcome.added;
  }
  if ((options & AddOption.nx) !== 0) return Outcome.none;
  const old = set.foundScore(found);
  if ((options & AddOption.incr) !== 0) {
    score += old;
    // Only one member is given then, so nothing was changed before.
    if (Number.isNaN(score)) throw new CommandError(NOT_A_NUMBER);
  }
  if ((options & AddOption.lt) !== 0 && score >= old) return Outcome.none;
  if ((options & AddOption.gt) !== 0 && score <= old) return Outcome.none;
  newScore = score;
  if (score === old) return Outcome.same;
  set.changeScore(found, score);
  return Outcome.changed;
}

/** A sorted set that is to be changed; `undefined`, and the reply is written, if there is none. */
function setToShrink(call: Call): { readonly record: number; readonly set: SortedSet } | undefined {
  const record = call.db.findForWrite(call.args, 1);
  if (record === 0) {
    call.reply.integer(0);
    return undefined;
  }
  const set = call.container<SortedSet>(record, ValueType.sortedSet);
  return set === undefined ? undefined : { record, set };
}

/** Tells that members were removed from the set of argument 1, and removes it if it is empty. */
function afterRemoval(call: Call, record: number, set: SortedSet, event: string): void {
  const isGone = set.size === 0;
  if (isGone) call.db.delete(record);
  call.modified(1, event, EventClass.sortedSet);
  if (isGone) call.notify(1, "del", EventClass.generic);
}

function zrem(call: Call): void {
  const { args, reply } = call;
  const target = setToShrink(call);
  if (target === undefined) return;
  const { record, set } = target;
  let removed = 0;
  for (let i = 2; i < args.count && set.size > 0; i++) {
    const found = set.find(args.bytes, args.starts[i]!, args.ends[i]!);
    if (found === 0) continue;
    set.remove(found);
    removed++;
  }
  if (removed > 0) afterRemoval(call, record, set, "zrem");
  reply.integer(removed);
}

function removeRun(call: Call, runOf: (set: SortedSet) => RankRun): void {
  const target = setToShrink(call);
  if (target === undefined) return;
  const { record, set } = target;
  const { rank, count } = runOf(set);
  if (count > 0) {
    set.removeRange(rank, count);
    afterRemoval(call, record, set, call.command.name);
  }
  call.reply.integer(count);
}

function zremrangebyrank(call: Call): void {
  const start = call.integer(2);
  if (Number.isNaN(start)) return;
  const stop = call.integer(3);
  if (!Number.isNaN(stop)) removeRun(call, (set) => runOfRanks(set, start, stop));
}

function zremrangebyscore(call: Call): void {
  const range = scoreRange(call, 2, 3);
  if (range !== undefined) removeRun(call, (set) => runOfScores(set, range));
}

function zremrangebylex(call: Call): void {
  const range = lexRange(call, 2, 3);
  if (range !== undefined) removeRun(call, (set) => runOfNames(set, range));
}

/** Commands that change members of a sorted set. */
export const SORTED_SET_CHANGES = {
  zadd,
  zincrby,
  zrem,
  zremrangebyrank,
  zremrangebyscore,
  zremrangebylex,
} as const;
