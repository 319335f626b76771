import {
  type ArgumentFacts,
  type CommandFacts,
  KEY_FLAG_NAMES,
  type KeySpec,
  readCommandFacts,
} from "@kagami/ranking/commands";
import { type Reference, startRedis } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RedisConnection } from "./redis-connection.ts";
import type { Reply } from "./reply.ts";

/** Of the commands that Redis 7.0.15 has too: it cannot be asked about ours, nor about those of later versions. */
const FACTS = new Map(
  [...readCommandFacts()].filter(
    ([, { group, since }]) =>
      group !== "board" && group !== "internal" && group !== "window" && !since.startsWith("7.4"),
  ),
);
/** Left to later issues: streams, functions, cluster, replication, modules. */
const ABSENT = (
  "asking cluster failover fcall fcall_ro function module psync readonly readwrite replconf restore-asking " +
  "sync xack xadd xautoclaim xclaim xdel xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim"
).split(" ");

type Plain = string | number | null | Plain[] | { [key: string]: Plain };

let redis: Reference;
let infoByName: ReadonlyMap<string, Plain[]>;
let docsByName: { [name: string]: Plain };

beforeAll(async () => {
  redis = await startRedis();
  const connection = await RedisConnection.open(redis.port);
  await connection.call("HELLO", "3");
  const infos = plain(await connection.call("COMMAND")) as Plain[][];
  infoByName = new Map(infos.map((info) => [String(info[0]), info]));
  docsByName = plain(await connection.call("COMMAND", "DOCS")) as { [name: string]: Plain };
  await connection.close();
});
afterAll(() => redis.stop());

test("the tables have every command of Redis 7.0.15 but those left to later", () => {
  expect(redis.version).toBe("7.0.15");
  const commands = [...FACTS.keys()].filter((name) => !name.includes("|"));
  expect([...commands, ...ABSENT].toSorted()).toEqual([...infoByName.keys()].toSorted());
});

test.each([...FACTS.values()].filter(({ name }) => !name.includes("|")))("$name is as COMMAND says", (facts) => {
  expect(infoOf(facts)).toEqual(withoutNotes(infoByName.get(facts.name) as Plain[]));
});

test.each([...FACTS.values()].filter(({ name }) => !name.includes("|")))("$name is as COMMAND DOCS says", (facts) => {
  expect(docsOf(facts)).toEqual(withoutProse(docsByName[facts.name] as { [key: string]: Plain }));
});

test.each([...FACTS.values()])("$name is described in one sentence", ({ summary, complexity }) => {
  expect(summary).toMatch(/^[A-Z][^.]{10,90}[^.]$/);
  expect(complexity).toMatch(/^(?:O\(|by )/);
});

/** Our facts in the shape of `COMMAND`. */
function infoOf(facts: CommandFacts): Plain[] {
  return [
    facts.name,
    facts.arity,
    [...facts.flags],
    facts.firstKey,
    facts.lastKey,
    facts.keyStep,
    facts.categories.map((category) => `@${category}`),
    [...facts.tips],
    facts.keySpecs.map(specOf),
    facts.subcommands.map(infoOf),
  ];
}

function specOf({ flags, beginSearch, findKeys }: KeySpec): Plain {
  const names = KEY_FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  let begin: Plain = {};
  if (beginSearch.type === "index") begin = { index: beginSearch.index };
  else if (beginSearch.type === "keyword") begin = { keyword: beginSearch.keyword, startfrom: beginSearch.startFrom };
  let find: Plain = {};
  if (findKeys.type === "range") {
    find = { lastkey: findKeys.lastKey, keystep: findKeys.keyStep, limit: findKeys.limit };
  } else if (findKeys.type === "keynum") {
    find = { keynumidx: findKeys.keyNumIndex, firstkey: findKeys.firstKey, keystep: findKeys.keyStep };
  }
  return {
    flags: names,
    begin_search: { type: beginSearch.type, spec: begin },
    find_keys: { type: findKeys.type, spec: find },
  };
}

/** The notes at the key specifications are Redis's prose. */
function withoutNotes(info: Plain[]): Plain[] {
  const specs = (info[8] as { [key: string]: Plain }[]).map(({ notes: _notes, ...spec }) => spec);
  const subcommands = (info[9] as Plain[][]).map(withoutNotes);
  return [...info.slice(0, 8), specs, subcommands.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))];
}

function docsOf(facts: CommandFacts): { [key: string]: Plain } {
  const subcommands = facts.subcommands.map((subcommand) => [subcommand.name, docsOf(subcommand)]);
  const flags = [...(facts.deprecated ? ["deprecated"] : []), ...(facts.isInternal ? ["syscmd"] : [])];
  return {
    since: facts.since,
    group: facts.group,
    ...(flags.length > 0 ? { doc_flags: flags } : {}),
    ...(facts.deprecated ? { deprecated_since: facts.deprecated.since } : {}),
    ...(facts.arguments.length > 0 ? { arguments: facts.arguments.map(argumentOf) } : {}),
    ...(subcommands.length > 0 ? { subcommands: Object.fromEntries(subcommands) } : {}),
  };
}

function argumentOf(argument: ArgumentFacts): Plain {
  const flags: string[] = [];
  if (argument.isOptional) flags.push("optional");
  if (argument.isMultiple) flags.push("multiple");
  if (argument.isTokenMultiple) flags.push("multiple_token");
  return {
    name: argument.name,
    type: argument.type,
    ...(argument.keySpecIndex === undefined ? {} : { key_spec_index: argument.keySpecIndex }),
    ...(argument.token === undefined ? {} : { token: argument.token }),
    ...(argument.since === undefined ? {} : { since: argument.since }),
    ...(argument.deprecatedSince === undefined ? {} : { deprecated_since: argument.deprecatedSince }),
    ...(flags.length === 0 ? {} : { flags }),
    ...(argument.arguments.length === 0 ? {} : { arguments: argument.arguments.map(argumentOf) }),
  };
}

/** Summary, complexity and history are prose; ours is our own, and we keep no history. */
function withoutProse(docs: { [key: string]: Plain }): { [key: string]: Plain } {
  const { summary: _summary, complexity: _complexity, history: _history, replaced_by: _replacedBy, ...rest } = docs;
  if (rest.subcommands === undefined) return rest;
  const subcommands = Object.entries(rest.subcommands as { [key: string]: { [key: string]: Plain } });
  return { ...rest, subcommands: Object.fromEntries(subcommands.map(([name, sub]) => [name, withoutProse(sub)])) };
}

/** A reply as plain values: maps as objects, numbers as numbers. */
function plain(reply: Reply): Plain {
  if (reply.kind === "map") {
    const entries: [string, Plain][] = [];
    for (let i = 0; i < reply.items.length; i += 2) {
      entries.push([String(plain(reply.items[i] as Reply)), plain(reply.items[i + 1] as Reply)]);
    }
    return Object.fromEntries(entries);
  }
  if ("items" in reply) return reply.items.map(plain);
  if (reply.kind === "integer") return Number(reply.text);
  return "text" in reply ? reply.text : null;
}
