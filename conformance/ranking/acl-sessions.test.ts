import { createRandom, seeds } from "@kagami/clock";
import {
  type AccessList,
  type AclCatalogue,
  type AclReply,
  bytesOfText,
  byteText,
  checkCommand,
  denialArgument,
  denialKind,
  denialText,
  isWithinChannels,
} from "@kagami/ranking/acl";
import { eventually, type Reference, startRedis } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accessOf, argumentsOf, catalogueOf } from "./support/acl-commands.ts";
import { CALLS, randomRules } from "./support/acl-generator.ts";
import { OurAcl } from "./support/acl-pair.ts";
import { AclWire } from "./support/acl-wire.ts";

let redis: Reference;
let wire: AclWire;
let catalogue: AclCatalogue;
const accesses = new Map<string, AccessList>();

beforeAll(async () => {
  redis = await startRedis(["--enable-debug-command", "yes"]);
  wire = await AclWire.open(redis.port);
  catalogue = await catalogueOf(wire);
  for (const words of CALLS) accesses.set(words.join("\0"), await accessOf(wire, words));
  await wire.askOne("HELLO", "3");
});
afterAll(async () => {
  wire.close();
  await redis.stop();
});

const REASONS = { 1: "command", 2: "key", 4: "channel" } as const;

/** What our engine says to a command before it runs: the error, if it is denied; and the log notes it. */
function deniedBy(acl: OurAcl, words: readonly string[]): string | undefined {
  const args = argumentsOf(words);
  const command = acl.users.context.index.ofArguments(words)!;
  const user = acl.users.find("alice")!;
  const denial = checkCommand(user, command, args, acl.access(words));
  const kind = denialKind(denial);
  if (kind === 0) return undefined;
  const at = denialArgument(denial);
  acl.log.add({
    reason: REASONS[kind as 1 | 2 | 4],
    context: "toplevel",
    object: kind === 1 ? command.name : byteText(args.bytes, args.starts[at]!, args.ends[at]!),
    username: "alice",
    clientInfo: "",
    timeMs: 0,
  });
  return denialText(denial, command.name);
}

/** ACL LOG without what depends on the clock and the connection. */
function withoutPlace(reply: AclReply): unknown {
  return (reply as { map: [string, AclReply][] }[]).map(({ map }) =>
    map.filter(([field]) => field !== "age-seconds" && field !== "client-info"),
  );
}

test("commands are denied with the same words, and logged alike", async () => {
  let denialCount = 0;
  let allowedCount = 0;
  for (const seed of seeds(60)) {
    const random = createRandom(seed);
    const acl = new OurAcl(catalogue, accesses);
    const setup = [
      ["ACL", "DELUSER", "alice"],
      ["ACL", "LOG", "RESET"],
      ["ACL", "SETUSER", "alice", "+@read", "~b*", "&a*"],
      ...Array.from({ length: 6 }, () => ["ACL", "SETUSER", "alice", ...randomRules(random)]),
      ["ACL", "SETUSER", "alice", "on", "nopass"],
    ];
    await wire.ask(setup);
    for (const words of setup) acl.answer(words);
    const session = await AclWire.open(redis.port);
    await session.askOne("AUTH", "alice", "");
    const calls = Array.from({ length: 40 }, () => random.pick(CALLS));
    const theirs = await session.ask(calls);
    session.close();
    for (const [i, words] of calls.entries()) {
      const denied = deniedBy(acl, words);
      const reply = theirs[i]!;
      const isError = typeof reply === "object" && reply !== null && "error" in reply;
      const theirDenial = isError && reply.error.startsWith("NOPERM") ? reply.error : undefined;
      expect(denied, `seed ${seed}: ${words.join(" ")}`).toBe(theirDenial);
      if (denied === undefined) allowedCount++;
      else denialCount++;
    }
    const asked = ["ACL", "LOG", "50"];
    expect(withoutPlace(acl.answer(asked)), `seed ${seed}`).toEqual(withoutPlace(await wire.askOne(...asked)));
  }
  expect(denialCount).toBeGreaterThan(300);
  expect(allowedCount).toBeGreaterThan(300);
});

test.each([
  { name: "alice", password: "wrong", why: "the password is wrong" },
  { name: "bob", password: "right", why: "the user may not log in" },
  { name: "nobody", password: "right", why: "there is no such user" },
])("a failed login is answered and logged alike: $why", async ({ name, password }) => {
  const acl = new OurAcl(catalogue);
  const setup = [
    ["ACL", "DELUSER", "alice", "bob"],
    ["ACL", "LOG", "RESET"],
    ["ACL", "SETUSER", "alice", "on", ">right"],
    ["ACL", "SETUSER", "bob", ">right"],
  ];
  await wire.ask(setup);
  for (const words of setup) acl.answer(words);
  const session = await AclWire.open(redis.port);
  const theirs = await session.askOne("aUTH", name, password);
  session.close();
  expect(acl.auth(name, password)).toEqual(theirs);
  acl.log.add({ reason: "auth", context: "toplevel", object: "aUTH", username: name, clientInfo: "", timeMs: 0 });
  expect(withoutPlace(acl.answer(["ACL", "LOG"]))).toEqual(withoutPlace(await wire.askOne("ACL", "LOG")));
});

test("AUTH with a password only is answered alike, with and without requirepass", async () => {
  const { users } = new OurAcl(catalogue);
  const ask = async (password: string) => {
    const session = await AclWire.open(redis.port);
    const replies = await session.ask([["PING"], ["AUTH", password]]);
    session.close();
    return replies;
  };
  const answer = (password: string) => {
    const result = users.authenticate(undefined, bytesOfText(password));
    const first = users.isLoginNeeded ? { error: "NOAUTH Authentication required." } : { simple: "PONG" };
    return [first, result.user === undefined ? { error: result.error } : { simple: "OK" }];
  };
  expect(answer("x")).toEqual(await ask("x"));
  await wire.askOne("CONFIG", "SET", "requirepass", "secret");
  users.setDefaultPassword(bytesOfText("secret"));
  expect(answer("x")).toEqual(await ask("x"));
  expect(answer("secret")).toEqual(await ask("secret"));
  await wire.askOne("CONFIG", "SET", "requirepass", "");
  users.setDefaultPassword(bytesOfText(""));
  expect(answer("x")).toEqual(await ask("x"));
});

test.each([
  { before: ["&*"], channels: ["a"], patterns: [], after: ["resetchannels", "&a"], why: "what it hears is kept" },
  { before: ["&*"], channels: ["a"], patterns: ["a*"], after: ["resetchannels", "&a*"], why: "the pattern is there" },
  { before: ["&*"], channels: [], patterns: ["ab*"], after: ["resetchannels", "&a*"], why: "a narrower pattern" },
  { before: ["&*"], channels: ["b"], patterns: [], after: ["resetchannels", "&a"], why: "a channel is lost" },
  { before: ["&a", "&b"], channels: ["a"], patterns: [], after: ["&c"], why: "nothing is lost" },
  { before: ["&a", "&b"], channels: ["b"], patterns: [], after: ["resetchannels", "(&b)"], why: "a selector has it" },
  { before: ["&a"], channels: ["a"], patterns: [], after: ["resetchannels", "&*"], why: "everything is allowed" },
  { before: ["(+@all &a)"], channels: ["a"], patterns: [], after: ["clearselectors"], why: "the selector is gone" },
  { before: ["&*"], channels: ["a"], patterns: [], after: ["off", "-@all", "resetkeys"], why: "no channel is lost" },
])("a subscriber stays or goes as in Redis: $why", async ({ before, channels, patterns, after }) => {
  const { users } = new OurAcl(catalogue);
  const rules = ["reset", "on", "nopass", "+@all", ...before];
  await wire.askOne("ACL", "SETUSER", "alice", ...rules);
  users.setUser("alice", rules);
  const session = await AclWire.open(redis.port);
  await session.ask([
    ["AUTH", "alice", ""],
    ...channels.map((channel) => ["SUBSCRIBE", channel]),
    ...patterns.map((pattern) => ["PSUBSCRIBE", pattern]),
  ]);
  await wire.askOne("ACL", "SETUSER", "alice", ...after);
  const result = users.setUser("alice", after);
  if (result.error !== undefined) expect.fail(result.error);
  const { keptChannels } = result;
  const isKept = (text: string, isPattern: boolean): boolean =>
    keptChannels === undefined || isWithinChannels(keptChannels, bytesOfText(text), 0, text.length, isPattern);
  const staysHere = channels.every((text) => isKept(text, false)) && patterns.every((text) => isKept(text, true));
  const list = (await wire.askOne("CLIENT", "LIST")) as string;
  expect(list.includes("user=alice")).toBe(staysHere);
  if (!staysHere) await eventually(() => session.isClosed);
  session.close();
  await eventually(async () => !((await wire.askOne("CLIENT", "LIST")) as string).includes("user=alice"));
});
