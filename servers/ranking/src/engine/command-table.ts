import type { Args } from "../protocol/args.ts";
import { Command, type Handler } from "./command.ts";
import type { CommandFacts } from "./commands/facts.ts";

const SLOTS = 4_096;
const LONGEST_NAME = 32;

/** The commands of a store by name, whatever the case. Subcommands are named with a bar: `config|get`. */
export class CommandTable {
  readonly all: Command[] = [];
  readonly #byName = new Map<string, Command>();
  readonly #slots: (Command | undefined)[] = new Array(SLOTS);
  /** What was found last: the next one is often the same. */
  #last: Command | undefined;

  /**
   * @param facts What is known of each command.
   * @param handlers What does it. A command with neither handler nor subcommands that have one is left out.
   */
  constructor(facts: ReadonlyMap<string, CommandFacts>, handlers: Readonly<Record<string, Handler>>) {
    for (const name of Object.keys(handlers)) {
      if (!facts.has(name)) throw new Error(`Nothing is known of the command "${name}"`);
    }
    for (const entry of facts.values()) {
      if (entry.name.includes("|")) continue;
      const subcommands = entry.subcommands.filter(({ name }) => handlers[name] !== undefined);
      if (handlers[entry.name] === undefined && subcommands.length === 0) continue;
      const command = this.#add(entry, handlers[entry.name]);
      for (const subcommand of subcommands) {
        const short = subcommand.name.slice(entry.name.length + 1);
        command.subcommands.set(short, this.#add(subcommand, handlers[subcommand.name]));
      }
    }
  }

  #add(facts: CommandFacts, handler: Handler | undefined): Command {
    const command = new Command(this.all.length, facts, handler);
    this.all.push(command);
    this.#byName.set(command.name, command);
    if (command.name.includes("|")) return command;
    let slot = hashText(command.name);
    while (this.#slots[slot] !== undefined) slot = (slot + 1) & (SLOTS - 1);
    this.#slots[slot] = command;
    return command;
  }

  /** By a name in lower case. */
  get(name: string): Command | undefined {
    return this.#byName.get(name);
  }

  /** The command that argument 0 names; of a container's, the container. */
  find(args: Args): Command | undefined {
    const { bytes } = args;
    const start = args.starts[0]!;
    const end = args.ends[0]!;
    if (this.#last !== undefined && isNamed(this.#last.name, bytes, start, end)) return this.#last;
    if (end - start > LONGEST_NAME) return undefined;
    let hash = end - start;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at]! & 0xdf)) | 0;
    for (let slot = (hash ^ (hash >>> 12)) & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const command = this.#slots[slot];
      if (command === undefined) return undefined;
      if (!isNamed(command.name, bytes, start, end)) continue;
      this.#last = command;
      return command;
    }
  }
}

function hashText(name: string): number {
  let hash = name.length;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + (name.charCodeAt(i) & 0xdf)) | 0;
  return (hash ^ (hash >>> 12)) & (SLOTS - 1);
}

/** Whether the bytes are this name of lower case letters, signs and digits, in any case. */
function isNamed(name: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i]!;
    const folded = byte >= 65 && byte <= 90 ? byte + 32 : byte;
    if (folded !== name.charCodeAt(i)) return false;
  }
  return true;
}
