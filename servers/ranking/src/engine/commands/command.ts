import { Args } from "../../protocol/args.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { Call } from "../call.ts";
import type { Command, Handler } from "../command.ts";
import { matchesGlob } from "../glob.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { writeDocs } from "./command-docs.ts";
import type { CommandFacts } from "./facts.ts";
import { type HelpRow, writeHelp } from "./help.ts";
import { KeyPositions, keysOrError } from "./key-positions.ts";
import { KEY_FLAG_NAMES, type KeySpec } from "./key-spec.ts";

const HELP: readonly HelpRow[] = [
  ["(no subcommand)", "Describes all commands."],
  ["COUNT", "Counts the commands."],
  ["LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <glob>)]", "Lists the names of the commands, or of some."],
  ["INFO [<command-name> ...]", "Describes the named commands, or all."],
  ["DOCS [<command-name> ...]", "Tells what the named commands are for and how they are called, or all."],
  ["GETKEYS <full-command>", "Picks the keys out of a call."],
  ["GETKEYSANDFLAGS <full-command>", "Picks the keys out of a call, with what is done to them."],
];

function topLevel({ engine }: Call): Command[] {
  return engine.commands.all.filter(({ name }) => !name.includes("|"));
}

/** The command of the name in argument `index`, which may be a subcommand's full name. */
function named({ args, engine }: Call, index: number): Command | undefined {
  return engine.commands.get(args.text(index).toLowerCase());
}

function describeAll(call: Call): void {
  const commands = topLevel(call);
  call.reply.array(commands.length);
  for (const command of commands) writeInfo(call.reply, command);
}

function info(call: Call): void {
  const { args, reply } = call;
  if (args.count === 2) {
    describeAll(call);
    return;
  }
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    const command = named(call, i);
    if (command === undefined) reply.nil();
    else writeInfo(reply, command);
  }
}

function writeInfo(reply: ReplyWriter, { name, arity, facts, subcommands }: Command): void {
  reply.array(10);
  reply.bulkText(name);
  reply.integer(arity);
  writeWords(reply, facts.flags);
  reply.integer(facts.firstKey);
  reply.integer(facts.lastKey);
  reply.integer(facts.keyStep);
  writeWords(
    reply,
    facts.categories.map((category) => `@${category}`),
  );
  reply.set(facts.tips.length);
  for (const tip of facts.tips) reply.bulkText(tip);
  reply.set(facts.keySpecs.length);
  for (const spec of facts.keySpecs) writeKeySpec(reply, spec);
  if (subcommands.size === 0) reply.set(0);
  else reply.array(subcommands.size);
  for (const subcommand of subcommands.values()) writeInfo(reply, subcommand);
}

function writeWords(reply: ReplyWriter, words: readonly string[]): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

function flagNames(flags: number): string[] {
  return KEY_FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
}

function writeKeySpec(reply: ReplyWriter, { flags, beginSearch, findKeys }: KeySpec): void {
  reply.map(3);
  reply.bulkText("flags");
  writeWords(reply, flagNames(flags));
  reply.bulkText("begin_search");
  const begin: [string, string | number][] = [];
  if (beginSearch.type === "index") begin.push(["index", beginSearch.index]);
  else if (beginSearch.type === "keyword") {
    begin.push(["keyword", beginSearch.keyword], ["startfrom", beginSearch.startFrom]);
  }
  writeTyped(reply, beginSearch.type, begin);
  reply.bulkText("find_keys");
  const find: [string, string | number][] = [];
  if (findKeys.type === "range") {
    find.push(["lastkey", findKeys.lastKey], ["keystep", findKeys.keyStep], ["limit", findKeys.limit]);
  } else if (findKeys.type === "keynum") {
    find.push(["keynumidx", findKeys.keyNumIndex], ["firstkey", findKeys.firstKey], ["keystep", findKeys.keyStep]);
  }
  writeTyped(reply, findKeys.type, find);
}

function writeTyped(reply: ReplyWriter, type: string, fields: readonly [string, string | number][]): void {
  reply.map(2);
  reply.bulkText("type");
  reply.bulkText(type);
  reply.bulkText("spec");
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (typeof value === "number") reply.integer(value);
    else reply.bulkText(value);
  }
}

function docs(call: Call): void {
  const { args, reply } = call;
  let commands = topLevel(call);
  if (args.count > 2) {
    commands = Array.from({ length: args.count - 2 }, (_, i) => named(call, 2 + i)).filter(
      (found) => found !== undefined,
    );
  }
  reply.map(commands.length);
  for (const command of commands) writeDocs(reply, command);
}

function list(call: Call): void {
  const { args, reply, engine } = call;
  if (args.count !== 2 && (args.count !== 5 || !args.isWord(2, "FILTERBY"))) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  let isListed = (_command: Command): boolean => true;
  if (args.count === 5) {
    const given = args.text(4);
    if (args.isWord(3, "MODULE")) isListed = () => false;
    else if (args.isWord(3, "ACLCAT")) isListed = ({ categories }) => categories.includes(given.toLowerCase());
    else if (args.isWord(3, "PATTERN")) {
      const glob = args.view(4);
      isListed = ({ name }) => {
        const bytes = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
        return matchesGlob(glob, 0, glob.length, bytes, 0, bytes.length, true);
      };
    } else {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  const found = engine.commands.all.filter(isListed);
  reply.array(found.length);
  for (const { name } of found) reply.bulkText(name);
}

/** The facts of the command that a call names, its subcommand's if it is a container. */
function factsOfCall({ engine }: Call, inner: Args): CommandFacts | undefined {
  const command = engine.commands.find(inner);
  if (command === undefined || command.subcommands.size === 0 || inner.count === 1) return command?.facts;
  return command.subcommands.get(inner.text(1).toLowerCase())?.facts;
}

function getKeys(call: Call, hasFlags: boolean): void {
  const { reply } = call;
  const inner = new Args();
  inner.copyFrom(call.args, 2);
  const keys = new KeyPositions();
  const fault = keysOrError(factsOfCall(call, inner), inner, keys);
  if (fault !== undefined) {
    reply.error(`ERR ${fault}`);
    return;
  }
  reply.array(keys.count);
  for (let i = 0; i < keys.count; i++) {
    if (hasFlags) reply.array(2);
    reply.bulkBytes(inner.view(keys.positions[i]!));
    if (hasFlags) writeWords(reply, flagNames(keys.flags[i]!));
  }
}

/** COMMAND and its subcommands. */
export const COMMAND_HANDLERS: Readonly<Record<string, Handler>> = {
  command: describeAll,
  "command|count": (call) => call.reply.integer(topLevel(call).length),
  "command|docs": docs,
  "command|getkeys": (call) => getKeys(call, false),
  "command|getkeysandflags": (call) => getKeys(call, true),
  "command|help": ({ reply }) => writeHelp(reply, "COMMAND", HELP),
  "command|info": info,
  "command|list": list,
};
