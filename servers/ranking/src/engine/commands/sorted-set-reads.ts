import { formatDouble } from "../../protocol/doubles.ts";
import { parseInt64 } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import { ValueType } from "../container.ts";
import { NOT_AN_INTEGER, SYNTAX_ERROR } from "../replies.ts";
import type { SortedSet } from "../structures/sorted-set.ts";
import { scanCollection } from "./collection-scan.ts";
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

function zscan(call: Call): void {
  scanCollection<SortedSet>(call, ValueType.sortedSet, (set, cursor, options) => {
    const isPacked = set.encoding === "listpack";
    const parts: Uint8Array[] = [];
    const texts: string[] = [];
    const next = set.scan(cursor, options.count, (bytes, start, end, score) => {
      if (!options.matches(bytes, start, end)) return;
      parts.push(bytes.slice(start, end));
      texts.push(scanText(score, isPacked));
    });
    const put = (): void => {
      for (const [i, part] of parts.entries()) {
        call.reply.bulkBytes(part);
        call.reply.bulkText(texts[i]!);
      }
    };
    return { next, count: 2 * parts.length, put };
  });
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
