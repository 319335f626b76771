import type { Reply } from "../../reply.ts";
import { command, type Family, type Step } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { isSubset, listed, scanCommand } from "./properties.ts";

const DUMP_AND_RESTORE =
  "local d = redis.call('DUMP', KEYS[1]) if d then return redis.call('RESTORE', KEYS[2], ARGV[1], d, 'REPLACE') end return d";

function anyKey(v: Vocabulary): string {
  return v.key(v.one("s", "h", "l", "t", "z"));
}

const BUILDERS: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => ["EXPIRE", k, v.seconds(), ...v.many(0, 2, () => v.one("NX", "XX", "GT", "LT", "gt", "ZZ"))],
  (v, k) => ["PEXPIRE", k, v.milliseconds(), ...v.many(0, 1, () => v.one("NX", "XX", "GT", "LT"))],
  (v, k) => ["EXPIREAT", k, v.unixSeconds(), ...v.many(0, 1, () => v.one("NX", "XX", "GT", "LT"))],
  (v, k) => ["PEXPIREAT", k, v.unixMilliseconds(), ...v.many(0, 1, () => v.one("NX", "XX", "GT", "LT"))],
  (v, k) => [v.one("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "TYPE", "PERSIST"), k],
  (v, k) => [v.one("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"), k],
  (v, k) => [v.one("RENAME", "RENAMENX"), k, anyKey(v)],
  (v, k) => ["COPY", k, anyKey(v), ...v.maybe(0.3, "DB", v.one("0", "1", "2", "16", "x")), ...v.maybe(0.5, "REPLACE")],
  (v, k) => [v.one("DEL", "UNLINK", "EXISTS", "TOUCH"), k, ...v.many(0, 2, () => anyKey(v))],
  (v, k) => ["OBJECT", v.one("ENCODING", "REFCOUNT", "FREQ", "HELP", "NOPE"), k],
  (v, k) => [v.one("SORT", "SORT", "SORT_RO"), v.one(k, v.key("l"), v.key("t"), v.key("z")), ...sortOptions(v)],
  (v) => ["SORT", v.key("l"), ...v.maybe(0.5, "ALPHA"), "STORE", v.key("l")],
  (v) => scanCommand("SCAN", v),
  (v) => ["KEYS", v.one("*", "s*", "?[0-3]", "[^s]*", "", "\\*", "h\\?", "*1*", "[z-a]1", "s[")],
  () => ["DBSIZE"],
  (v, k) => ["EVAL", DUMP_AND_RESTORE, "2", k, anyKey(v), v.one("0", "100000000", "-1", "x")],
  (v, k) => [
    "RESTORE",
    k,
    v.one("0", "-1", "x"),
    v.one("", "abc", "\0\0\0\0\0\0\0\0\0\0\0\0"),
    ...v.maybe(0.3, "REPLACE"),
  ],
];

/** What depends on or changes the chosen database; goes back to 0 at the end. */
function databaseSteps(v: Vocabulary): Step[] {
  const key = anyKey(v);
  switch (v.random.int(0, 3)) {
    case 0:
      return [command("MOVE", key, v.one("1", "2", "0", "16", "-1", "x"))];
    case 1:
      return [command("SWAPDB", v.one("0", "1"), v.one("1", "2", "16", "x"))];
    case 2:
      return [command("SELECT", v.one("16", "-1", "x", "")), command("SELECT", "0")];
    default: {
      const inner = [command(...v.random.pick(BUILDERS)(v, key)), command("MOVE", key, "0")];
      return [command("SELECT", v.one("1", "2")), ...inner, command("SELECT", "0")];
    }
  }
}

function sortOptions(v: Vocabulary): readonly string[] {
  // What sorts alike comes in the order of a hash table, so such a result is not stored.
  const isStored = v.chance(0.1);
  const options = [
    v.maybe(isStored ? 0 : 0.3, "BY", v.one("s*", "nosort", "h*->a", "none", "z*")),
    v.maybe(0.3, "LIMIT", v.index(), v.index()),
    v.maybe(0.3, "GET", v.one("s*", "#", "h*->a", "x")),
    v.maybe(0.2, "GET", "#"),
    v.maybe(0.3, v.one("ASC", "DESC")),
    v.maybe(0.6, "ALPHA"),
    isStored ? ["STORE", v.key("l")] : [],
  ];
  return v.random.shuffle(options).flat();
}

/** Keys of every type. */
export const KEYS: Family = {
  name: "keys",
  weight: 4,
  next: (v): Step[] => {
    const roll = v.random.int(0, 99);
    if (roll < 88) return [command(...v.spoiled(v.random.pick(BUILDERS)(v, anyKey(v))))];
    if (roll < 97) return databaseSteps(v);
    return [{ kind: "property", commands: [["KEYS", "*"], ["RANDOMKEY"]], property: picksKey }];
  },
};

function picksKey([all, picked]: readonly Reply[]): string | undefined {
  const keys = all === undefined ? [] : (listed(all) ?? []);
  if (picked?.kind === "null") return keys.length === 0 ? undefined : "RANDOMKEY found none although there are keys";
  return picked?.kind === "bulk" && isSubset([picked.text], keys) ? undefined : "RANDOMKEY returned what is no key";
}
