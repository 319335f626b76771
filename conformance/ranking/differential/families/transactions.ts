import { isExact } from "../compare.ts";
import { command, type Family, type Step } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { HASHES } from "./hashes.ts";
import { LISTS } from "./lists.ts";
import { SORTED_SETS } from "./sorted-sets.ts";
import { STRINGS } from "./strings.ts";

function inner(v: Vocabulary): Step[] {
  const steps = v.one(HASHES, LISTS, SORTED_SETS, STRINGS, STRINGS).next(v);
  // EXEC's reply is compared byte for byte, so nothing random and nothing without order goes into a transaction.
  return steps.every((step) => step.kind === "command" && isExact(step.words)) ? steps : [command("PING")];
}

function fromSecond(...words: string[]): Step {
  return { kind: "command", connection: 1, words };
}

/** MULTI, EXEC, DISCARD and WATCH over two connections. Each transaction is ended. */
export const TRANSACTIONS: Family = {
  name: "transactions",
  weight: 2,
  next: (v): Step[] => {
    const key = v.key("s");
    const body = Array.from({ length: v.random.int(0, 4) }, () => inner(v)).flat();
    const watch = v.chance(0.5) ? [command("WATCH", key, ...v.many(0, 1, () => v.key("s")))] : [];
    const meanwhile = v.one<Step[]>(
      [],
      [fromSecond("SET", key, v.value())],
      [fromSecond("GET", key)],
      [fromSecond("DEL", key)],
      [fromSecond("EXPIRE", key, "-1")],
      [fromSecond("FLUSHDB")],
      [fromSecond("SET", v.key("s"), "other")],
      [command("APPEND", key, "own"), command("UNWATCH")],
    );
    const odd = v.one<Step[]>(
      [],
      [],
      [],
      [command("MULTI")],
      [command("WATCH", "a")],
      [command("NOSUCH", "a")],
      [command("GET")],
      [command("SELECT", "1"), command("SELECT", "0")],
      [command("UNWATCH")],
    );
    const late = v.chance(0.2) ? [fromSecond("SET", key, v.value())] : [];
    const end = v.chance(0.85) ? command("EXEC") : command("DISCARD");
    const stray = v.chance(0.05) ? [command(v.one("EXEC", "DISCARD"))] : [];
    return [...watch, ...meanwhile, command("MULTI"), ...body, ...odd, ...late, end, ...stray, command("UNWATCH")];
  },
};
