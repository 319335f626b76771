import { command, type Family, type Step } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";

function expiry(v: Vocabulary): readonly string[] {
  switch (v.random.int(0, 6)) {
    case 0:
      return ["EX", v.seconds()];
    case 1:
      return ["PX", v.milliseconds()];
    case 2:
      return ["EXAT", v.unixSeconds()];
    case 3:
      return ["PXAT", v.unixMilliseconds()];
    case 4:
      return [v.one("KEEPTTL", "PERSIST", "keepttl")];
    default:
      return [];
  }
}

const BUILDERS: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => ["SET", k, v.value()],
  (v, k) => [
    "SET",
    k,
    v.value(),
    ...v.random.shuffle([v.maybe(0.5, v.one("NX", "XX", "nx")), v.maybe(0.4, "GET"), expiry(v)]).flat(),
  ],
  (v, k) => [
    "SET",
    k,
    v.value(),
    ...expiry(v),
    ...v.maybe(0.3, ...expiry(v)),
    ...v.maybe(0.3, "NX"),
    ...v.maybe(0.2, "XX"),
  ],
  (_, k) => ["GET", k],
  (_, k) => ["GET", k],
  (v, k) => ["GETEX", k, ...expiry(v), ...v.maybe(0.1, "PERSIST")],
  (_, k) => ["GETDEL", k],
  (v, k) => ["GETSET", k, v.value()],
  (v, k) => ["APPEND", k, v.value()],
  (v, k) => ["SETRANGE", k, v.one(v.int(0, 50), "-1", "536870912", "9223372036854775807", "a"), v.value()],
  (v, k) => [v.one("GETRANGE", "SUBSTR"), k, v.index(), v.index()],
  (_, k) => ["STRLEN", k],
  (v, k) => [v.one("INCR", "DECR"), k],
  (v, k) => [v.one("INCRBY", "DECRBY"), k, v.number()],
  (v, k) => ["INCRBYFLOAT", k, v.chance(0.5) ? v.score() : v.number()],
  (v, k) => ["SETNX", k, v.value()],
  (v, k) => ["SETEX", k, v.seconds(), v.value()],
  (v, k) => ["PSETEX", k, v.milliseconds(), v.value()],
  (v, k) => ["MGET", k, ...v.many(0, 4, () => v.key("s"))],
  (v, k) => [v.one("MSET", "MSETNX"), k, v.value(), ...v.many(0, 3, () => [v.key("s"), v.value()])],
  (v, k) => [
    ...["LCS", k, v.key("s")],
    ...v.maybe(0.3, "LEN"),
    ...v.maybe(0.4, "IDX"),
    ...v.maybe(0.3, "MINMATCHLEN", v.count()),
    ...v.maybe(0.3, "WITHMATCHLEN"),
  ],
];

/** Strings and counters. */
export const STRINGS: Family = {
  name: "strings",
  weight: 4,
  next: (v): Step[] => [command(...v.spoiled(v.random.pick(BUILDERS)(v, v.key("s"))))],
};
