import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { Command } from "../command.ts";
import type { ArgumentFacts } from "./arguments.ts";

/** A field of a map: its name, and what writes its value. */
type Field = readonly [name: string, write: () => void];

function writeMap(reply: ReplyWriter, fields: readonly Field[]): void {
  reply.map(fields.length);
  for (const [name, write] of fields) {
    reply.bulkText(name);
    write();
  }
}

/** Writes an entry of COMMAND DOCS: the name, and a map of what is known. Sentences are ours, and there is no history. */
export function writeDocs(reply: ReplyWriter, { name, facts, subcommands }: Command): void {
  const text = (value: string) => () => reply.bulkText(value);
  const fields: Field[] = [
    ["summary", text(facts.summary)],
    ["since", text(facts.since)],
    ["group", text(facts.group)],
    ["complexity", text(facts.complexity)],
  ];
  const flags = [...(facts.deprecated ? ["deprecated"] : []), ...(facts.isInternal ? ["syscmd"] : [])];
  if (flags.length > 0) fields.push(["doc_flags", () => writeWords(reply, flags)]);
  if (facts.deprecated) {
    fields.push(["deprecated_since", text(facts.deprecated.since)]);
    fields.push(["replaced_by", text(facts.deprecated.replacedBy)]);
  }
  if (facts.arguments.length > 0) fields.push(["arguments", () => writeArguments(reply, facts.arguments)]);
  if (subcommands.size > 0) {
    const writeAll = (): void => {
      reply.map(subcommands.size);
      for (const subcommand of subcommands.values()) writeDocs(reply, subcommand);
    };
    fields.push(["subcommands", writeAll]);
  }
  reply.bulkText(name);
  writeMap(reply, fields);
}

function writeWords(reply: ReplyWriter, words: readonly string[]): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

function writeArguments(reply: ReplyWriter, list: readonly ArgumentFacts[]): void {
  reply.array(list.length);
  for (const argument of list) writeArgument(reply, argument);
}

function writeArgument(reply: ReplyWriter, argument: ArgumentFacts): void {
  const { keySpecIndex, token, since, deprecatedSince } = argument;
  const text = (value: string) => () => reply.bulkText(value);
  const fields: Field[] = [
    ["name", text(argument.name)],
    ["type", text(argument.type)],
  ];
  if (keySpecIndex !== undefined) fields.push(["key_spec_index", () => reply.integer(keySpecIndex)]);
  if (token !== undefined) fields.push(["token", text(token)]);
  if (since !== undefined) fields.push(["since", text(since)]);
  if (deprecatedSince !== undefined) fields.push(["deprecated_since", text(deprecatedSince)]);
  const flags = [
    ...(argument.isOptional ? ["optional"] : []),
    ...(argument.isMultiple ? ["multiple"] : []),
    ...(argument.isTokenMultiple ? ["multiple_token"] : []),
  ];
  if (flags.length > 0) fields.push(["flags", () => writeWords(reply, flags)]);
  if (argument.arguments.length > 0) fields.push(["arguments", () => writeArguments(reply, argument.arguments)]);
  writeMap(reply, fields);
}
