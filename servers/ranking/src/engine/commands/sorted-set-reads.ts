import { formatDouble } from "../../protocol/doubles.ts";
import { parseInt64 } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import { matchesGlob } from "../glob.ts";
import { NOT_AN_INTEGER, SYNTAX_ERROR } from "../replies.ts";
import type { SortedSet } from "../structures/sorted-set.ts";
import { lexRange, readSortedSet, runOfNames, runOfScores, scoreRange } from "./sorted-set-arguments.ts";

/** Members that ZRANDMEMBER picks at once when they may repeat; Redis has no limit and may never end. */
const MAX_PICKS = 10_000_000;
const PICK_RANGE = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";

function zcard(call: Call): void {
  const set = readSortedSet(call, 1);
  if (set !== null) call.reply.integer(set?.size ?? 0);
}

function zscore(call: Call): void {
  const set = readSortedSet(call, 1);
  if (set !== null) replyScore(call, set, 2);
}

function replyScore({ args, reply }: Call, set: SortedSet | undefined, index: number): void {
  const found = set?.find(args.bytes, args.starts[index]!, args.ends[index]!) ?? 0;
  if (set === undefined || found === 0) reply.nil();
  else reply.double(set.foundScore(found));
}

function zmscore(call: Call): void {
  const set = readSortedSet(call, 1);
  if (set === null) return;
  call.reply.array(call.args.count - 2);
  for (let i = 2; i < call.args.count; i++) replyScore(call, set, i);
}

function replyRank(call: Call, isReverse: boolean): void {
  const { args, reply } = call;
  const set = readSortedSet(call, 1);
  if (set === null) return;
  const rank = set?.rankOf(args.bytes, args.starts[2]!, args.ends[2]!) ?? -1;
  if (set === undefined || rank < 0) reply.nil();
  else reply.integer(isReverse ? set.size - 1 - rank : rank);
}

function zrank(call: Call): void {
  replyRank(call, false);
}

function zrevrank(call: Call): void {
  replyRank(call, true);
}

function zcount(call: Call): void {
  const range = scoreRange(call, 2, 3);
  if (range === undefined) return;
  const set = readSortedSet(call, 1);
  if (set !== null) call.reply.integer(set === undefined ? 0 : runOfScores(set, range).count);
}

function zlexcount(call: Call): void {
  const range = lexRange(call, 2, 3);
  if (range === undefined) return;
  const set = readSortedSet(call, 1);
  if (set !== null) call.reply.integer(set === undefined ? 0 : runOfNames(set, range).count);
}

// Picking

function zrandmember(call: Call): void {
  const { args, reply, random } = call;
  if (args.count > 2) {
    pickMany(call);
    return;
  }
  const set = readSortedSet(call, 1);
  if (set === null) return;
  if (set === undefined) reply.nil();
  else set.forEach(random.below(set.size), 1, false, (bytes, start, end) => reply.bulk(bytes, start, end));
}

function pickMany(call: Call): void {
  const { args, reply } = call;
  const wanted = parseInt64(args.bytes, args.starts[2]!, args.ends[2]!);
  if (wanted === undefined || wanted === -(2n ** 63n)) {
    reply.error(wanted === undefined ? NOT_AN_INTEGER : PICK_RANGE);
    return;
  }
  const withScores = args.count > 3;
  if (args.count > 4 || (withScores && !args.isWord(3, "WITHSCORES"))) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const set = readSortedSet(call, 1);
  if (set === null) return;
  if (wanted < -MAX_PICKS) reply.error(`ERR value is out of range, at most ${MAX_PICKS} members are picked at once`);
  else if (set === undefined || wanted === 0n) reply.array(0);
  else replyPicks(call, set, ranksOf(call, set.size, Number(wanted)), withScores);
}

/** Places at random: `wanted` different ones, or all there are; or as many as `-wanted`, each from all. */
function ranksOf({ random }: Call, size: number, wanted: number): Iterable<number> & { readonly length: number } {
  if (wanted < 0) return Array.from({ length: -wanted }, () => random.below(size));
  if (wanted >= size) return Array.from({ length: size }, (_, rank) => rank);
  // Floyd's way: each set of places has the same chance, with one number for each.
  const chosen = new Set<number>();
  for (let last = size - wanted; last < size; last++) {
    const rank = random.below(last + 1);
    chosen.add(chosen.has(rank) ? last : rank);
  }
  return [...chosen];
}

function replyPicks(
  { reply }: Call,
  set: SortedSet,
  ranks: Iterable<number> & { readonly length: number },
  withScores: boolean,
): void {
  reply.array(withScores && reply.resp === 2 ? 2 * ranks.length : ranks.length);
  for (const rank of ranks) {
    set.forEach(rank, 1, false, (bytes, start, end, score) => {
      if (withScores && reply.resp > 2) reply.array(2);
      reply.bulk(bytes, start, end);
      if (withScores) reply.double(score);
    });
  }
}

// Scanning

interface ScanOptions {
  count: number;
  /** Argument that is the pattern, or 0. */
  pattern: number;
}

/** A cursor as C's `strtoul` reads it; -1 if it is none. Beyond 32 bits it is one that nobody was given: the end. */
function cursorArgument(call: Call, index: number): number {
  const text = call.args.text(index).split("\0")[0] ?? "";
  if (text === "") return 0;
  if (!/^[+-]?\d+$/.test(text)) return -1;
  const value = BigInt(text.replace("+", ""));
  if (value >= 2n ** 64n || value <= -(2n ** 64n)) return -1;
  return value < 0n || value >= 2n ** 32n ? 2 ** 32 : Number(value);
}

function scanOptions(call: Call, first: number): ScanOptions | undefined {
  const { args, reply } = call;
  const options = { count: 10, pattern: 0 };
  for (let i = first; i < args.count; i += 2) {
    const hasValue = i + 1 < args.count;
    if (hasValue && args.isWord(i, "COUNT")) {
      options.count = call.integer(i + 1);
      if (Number.isNaN(options.count)) return undefined;
      if (options.count >= 1) continue;
    } else if (hasValue && args.isWord(i, "MATCH")) {
      options.pattern = i + 1;
      continue;
    }
    reply.error(SYNTAX_ERROR);
    return undefined;
  }
  return options;
}

function zscan(call: Call): void {
  const { args, reply } = call;
  const cursor = cursorArgument(call, 2);
  if (cursor < 0) {
    reply.error("ERR invalid cursor");
    return;
  }
  const set = readSortedSet(call, 1);
  if (set === null) return;
  if (set === undefined) {
    reply.array(2);
    reply.bulkInteger(0);
    reply.array(0);
    return;
  }
  const options = scanOptions(call, 3);
  if (options === undefined) return;
  const { pattern } = options;
  const isPacked = set.encoding === "listpack";
  const parts: Uint8Array[] = [];
  const texts: string[] = [];
  const next =
    cursor === 2 ** 32
      ? 0
      : set.scan(cursor, options.count, (bytes, start, end, score) => {
          const isWanted =
            pattern === 0 ||
            args.isWord(pattern, "*") ||
            matchesGlob(args.bytes, args.starts[pattern]!, args.ends[pattern]!, bytes, start, end, false);
          if (!isWanted) return;
          parts.push(bytes.slice(start, end));
          texts.push(scanText(score, isPacked));
        });
  reply.array(2);
  reply.bulkInteger(next);
  reply.array(2 * parts.length);
  for (const [i, part] of parts.entries()) {
    reply.bulkBytes(part);
    reply.bulkText(texts[i]!);
  }
}

/** Redis keeps whole scores of up to 2^62 in a listpack as such, and ZSCAN shows what is kept. */
function scanText(score: number, isPacked: boolean): string {
  return isPacked && Number.isInteger(score) && Math.abs(score) <= 2 ** 62
    ? String(BigInt(score))
    : formatDouble(score);
}

/** Commands that read one sorted set, but for its ranges. */
export const SORTED_SET_READS = {
  zcard,
  zscore,
  zmscore,
  zrank,
  zrevrank,
  zcount,
  zlexcount,
  zrandmember,
  zscan,
} as const;
