import { type Reply, textsOf } from "../../reply.ts";
import type { Vocabulary } from "../vocabulary.ts";

/** The texts of a list reply, or `undefined` for an error or a single value. */
export function listed(reply: Reply): string[] | undefined {
  return "items" in reply ? textsOf(reply).map(String) : undefined;
}

/** Whether all of `part` is in `whole`. */
export function isSubset(part: readonly string[], whole: readonly string[]): boolean {
  const set = new Set(whole);
  return part.every((text) => set.has(text));
}

/** One call that walks everything: cursors of two servers are not comparable, what they pass over is. */
export function scanCommand(name: string, v: Vocabulary, key?: string): readonly string[] {
  const options = [
    v.maybe(0.5, "MATCH", v.one("*", "a*", "[a-c]*", "?", "m1*", "\\a", "[^a]*", "s*")),
    ["COUNT", v.one("100000", "100000", "100000", "0", "-1", "x")],
    v.maybe(name === "SCAN" ? 0.3 : 0.02, "TYPE", v.one("string", "hash", "list", "set", "zset", "none")),
  ];
  const cursor = v.chance(0.95) ? "0" : v.one("x", "-x", "");
  return [name, ...(key === undefined ? [] : [key]), cursor, ...v.random.shuffle(options).flat()];
}
