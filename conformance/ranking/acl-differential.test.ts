import { readFileSync } from "node:fs";
import { createRandom, type Random, seeds } from "@kagami/clock";
import type { AccessList, AclCatalogue, AclReply } from "@kagami/ranking/acl";
import { type Reference, startRedis } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accessOf, catalogueOf } from "./support/acl-commands.ts";
import { DRY_CALLS, PASSWORDS, randomRules, USERS } from "./support/acl-generator.ts";
import { OurAcl, orderedReply } from "./support/acl-pair.ts";
import { AclWire } from "./support/acl-wire.ts";

const STREAMS = 250;
const COMMANDS_PER_STREAM = 40;

let redis: Reference;
let wire: AclWire;
let catalogue: AclCatalogue;
const accesses = new Map<string, AccessList>();

beforeAll(async () => {
  redis = await startRedis();
  wire = await AclWire.open(redis.port);
  catalogue = await catalogueOf(wire);
  for (const words of DRY_CALLS) accesses.set(words.join("\0"), await accessOf(wire, words));
  // The session's own user, so that the rules of `default` may be played with.
  await wire.ask([
    ["ACL", "SETUSER", "root", "on", "nopass", "+@all", "~*", "&*"],
    ["HELLO", "3", "AUTH", "root", "x"],
  ]);
});
afterAll(async () => {
  wire.close();
  await redis.stop();
});

/** Makes both what they are at the start. */
const RESET = [
  ["ACL", "DELUSER", "alice", "bob", "ca\xefrol", "", "nobody"],
  ["ACL", "SETUSER", "root", "on", "nopass", "+@all", "~*", "&*"],
  ["ACL", "SETUSER", "default", "reset", "on", "nopass", "+@all", "~*", "&*"],
];

function randomCommand(random: Random): string[] {
  const user = random.chance(0.02) ? random.pick(["", "sp ace", "\0", "nobody"]) : random.pick(USERS);
  const kind = random.int(0, 99);
  if (kind < 55) return ["ACL", "SETUSER", user, ...randomRules(random)];
  if (kind < 70) return ["ACL", "GETUSER", user];
  if (kind < 90) return ["ACL", "DRYRUN", user, ...random.pick(DRY_CALLS)];
  if (kind < 94) return ["ACL", "LIST"];
  if (kind < 96) return ["ACL", "USERS"];
  return ["ACL", "DELUSER", user, random.pick(USERS)];
}

async function answers(commands: readonly (readonly string[])[]): Promise<{ theirs: AclReply[]; ours: AclReply[] }> {
  const acl = new OurAcl(catalogue, accesses);
  const all = [...RESET, ...commands];
  const theirs = (await wire.ask(all)).slice(RESET.length).map(orderedReply);
  const ours = all.map((words) => orderedReply(acl.answer(words))).slice(RESET.length);
  return { theirs, ours };
}

/** Leaves out what is not needed for the two to differ, so that a failure shows a handful of commands. */
async function smallest(commands: readonly string[][]): Promise<unknown> {
  const differ = async (kept: readonly string[][]): Promise<boolean> => {
    const { theirs, ours } = await answers(kept);
    return JSON.stringify(theirs) !== JSON.stringify(ours);
  };
  let kept = [...commands];
  for (let i = kept.length - 1; i >= 0; i--) {
    const fewer = kept.toSpliced(i, 1);
    if (await differ(fewer)) kept = fewer;
  }
  return { sent: kept, ...(await answers(kept)) };
}

test("generated rules leave the same users, rights and errors as in Redis", async () => {
  for (const seed of seeds(STREAMS)) {
    const random = createRandom(seed);
    const commands = Array.from({ length: COMMANDS_PER_STREAM }, () => randomCommand(random));
    for (const user of USERS) commands.push(["ACL", "GETUSER", user]);
    commands.push(["ACL", "LIST"]);
    const { theirs, ours } = await answers(commands);
    if (JSON.stringify(theirs) === JSON.stringify(ours)) continue;
    expect.fail(`seed ${seed}: ${JSON.stringify(await smallest(commands), undefined, 1)}`);
  }
});

test("who may log in with which password is the same as in Redis", async () => {
  for (const seed of seeds(40)) {
    const random = createRandom(seed);
    const acl = new OurAcl(catalogue);
    const commands = [...RESET];
    for (let i = 0; i < 12; i++) commands.push(["ACL", "SETUSER", random.pick(USERS), ...randomRules(random)]);
    await wire.ask(commands);
    for (const words of commands) acl.answer(words);
    const pairs = [...USERS, "nobody"].flatMap((user) => PASSWORDS.map((password) => [user, password] as const));
    const session = await AclWire.open(redis.port);
    const theirs = await session.ask(pairs.map(([user, password]) => ["AUTH", user, password]));
    session.close();
    expect(
      pairs.map(([user, password]) => acl.auth(user, password)),
      `seed ${seed}`,
    ).toEqual(theirs);
  }
});

test("the rules of ACL LIST give the same user again", async () => {
  for (const seed of seeds(60)) {
    const random = createRandom(seed);
    const acl = new OurAcl(catalogue);
    for (let i = 0; i < 8; i++) acl.answer(["ACL", "SETUSER", "alice", ...randomRules(random)]);
    acl.answer(["ACL", "SETUSER", "alice", "sanitize-payload"]);
    const line = acl.users.lines().find((text) => text.startsWith("user alice "))!;
    const fresh = new OurAcl(catalogue);
    expect(fresh.answer(["ACL", "SETUSER", "alice", ...line.split(" ").slice(2)])).toEqual({ simple: "OK" });
    expect(fresh.answer(["ACL", "GETUSER", "alice"]), `seed ${seed}`).toEqual(acl.answer(["ACL", "GETUSER", "alice"]));
  }
});

test.each([
  "CAT",
  "cat nosuch",
  "CAT \r\nx",
  "GENPASS 0",
  "GENPASS 4097",
  "GENPASS 01",
  "GENPASS x",
  "LOG x",
  "LOG -5",
])("ACL %j is answered as by Redis", async (line) => {
  const words = ["ACL", ...line.split(" ")];
  await wire.askOne("ACL", "LOG", "RESET");
  expect(new OurAcl(catalogue).answer(words)).toEqual(await wire.askOne(...words));
});

test.each([{ bits: [] }, { bits: ["1"] }, { bits: ["5"] }, { bits: ["255"] }, { bits: ["4096"] }])(
  "ACL GENPASS $bits has as many digits as that of Redis",
  async ({ bits }) => {
    const theirs = (await wire.askOne("ACL", "GENPASS", ...bits)) as string;
    expect(new OurAcl(catalogue).answer(["ACL", "GENPASS", ...bits])).toHaveLength(theirs.length);
  },
);

test("ACL CAT lists the same commands for each category", async () => {
  const acl = new OurAcl(catalogue);
  for (const category of acl.answer(["ACL", "CAT"]) as string[]) {
    const words = ["ACL", "CAT", category];
    expect((acl.answer(words) as string[]).toSorted()).toEqual(((await wire.askOne(...words)) as string[]).toSorted());
  }
});

test("the catalogue that the unit tests read is that of this Redis", () => {
  const path = new URL("../../servers/ranking/testdata/acl-commands-7.0.15.json", import.meta.url);
  expect(JSON.parse(readFileSync(path, "utf8")).commands).toEqual(catalogue.commands);
});
