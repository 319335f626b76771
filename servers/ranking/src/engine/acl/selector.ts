import { bytesOfText, hasSpaces, lowerAscii, untilZero } from "./byte-text.ts";
import type { CategorySets, CommandEntry, CommandIndex } from "./catalogue.ts";
import type { RuleFault } from "./rule-faults.ts";

/** The command reads the key's value (Redis's key flag ACCESS). */
export const READ_ACCESS = 1;
/** The command changes the key (Redis's key flags INSERT, UPDATE, DELETE). */
export const WRITE_ACCESS = 2;

/** Keys that may be used, and how: bits of {@link READ_ACCESS} and {@link WRITE_ACCESS}. */
export interface KeyPattern {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly access: number;
}

/** Channels that may be used. */
export interface ChannelPattern {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/**
 * One set of rights: commands, keys, channels. A user has a root selector and may have more; a command runs if any of
 * them allows all of it.
 *
 * Rights to commands are a set of ids. `allowsFuture` tells rights that began with `+@all` from those that began with
 * nothing: it decides how they are written down. `allowsAllCommands` says that no bit need be looked at; taking any
 * command away clears it, and only `+@all` sets it.
 */
export class Selector {
  allowsAllKeys = false;
  allowsAllChannels: boolean;
  allowsAllCommands = false;
  allowsFuture = false;
  readonly commands: Int32Array;
  keyPatterns: KeyPattern[] = [];
  channelPatterns: ChannelPattern[] = [];
  /** By command id: the first arguments with which a command runs that is otherwise not allowed. */
  firstArguments = new Map<number, readonly string[]>();
  readonly #index: CommandIndex;

  /** @param allowsAllChannels The setting `acl-pubsub-default`. */
  constructor(index: CommandIndex, allowsAllChannels: boolean) {
    this.#index = index;
    this.allowsAllChannels = allowsAllChannels;
    this.commands = new Int32Array(index.wordCount);
  }

  /** A copy that shares nothing that changes. */
  clone(): Selector {
    const copy = new Selector(this.#index, this.allowsAllChannels);
    copy.allowsAllKeys = this.allowsAllKeys;
    copy.allowsAllCommands = this.allowsAllCommands;
    copy.allowsFuture = this.allowsFuture;
    copy.commands.set(this.commands);
    copy.keyPatterns = [...this.keyPatterns];
    copy.channelPatterns = [...this.channelPatterns];
    copy.firstArguments = new Map(this.firstArguments);
    return copy;
  }

  /** Whether it allows everything, so that nothing of a command need be looked at. */
  get isUnrestricted(): boolean {
    return this.allowsAllCommands && this.allowsAllKeys && this.allowsAllChannels;
  }

  /** Patterns and first arguments held: what {@link AclLimits.patternsPerUser} counts. */
  get patternCount(): number {
    let count = this.keyPatterns.length + this.channelPatterns.length;
    for (const allowed of this.firstArguments.values()) count += allowed.length;
    return count;
  }

  /** Whether the bit of a command is set; says nothing of first arguments. */
  hasCommand(id: number): boolean {
    return (this.commands[id >>> 5]! & (1 << (id & 31))) !== 0;
  }

  /**
   * Applies one rule about commands, keys or channels: the rules that may stand inside parentheses.
   *
   * @param rule Byte text. Nothing changes when a fault is returned.
   */
  apply(rule: string): RuleFault | undefined {
    switch (lowerAscii(untilZero(rule))) {
      case "allkeys":
      case "~*":
        return this.#setAllKeys(true);
      case "resetkeys":
        return this.#setAllKeys(false);
      case "allchannels":
      case "&*":
        return this.#setAllChannels(true);
      case "resetchannels":
        return this.#setAllChannels(false);
      case "allcommands":
      case "+@all":
        return this.#setAllCommands(true);
      case "nocommands":
      case "-@all":
        return this.#setAllCommands(false);
      default:
        return this.#applyNamed(rule);
    }
  }

  /** Allows or forbids a command and, if it is a container, its subcommands. */
  setCommand(command: CommandEntry, isAllowed: boolean): void {
    this.#setBit(command.id, isAllowed);
    this.firstArguments.delete(command.id);
    for (const child of command.children) this.#setBit(child.id, isAllowed);
  }

  /** Allows or forbids the commands of a category and the subcommands of its containers. */
  setCategory(category: CategorySets, isAllowed: boolean): void {
    for (let i = 0; i < this.commands.length; i++) {
      if (isAllowed) this.commands[i]! |= category.reach[i]!;
      else this.commands[i]! &= ~category.reach[i]!;
    }
    if (!isAllowed && category.members.length > 0) this.allowsAllCommands = false;
    if (this.firstArguments.size === 0) return;
    for (const member of category.members) this.firstArguments.delete(member.id);
  }

  #applyNamed(rule: string): RuleFault | undefined {
    switch (rule.charAt(0)) {
      case "~":
      case "%":
        return this.#addKeyPattern(rule);
      case "&":
        return this.#addChannelPattern(rule.slice(1));
      case "+":
        return rule.charAt(1) === "@" ? this.#applyCategory(rule, true) : this.#allowCommand(untilZero(rule.slice(1)));
      case "-":
        return rule.charAt(1) === "@" ? this.#applyCategory(rule, false) : this.#forbidCommand(rule.slice(1));
      default:
        return "syntax";
    }
  }

  #setAllKeys(isAllowed: boolean): undefined {
    this.allowsAllKeys = isAllowed;
    this.keyPatterns = [];
  }

  #setAllChannels(isAllowed: boolean): undefined {
    this.allowsAllChannels = isAllowed;
    this.channelPatterns = [];
  }

  #setAllCommands(isAllowed: boolean): undefined {
    this.commands.fill(isAllowed ? -1 : 0);
    this.allowsAllCommands = isAllowed;
    this.allowsFuture = isAllowed;
    this.firstArguments.clear();
  }

  #addKeyPattern(rule: string): RuleFault | undefined {
    if (this.allowsAllKeys) return "after-all-keys";
    let access = READ_ACCESS | WRITE_ACCESS;
    let at = 1;
    if (rule.startsWith("%")) {
      // The `~` may be missing, as in `%R`: Redis takes that as an empty pattern.
      const letters = /^%([RrWw]*)~?/.exec(rule) as RegExpExecArray;
      const asked = lowerAscii(letters[1] ?? "");
      at = letters[0].length;
      if (!["r", "w", "rw", "wr"].includes(asked)) return "syntax";
      if (at < rule.length && !letters[0].endsWith("~")) return "syntax";
      access = (asked.includes("r") ? READ_ACCESS : 0) | (asked.includes("w") ? WRITE_ACCESS : 0);
    }
    const text = rule.slice(at);
    if (hasSpaces(text)) return "syntax";
    const known = this.keyPatterns.findIndex((pattern) => pattern.text === text);
    if (known < 0) this.keyPatterns.push({ text, bytes: bytesOfText(text), access });
    else this.keyPatterns[known] = { ...this.keyPatterns[known]!, access: this.keyPatterns[known]!.access | access };
    return undefined;
  }

  #addChannelPattern(text: string): RuleFault | undefined {
    if (this.allowsAllChannels) return "after-all-channels";
    if (hasSpaces(text)) return "syntax";
    if (this.channelPatterns.some((pattern) => pattern.text === text)) return undefined;
    this.channelPatterns.push({ text, bytes: bytesOfText(text) });
    return undefined;
  }

  #allowCommand(name: string): RuleFault | undefined {
    const bar = name.lastIndexOf("|");
    if (bar < 0) {
      const command = this.#index.ofRule(name);
      if (command === undefined) return "unknown-name";
      this.setCommand(command, true);
      return undefined;
    }
    const container = this.#index.ofRule(name.slice(0, bar));
    const second = name.slice(bar + 1);
    if (container === undefined) return "unknown-name";
    if (container.parent !== undefined) return "first-argument-of-subcommand";
    if (second === "") return "syntax";
    if (container.children.length === 0) {
      const allowed = this.firstArguments.get(container.id) ?? [];
      const isKnown = allowed.some((word) => lowerAscii(word) === lowerAscii(second));
      if (!isKnown) this.firstArguments.set(container.id, [...allowed, second]);
      return undefined;
    }
    const subcommand = this.#index.ofRule(name);
    if (subcommand === undefined) return "unknown-name";
    this.setCommand(subcommand, true);
    return undefined;
  }

  #forbidCommand(name: string): RuleFault | undefined {
    const command = this.#index.ofRule(name);
    if (command === undefined) return "unknown-name";
    this.setCommand(command, false);
    return undefined;
  }

  #applyCategory(rule: string, isAllowed: boolean): RuleFault | undefined {
    const category = this.#index.category(rule.slice(2));
    if (category === undefined) return "unknown-name";
    this.setCategory(category, isAllowed);
    return undefined;
  }

  #setBit(id: number, isAllowed: boolean): void {
    if (isAllowed) {
      this.commands[id >>> 5]! |= 1 << (id & 31);
    } else {
      this.commands[id >>> 5]! &= ~(1 << (id & 31));
      this.allowsAllCommands = false;
    }
  }
}
