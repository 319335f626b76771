import { lowerAscii, untilZero } from "./byte-text.ts";

/** What the ACL must know of a command. The command table supplies it. */
export interface AclCommand {
  /** Lower case; a subcommand is `config|set`. */
  readonly name: string;
  /** A small whole number of its own, from 0: its bit in a user's rights. At most 65,535. */
  readonly id: number;
  /** As in Redis: counts the name, negative for "at least". A subcommand counts both words. */
  readonly arity: number;
  /** Names out of {@link ACL_CATEGORIES}, without `@`. */
  readonly categories: readonly string[];
  /** Whether everybody may run it, as AUTH, HELLO, QUIT and RESET (the flag `no_auth`). */
  readonly isAlwaysAllowed: boolean;
}

/** All commands and subcommands there are. A container (`config`) is an entry too; its order shows in ACL LIST and CAT. */
export interface AclCatalogue {
  readonly commands: readonly AclCommand[];
}

/** The categories in the order of ACL CAT, which also decides between equally good ones in ACL LIST. */
export const ACL_CATEGORIES: readonly string[] = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
];

/** A command beside its subcommands, by position in the catalogue's order. */
export interface CommandEntry extends AclCommand {
  readonly parent: CommandEntry | undefined;
  readonly children: readonly CommandEntry[];
}

interface MutableEntry extends AclCommand {
  readonly parent: CommandEntry | undefined;
  readonly children: CommandEntry[];
}

/** A category as sets of command ids, 32 to a word. */
export interface CategorySets {
  readonly name: string;
  readonly members: readonly CommandEntry[];
  /** The commands that are in it. */
  readonly own: Int32Array;
  /** What `+@name` touches: its commands, and the subcommands of those that are containers. */
  readonly reach: Int32Array;
}

/** The catalogue prepared for rules: by name, by category, and containers before their subcommands. */
export class CommandIndex {
  /** Words of a set of commands. */
  readonly wordCount: number;
  /** Each container is followed by its subcommands. */
  readonly ordered: readonly CommandEntry[];
  readonly categories: readonly CategorySets[];
  readonly #byName = new Map<string, CommandEntry>();

  /** @throws RangeError when an id is no small whole number or used twice, or a subcommand has no container. */
  constructor(catalogue: AclCatalogue) {
    const tops = catalogue.commands.filter((command) => !command.name.includes("|"));
    const ordered: CommandEntry[] = [];
    for (const top of tops) {
      const entry: MutableEntry = { ...top, parent: undefined, children: [] };
      for (const command of catalogue.commands) {
        if (!command.name.startsWith(`${top.name}|`)) continue;
        entry.children.push({ ...command, parent: entry, children: [] });
      }
      ordered.push(entry, ...entry.children);
    }
    if (ordered.length !== catalogue.commands.length) {
      throw new RangeError("Cannot index the commands: a subcommand's container is not among them");
    }
    const ids = new Set(ordered.map((entry) => entry.id));
    if (ids.size !== ordered.length || [...ids].some((id) => !Number.isInteger(id) || id < 0 || id > 65_535)) {
      throw new RangeError("Cannot index the commands: each needs an id of its own from 0 to 65535");
    }
    for (const entry of ordered) this.#byName.set(entry.name, entry);
    this.ordered = ordered;
    this.wordCount = (Math.max(...ids) >>> 5) + 1;
    this.categories = ACL_CATEGORIES.map((name) => this.#categoryOf(name));
  }

  /** The command of a rule: `get`, `config`, `config|set`, in any case; up to its first zero byte. */
  ofRule(name: string): CommandEntry | undefined {
    return this.#byName.get(lowerAscii(untilZero(name)));
  }

  /** The command that these arguments call: a container's second word picks the subcommand. */
  ofArguments(words: readonly string[]): CommandEntry | undefined {
    const base = lowerAscii(words[0] ?? "");
    const entry = base.includes("|") ? undefined : this.#byName.get(base);
    if (entry === undefined || entry.children.length === 0 || words.length < 2) return entry;
    const sub = lowerAscii(words[1] ?? "");
    return sub.includes("|") ? undefined : this.#byName.get(`${base}|${sub}`);
  }

  /** A category by its name without `@`, in any case; up to its first zero byte. */
  category(name: string): CategorySets | undefined {
    const wanted = lowerAscii(untilZero(name));
    return this.categories.find((category) => category.name === wanted);
  }

  #categoryOf(name: string): CategorySets {
    const members = this.ordered.filter((entry) => entry.categories.includes(name));
    const own = new Int32Array(this.wordCount);
    const reach = new Int32Array(this.wordCount);
    for (const member of members) {
      setBit(own, member.id);
      setBit(reach, member.id);
      for (const child of member.children) setBit(reach, child.id);
    }
    return { name, members, own, reach };
  }
}

function setBit(words: Int32Array, id: number): void {
  words[id >>> 5]! |= 1 << (id & 31);
}
