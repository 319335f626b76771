import type { Reply } from "../../reply.ts";
import { command, type Family, type Step, type Words } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { isSubset, listed, scanCommand } from "./properties.ts";

function limit(v: Vocabulary): readonly string[] {
  return v.maybe(0.3, "LIMIT", v.index(), v.index());
}

function inputs(v: Vocabulary, key: string): readonly string[] {
  const keys = [key, ...v.many(0, 3, () => v.one(v.key("z"), v.key("z"), v.key("t")))];
  return [v.chance(0.94) ? String(keys.length) : v.number(), ...keys];
}

function aggregation(v: Vocabulary, inputWords: readonly string[]): readonly string[] {
  const weights = inputWords.slice(1).map(() => v.score());
  return [
    ...v.maybe(0.4, "WEIGHTS", ...weights),
    ...v.maybe(0.4, "AGGREGATE", v.one("SUM", "MIN", "MAX", "max", "AVG")),
  ];
}

function combined(v: Vocabulary, key: string, name: string, destination: readonly string[]): readonly string[] {
  const words = inputs(v, key);
  const isDifference = name.startsWith("ZDIFF");
  const options = isDifference && v.chance(0.95) ? [] : aggregation(v, words);
  return [name, ...destination, ...words, ...options, ...(destination.length > 0 ? [] : v.maybe(0.6, "WITHSCORES"))];
}

function anyRange(v: Vocabulary): readonly string[] {
  switch (v.random.int(0, 2)) {
    case 0:
      return [v.scoreBound(), v.scoreBound(), "BYSCORE", ...v.maybe(0.3, "REV"), ...limit(v)];
    case 1:
      return [v.index(), v.index(), ...v.maybe(0.3, "REV")];
    default:
      return [v.index(), v.index(), ...v.maybe(0.2, v.one("BYSCORE")), ...v.maybe(0.3, "REV"), ...limit(v)];
  }
}

const BUILDERS: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => ["ZADD", k, ...v.many(1, 5, () => [v.score(), v.member()])],
  (v, k) => ["ZADD", k, ...v.many(1, 8, () => [v.int(0, 5), v.member()])],
  (v, k) => ["ZADD", k, ...v.many(1, 6, () => ["0", v.member()])],
  (v, k) => [
    "ZADD",
    k,
    ...v.many(0, 3, () => v.one("NX", "XX", "GT", "LT", "CH", "INCR", "ch")),
    ...v.many(1, 2, () => [v.score(), v.member()]),
  ],
  (v, k) => ["ZINCRBY", k, v.score(), v.member()],
  (v, k) => ["ZREM", k, ...v.many(1, 3, () => v.member())],
  (v, k) => [v.one("ZSCORE", "ZRANK", "ZREVRANK"), k, v.member()],
  (v, k) => ["ZMSCORE", k, ...v.many(1, 4, () => v.member())],
  (_, k) => ["ZCARD", k],
  (v, k) => ["ZCOUNT", k, v.scoreBound(), v.scoreBound()],
  (v, k) => ["ZRANGE", k, ...anyRange(v), ...v.maybe(0.4, "WITHSCORES")],
  (_, k) => ["ZRANGE", k, "0", "-1", "WITHSCORES"],
  (v, k) => ["ZREVRANGE", k, v.index(), v.index(), ...v.maybe(0.4, "WITHSCORES")],
  (v, k) => [
    v.one("ZRANGEBYSCORE", "ZREVRANGEBYSCORE"),
    k,
    v.scoreBound(),
    v.scoreBound(),
    ...v.maybe(0.4, "WITHSCORES"),
    ...limit(v),
  ],
  (v, k) => ["ZRANGESTORE", v.key("z"), k, ...anyRange(v)],
  (v, k) => ["ZREMRANGEBYRANK", k, v.index(), v.int(-2, 2)],
  (v, k) => ["ZREMRANGEBYSCORE", k, v.scoreBound(), v.scoreBound()],
  (v, k) => combined(v, k, v.one("ZUNION", "ZINTER", "ZDIFF"), []),
  (v, k) => combined(v, k, v.one("ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"), [v.key("z")]),
  (v, k) => ["ZINTERCARD", ...inputs(v, k), ...v.maybe(0.4, "LIMIT", v.count())],
  (v, k) => [v.one("ZPOPMIN", "ZPOPMAX"), k, ...v.maybe(0.5, v.count())],
  (v, k) => ["ZMPOP", ...inputs(v, k), v.one("MIN", "MAX", "MID"), ...v.maybe(0.4, "COUNT", v.count())],
  (v, k) => scanCommand("ZSCAN", v, k),
  (_, k) => ["OBJECT", "ENCODING", k],
];
/** Of sets whose members all have one score: with others the outcome hangs on the random levels of Redis's skip list. */
const BY_NAME: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => ["ZADD", k, ...v.many(1, 8, () => ["0", v.member()])],
  (v, k) => ["ZREM", k, ...v.many(1, 2, () => v.member())],
  (v, k) => ["ZLEXCOUNT", k, v.lexBound(), v.lexBound()],
  (v, k) => [v.one("ZRANGEBYLEX", "ZREVRANGEBYLEX"), k, v.lexBound(), v.lexBound(), ...limit(v)],
  (v, k) => ["ZREMRANGEBYLEX", k, v.lexBound(), v.lexBound()],
  (v, k) => ["ZRANGE", k, v.lexBound(), v.lexBound(), "BYLEX", ...v.maybe(0.3, "REV"), ...limit(v)],
  (v, k) => ["ZRANGE", k, v.lexBound(), v.lexBound(), "BYLEX", ...v.maybe(0.3, "WITHSCORES"), ...limit(v)],
  (v, k) => ["ZRANGESTORE", v.int(0, 9), k, v.lexBound(), v.lexBound(), "BYLEX", ...v.maybe(0.3, "REV"), ...limit(v)],
];

const BLOCKING: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => [v.one("BZPOPMIN", "BZPOPMAX"), k, ...v.maybe(0.3, v.key("z")), v.one("0.01", "0.01", "-1", "x")],
  (v, k) => [
    "BZMPOP",
    v.one("0.01", "0.01", "-1", "x"),
    ...inputs(v, k),
    v.one("MIN", "MAX"),
    ...v.maybe(0.4, "COUNT", v.count()),
  ],
];

/** Sorted sets. */
export const SORTED_SETS: Family = {
  name: "sorted-sets",
  weight: 6,
  next: (v): Step[] => {
    const key = v.key("z");
    const roll = v.random.int(0, 99);
    if (roll < 18) return [command(...v.random.pick(BY_NAME)(v, `x${v.int(0, 3)}`))];
    if (roll < 92) return [command(...v.spoiled(v.random.pick(BUILDERS)(v, key)))];
    if (roll < 96) return [command("ZADD", key, v.int(0, 9), v.member()), command(...v.random.pick(BLOCKING)(v, key))];
    if (roll < 97)
      return [command("ZRANDMEMBER", key, v.one("x", "-9223372036854775808", ""), ...v.maybe(0.5, "WITHSCORES"))];
    const commands: Words[] = [
      ["ZRANGE", key, "0", "-1"],
      ["ZRANDMEMBER", key, v.int(-6, 6)],
    ];
    return [{ kind: "property", commands, property: picksMembers }];
  },
};

function picksMembers(replies: readonly Reply[]): string | undefined {
  const [members, picked] = replies.map(listed);
  if (members === undefined || picked === undefined) return undefined; // both sides refuse: the wrong type
  return isSubset(picked, members) ? undefined : "ZRANDMEMBER returned what is no member";
}
