import type { Call } from "../call.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { SortedSet } from "../structures/sorted-set.ts";
import {
  lexRange,
  type RankRun,
  readSortedSet,
  runOfNames,
  runOfRanks,
  runOfScores,
  scoreRange,
} from "./sorted-set-arguments.ts";
import { storeSortedSet } from "./sorted-set-store.ts";

type RangeKind = "auto" | "rank" | "score" | "lex";

/** What a command of the ZRANGE family fixes by its name. */
interface RangeCommand {
  readonly kind: RangeKind;
  readonly isReverse?: boolean;
  /** ZREVRANGE and the like know their direction; only ZRANGE and ZRANGESTORE take REV. */
  readonly takesRev?: boolean;
  /** Argument of the key that is read; 2 for ZRANGESTORE, which stores. */
  readonly source?: 1 | 2;
}

interface RangeOptions {
  kind: RangeKind;
  isReverse: boolean;
  withScores: boolean;
  offset: number;
  limit: number;
}

function rangeOptions(call: Call, command: RangeCommand, first: number): RangeOptions | undefined {
  const { args, reply } = call;
  const isStore = command.source === 2;
  const options = {
    kind: command.kind,
    isReverse: command.isReverse ?? false,
    withScores: false,
    offset: 0,
    limit: -1,
  };
  let takesRev = command.takesRev ?? false;
  for (let i = first; i < args.count; i++) {
    if (!isStore && args.isWord(i, "WITHSCORES")) options.withScores = true;
    else if (args.isWord(i, "LIMIT") && args.count - i > 2) {
      options.offset = call.integer(i + 1);
      if (Number.isNaN(options.offset)) return undefined;
      options.limit = call.integer(i + 2);
      if (Number.isNaN(options.limit)) return undefined;
      i += 2;
    } else if (takesRev && args.isWord(i, "REV")) {
      options.isReverse = true;
      takesRev = false;
    } else if (options.kind === "auto" && args.isWord(i, "BYLEX")) options.kind = "lex";
    else if (options.kind === "auto" && args.isWord(i, "BYSCORE")) options.kind = "score";
    else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  if (options.kind === "auto") options.kind = "rank";
  return options;
}

function conflictOf({ kind, limit, withScores }: RangeOptions): string {
  if (limit !== -1 && kind === "rank") {
    return "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
  }
  if (withScores && kind === "lex") return "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
  return "";
}

/** The run of members that a command asks for; `undefined`, and the error is replied, if its bounds are wrong. */
function runAsker(call: Call, options: RangeOptions, source: number): ((set: SortedSet) => RankRun) | undefined {
  const { kind, isReverse } = options;
  if (kind === "rank") {
    const start = call.integer(source + 1);
    if (Number.isNaN(start)) return undefined;
    const stop = call.integer(source + 2);
    if (Number.isNaN(stop)) return undefined;
    return (set) => {
      const { rank, count } = runOfRanks(set, start, stop);
      return { rank: isReverse ? set.size - 1 - rank : rank, count };
    };
  }
  const [min, max] = isReverse ? [source + 2, source + 1] : [source + 1, source + 2];
  if (kind === "score") {
    const range = scoreRange(call, min, max);
    return range === undefined ? undefined : (set) => limited(runOfScores(set, range), options);
  }
  const range = lexRange(call, min, max);
  return range === undefined ? undefined : (set) => limited(runOfNames(set, range), options);
}

/** What LIMIT leaves of a run, from the side that it is read from. A negative offset leaves nothing, as in Redis. */
function limited({ rank, count }: RankRun, { isReverse, offset, limit }: RangeOptions): RankRun {
  const left = offset < 0 ? 0 : Math.max(0, count - offset);
  const taken = limit < 0 ? left : Math.min(left, limit);
  return { rank: isReverse ? rank + count - 1 - offset : rank + offset, count: taken };
}

function range(call: Call, command: RangeCommand): void {
  const source = command.source ?? 1;
  const options = rangeOptions(call, command, source + 3);
  if (options === undefined) return;
  const error = conflictOf(options);
  if (error !== "") {
    call.reply.error(error);
    return;
  }
  const runOfSet = runAsker(call, options, source);
  if (runOfSet === undefined) return;
  const set = readSortedSet(call, source);
  if (set === null) return;
  const run = set === undefined ? { rank: 0, count: 0 } : runOfSet(set);
  if (source === 2) store(call, set, run, options.isReverse);
  else replyRun(call, set, run, options);
}

function replyRun(
  { reply }: Call,
  set: SortedSet | undefined,
  { rank, count }: RankRun,
  { withScores, isReverse }: RangeOptions,
): void {
  const isNested = withScores && reply.resp > 2;
  reply.array(withScores && !isNested ? 2 * count : count);
  set?.forEach(rank, count, isReverse, (bytes, start, end, score) => {
    if (isNested) reply.array(2);
    reply.bulk(bytes, start, end);
    if (withScores) reply.double(score);
  });
}

function store(call: Call, set: SortedSet | undefined, { rank, count }: RankRun, isReverse: boolean): void {
  const first = isReverse ? rank - count + 1 : rank;
  const outcome = set === undefined || count === 0 ? new SortedSet(call.store) : set.part(first, count);
  storeSortedSet(call, outcome, "zrangestore");
  call.reply.integer(count);
}

/** Commands that read or store ranges of a sorted set. */
export const SORTED_SET_RANGES = {
  zrange: (call: Call): void => range(call, { kind: "auto", takesRev: true }),
  zrangestore: (call: Call): void => range(call, { kind: "auto", takesRev: true, source: 2 }),
  zrevrange: (call: Call): void => range(call, { kind: "rank", isReverse: true }),
  zrangebyscore: (call: Call): void => range(call, { kind: "score" }),
  zrevrangebyscore: (call: Call): void => range(call, { kind: "score", isReverse: true }),
  zrangebylex: (call: Call): void => range(call, { kind: "lex" }),
  zrevrangebylex: (call: Call): void => range(call, { kind: "lex", isReverse: true }),
} as const;
