import { createRandom, type Random } from "@kagami/clock";
import {
  type CallArguments,
  type CommandFacts,
  KEY_FLAG_NAMES,
  KeyPositions,
  keysOrError,
  readCommandFacts,
} from "@kagami/ranking/commands";
import { type Reference, startRedis } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeCommand, RedisConnection } from "./redis-connection.ts";
import { parseReply, type Reply } from "./reply.ts";

const OURS: ReadonlySet<string> = new Set(["board", "internal", "window"]);
/** Of the commands that Redis 7.0 has too. */
const FACTS = new Map(
  [...readCommandFacts()].filter(([, { group, since }]) => !OURS.has(group) && !since.startsWith("7.4")),
);
const CALLS_PER_COMMAND = 60;
const CALLS_OF_KEYWORD_COMMANDS = 1_500;

/** What some command takes for a keyword or a count, and what comes near. */
const WORDS = [
  ...["a", "b", "", "key\0", "KEYS", "keys", "auth", "AUTH2", "copy", "store", "STORE", "StoreDist", "store\0x"],
  ...["get", "GET", "get\0", "set", "incrby", "overflow", "limit", "by", "u8", "weights", "left", "count"],
  ...["0", "1", "2", "3", "-1", "+1", " 1", "01", "1x", "4294967297", "99999999999999999999", "1.0"],
] as const;
const KEYWORD_COMMANDS = (
  "set bitfield bitfield_ro sort sort_ro migrate georadius georadiusbymember eval evalsha eval_ro evalsha_ro zunion zinter " +
  "zdiff zunionstore zinterstore zdiffstore sintercard zintercard lmpop blmpop zmpop bzmpop object|encoding memory|usage"
).split(" ");

let redis: Reference;
let connection: RedisConnection;

beforeAll(async () => {
  redis = await startRedis();
  connection = await RedisConnection.open(redis.port);
});
afterAll(async () => {
  await connection.close();
  await redis.stop();
});

test("the keys of any call, and what happens to them, are what COMMAND GETKEYSANDFLAGS says", async () => {
  const random = createRandom(1);
  const calls = [...FACTS.values()].flatMap((facts) => callsOf(facts, random));
  const differences: string[] = [];
  for (const subcommand of ["GETKEYS", "GETKEYSANDFLAGS"]) {
    const wire = Buffer.concat(calls.map(({ words }) => encodeCommand(["COMMAND", subcommand, ...words])));
    const replies = await connection.exchange(wire, calls.length);
    for (const [i, { facts, words }] of calls.entries()) {
      const theirs = JSON.stringify(parseReply(replies[i] as Buffer));
      const ours = JSON.stringify(ourReply(subcommand, facts, words));
      if (ours !== theirs) differences.push(`${JSON.stringify(words)}: ${ours} is not ${theirs}`);
    }
  }
  expect(differences.slice(0, 10).join("\n")).toBe("");
});

test("a call of nothing that is known is refused as Redis refuses it", async () => {
  const theirs = await connection.call("COMMAND", "GETKEYS", "nothing", "a");
  expect({ kind: "error", text: `ERR ${keysOrError(undefined, argumentsOf([]), new KeyPositions())}` }).toEqual(theirs);
});

test("a call of more keys than there was room for finds them all", () => {
  const keys = new KeyPositions();
  const words = ["del", ...Array.from({ length: 10_000 }, (_, i) => `key:${i}`)];
  expect(keysOrError(FACTS.get("del"), argumentsOf(words), keys)).toBeUndefined();
  expect(keys.count).toBe(10_000);
  expect(keys.positions[9_999]).toBe(10_000);
});

function callsOf(facts: CommandFacts, random: Random): { facts: CommandFacts; words: string[] }[] {
  const name = facts.name.split("|");
  const callCount = KEYWORD_COMMANDS.includes(facts.name) ? CALLS_OF_KEYWORD_COMMANDS : CALLS_PER_COMMAND;
  return Array.from({ length: callCount }, () => {
    const atLeast = Math.max(1, Math.abs(facts.arity) - 1);
    const count = random.int(Math.max(name.length, atLeast), atLeast + 9);
    const rest = Array.from({ length: Math.max(1, count - name.length) }, () => random.pick(WORDS));
    // A container with arguments is another command: the subcommand, or none.
    if (facts.subcommands.length > 0) rest.length = 0;
    const words = [...name, ...rest];
    return { facts, words };
  }).filter(({ words }) => words.length > 1); // COMMAND GETKEYS itself wants two arguments
}

function argumentsOf(words: readonly string[]): CallArguments {
  const bytes = Buffer.from(words.join(""), "latin1");
  const starts = new Int32Array(words.length);
  const ends = new Int32Array(words.length);
  let at = 0;
  for (const [i, word] of words.entries()) {
    starts[i] = at;
    at += word.length;
    ends[i] = at;
  }
  return { bytes, starts, ends, count: words.length };
}

function ourReply(subcommand: string, facts: CommandFacts, words: readonly string[]): Reply {
  const keys = new KeyPositions();
  const error = keysOrError(facts, argumentsOf(words), keys);
  if (error !== undefined) return { kind: "error", text: `ERR ${error}` };
  const items = Array.from({ length: keys.count }, (_, i): Reply => {
    const key: Reply = { kind: "bulk", text: words[keys.positions[i] ?? -1] ?? "?" };
    if (subcommand === "GETKEYS") return key;
    const flags = KEY_FLAG_NAMES.filter(([bit]) => ((keys.flags[i] ?? 0) & bit) !== 0);
    return {
      kind: "array",
      items: [key, { kind: "array", items: flags.map(([, text]): Reply => ({ kind: "simple", text })) }],
    };
  });
  return { kind: "array", items };
}
