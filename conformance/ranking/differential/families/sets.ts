import type { Reply } from "../../reply.ts";
import { command, type Family, type Step, type Words } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { isSubset, listed, scanCommand } from "./properties.ts";

const BUILDERS: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => ["SADD", k, ...v.many(1, 6, () => v.member())],
  (v, k) => ["SADD", k, ...v.many(1, 6, () => v.number())],
  (v, k) => ["SREM", k, ...v.many(1, 3, () => v.member())],
  (v, k) => [v.one("SCARD", "SMEMBERS"), k],
  (v, k) => ["SISMEMBER", k, v.member()],
  (v, k) => ["SMISMEMBER", k, ...v.many(1, 4, () => v.member())],
  (v, k) => ["SMOVE", k, v.key("t"), v.member()],
  (v, k) => [v.one("SINTER", "SUNION", "SDIFF"), k, ...v.many(0, 3, () => v.key("t"))],
  (v, k) => [v.one("SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"), v.key("t"), k, ...v.many(0, 3, () => v.key("t"))],
  (v, k) => [
    "SINTERCARD",
    v.one("1", "2", "2", "0", v.number()),
    k,
    ...v.maybe(0.7, v.key("t")),
    ...v.maybe(0.4, "LIMIT", v.count()),
  ],
  (v, k) => scanCommand("SSCAN", v, k),
  (_, k) => ["OBJECT", "ENCODING", k],
];

/** Sets. SPOP is judged by what it leaves; the key is deleted then, as the two servers took different members. */
export const SETS: Family = {
  name: "sets",
  weight: 3,
  next: (v): Step[] => {
    const key = v.key("t");
    if (!v.chance(0.06)) return [command(...v.spoiled(v.random.pick(BUILDERS)(v, key)))];
    if (v.chance(0.3)) return [command(v.one("SPOP", "SRANDMEMBER"), key, v.one("x", "-9223372036854775808", "1.5"))];
    if (v.chance(0.5)) {
      const commands: Words[] = [
        ["SMEMBERS", key],
        ["SRANDMEMBER", key, v.int(-5, 5)],
      ];
      return [{ kind: "property", commands, property: picksMembers }];
    }
    const commands: Words[] = [
      ["SMEMBERS", key],
      ["SPOP", key, v.int(0, 5)],
      ["SMEMBERS", key],
      ["DEL", key],
    ];
    return [{ kind: "property", commands, property: takesMembers }];
  },
};

function picksMembers(replies: readonly Reply[]): string | undefined {
  const [members, picked] = replies.map(listed);
  if (members === undefined || picked === undefined) return undefined; // both sides refuse: the wrong type
  return isSubset(picked, members) ? undefined : "SRANDMEMBER returned what is no member";
}

function takesMembers(replies: readonly Reply[]): string | undefined {
  const [before, taken, after] = replies.map(listed);
  if (before === undefined || taken === undefined || after === undefined) return undefined;
  if (!isSubset(taken, before)) return "SPOP returned what was no member";
  const left = before.filter((member) => !taken.includes(member));
  return left.toSorted().join() === after.toSorted().join() ? undefined : "SPOP left other members than it should";
}
