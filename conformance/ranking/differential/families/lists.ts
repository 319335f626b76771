import { command, type Family, type Step } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";

const BUILDERS: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => [v.one("LPUSH", "RPUSH", "RPUSH"), k, ...v.many(1, 6, () => v.member())],
  (v, k) => [v.one("LPUSHX", "RPUSHX"), k, ...v.many(1, 2, () => v.member())],
  (v, k) => [v.one("LPOP", "RPOP"), k, ...v.maybe(0.5, v.count())],
  (_, k) => ["LLEN", k],
  (v, k) => ["LRANGE", k, v.index(), v.index()],
  (_, k) => ["LRANGE", k, "0", "-1"],
  (v, k) => ["LINDEX", k, v.index()],
  (v, k) => ["LSET", k, v.index(), v.value()],
  (v, k) => ["LINSERT", k, v.one("BEFORE", "AFTER", "after", "X"), v.member(), v.value()],
  (v, k) => ["LREM", k, v.index(), v.member()],
  (v, k) => ["LTRIM", k, v.one("0", "1", v.index()), v.one("-1", v.index())],
  (v, k) => [
    "LPOS",
    k,
    v.member(),
    ...v.random
      .shuffle([v.maybe(0.4, "RANK", v.index()), v.maybe(0.4, "COUNT", v.count()), v.maybe(0.4, "MAXLEN", v.count())])
      .flat(),
  ],
  (v, k) => ["LMOVE", k, v.key("l"), v.one("LEFT", "RIGHT", "x"), v.one("LEFT", "RIGHT", "left")],
  (v, k) => ["RPOPLPUSH", k, v.key("l")],
  (v, k) => [
    "LMPOP",
    v.one("1", "2", "0", v.number()),
    k,
    ...v.maybe(0.5, v.key("l")),
    v.one("LEFT", "RIGHT", "x"),
    ...v.maybe(0.4, "COUNT", v.count()),
  ],
  (_, k) => ["OBJECT", "ENCODING", k],
];
/** With data first, so that none blocks; the rest times out soon. */
const BLOCKING: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => [v.one("BLPOP", "BRPOP"), k, ...v.maybe(0.3, v.key("l")), v.one("0.01", "0.01", "-1", "x", "inf", "1e400")],
  (v, k) => [
    "BLMOVE",
    k,
    v.key("l"),
    v.one("LEFT", "RIGHT"),
    v.one("LEFT", "RIGHT", "x"),
    v.one("0.01", "0.01", "-1", "x"),
  ],
  (v, k) => ["BRPOPLPUSH", k, v.key("l"), v.one("0.01", "0.01", "-1", "x")],
  (v, k) => [
    "BLMPOP",
    v.one("0.01", "0.01", "-1", "x"),
    v.one("1", "2", "0"),
    k,
    ...v.maybe(0.3, v.key("l")),
    v.one("LEFT", "RIGHT"),
    ...v.maybe(0.3, "COUNT", v.count()),
  ],
];

/** Lists. */
export const LISTS: Family = {
  name: "lists",
  weight: 3,
  next: (v): Step[] => {
    const key = v.key("l");
    if (!v.chance(0.05)) return [command(...v.spoiled(v.random.pick(BUILDERS)(v, key)))];
    return [command("RPUSH", key, v.member(), v.member()), command(...v.random.pick(BLOCKING)(v, key))];
  },
};
