import type { Reply } from "../../reply.ts";
import { command, type Family, type Step, type Words } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { isSubset, listed, scanCommand } from "./properties.ts";

const BUILDERS: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => [v.one("HSET", "HSET", "HMSET"), k, ...v.many(1, 5, () => [v.member(), v.value()])],
  (v, k) => ["HSETNX", k, v.member(), v.value()],
  (v, k) => ["HGET", k, v.member()],
  (v, k) => ["HMGET", k, ...v.many(1, 4, () => v.member())],
  (v, k) => ["HDEL", k, ...v.many(1, 3, () => v.member())],
  (v, k) => [v.one("HGETALL", "HKEYS", "HVALS", "HLEN"), k],
  (v, k) => [v.one("HEXISTS", "HSTRLEN"), k, v.member()],
  (v, k) => ["HINCRBY", k, v.member(), v.number()],
  (v, k) => ["HINCRBYFLOAT", k, v.member(), v.chance(0.5) ? v.score() : v.number()],
  (v, k) => scanCommand("HSCAN", v, k),
  (_, k) => ["OBJECT", "ENCODING", k],
];

/** Hashes. */
export const HASHES: Family = {
  name: "hashes",
  weight: 3,
  next: (v): Step[] => {
    const key = v.key("h");
    if (!v.chance(0.05)) return [command(...v.spoiled(v.random.pick(BUILDERS)(v, key)))];
    const commands: Words[] = [
      ["HKEYS", key],
      ["HRANDFIELD", key, v.int(-5, 5)],
    ];
    return [
      { kind: "property", commands, property: picksFields },
      command("HRANDFIELD", "absent"),
      command("HRANDFIELD", key, "x"),
    ];
  },
};

function picksFields(replies: readonly Reply[]): string | undefined {
  const [fields, picked] = replies.map(listed);
  if (fields === undefined || picked === undefined) return undefined; // both sides refuse: the wrong type
  return isSubset(picked, fields) ? undefined : "HRANDFIELD returned what is no field";
}
