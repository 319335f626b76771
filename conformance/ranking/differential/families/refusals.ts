import { readCommandFacts } from "@kagami/ranking/commands";
import { command, type Family, type Step } from "../step.ts";

/** Those that Redis has too. */
const COMMANDS = [...readCommandFacts().values()].filter(({ group }) => group !== "board" && group !== "window");

/** Calls that the table of commands alone refuses: too few arguments, too many, unknown names. None of them runs. */
export const REFUSALS: Family = {
  name: "refusals",
  weight: 1,
  next: (v): Step[] => {
    if (v.chance(0.2)) {
      const name = v.one("NOSUCH", "", "\0get", "\r\n", "x".repeat(200), "GETT", "'quoted'");
      return [command(name, ...v.many(0, 20, () => v.one("a", "it's", "\r\n\0", "b".repeat(150))))];
    }
    const facts = v.random.pick(COMMANDS);
    const name = facts.name.split("|");
    if (facts.subcommands.length > 0 && v.chance(0.5))
      return [command(...name, v.one("nope", "", "x".repeat(200)), "a")];
    const isFixed = facts.arity > 0 && facts.subcommands.length === 0;
    const words = isFixed && v.chance(0.5) ? facts.arity + v.random.int(1, 3) : Math.abs(facts.arity) - 1;
    if (words < name.length) return [command("GET")];
    const spelled = v.chance(0.3) ? name.map((part) => part.toUpperCase()) : name;
    return [command(...spelled, ...Array.from({ length: words - name.length }, () => v.member()))];
  },
};
