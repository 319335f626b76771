import { describe, expect, test } from "vitest";
import { AclLog, declareUsers, loadUserFile } from "../../../src/engine/acl/index.ts";
import { createUsers } from "./support.ts";

const HASHES = ["a", "b", "c"].map((digit) => `#${digit.repeat(64)}`);

test.each([
  { rules: ["~a", "~b", "&c", "~d"], says: "A user may have 3 patterns", why: "keys and channels" },
  { rules: ["+select|0", "+select|1", "+select|2", "+select|3"], says: "3 patterns", why: "first arguments" },
  { rules: ["~a", "~b", "(~c ~d)"], says: "3 patterns", why: "selectors count too" },
  { rules: ["(~a ~b ~c ~d)"], says: "3 patterns", why: "inside one selector" },
  { rules: HASHES, says: "A user may have 2 passwords", why: "hashes" },
  { rules: [">a", ">b", ">c"], says: "A user may have 2 passwords", why: "passwords" },
  { rules: ["(+get)", "(+set)", "(+del)"], says: "A user may have 2 selectors", why: "selectors" },
])("too much in one user is refused and changes nothing: $why", ({ rules, says }) => {
  const users = createUsers({ patternsPerUser: 3, passwordsPerUser: 2, selectorsPerUser: 2 });
  users.setUser("alice", ["on"]);
  const before = users.lines();
  expect(users.setUser("alice", rules.slice(0, -1)).error).toBeUndefined();
  users.deleteUsers(["alice"]);
  users.setUser("alice", ["on"]);
  const { error } = users.setUser("alice", rules);
  expect(error).toMatch(/^ERR Error in ACL SETUSER modifier '/);
  expect(error).toContain(says);
  expect(users.lines()).toEqual(before);
});

test("one user more than allowed is refused until another is deleted", () => {
  const users = createUsers({ users: 3 });
  users.setUser("alice", []);
  users.setUser("bob", []);
  expect(users.setUser("carol", []).error).toMatch(/^ERR Cannot create user 'carol': there are 3 users/);
  expect(users.setUser("bob", ["on"]).error).toBeUndefined();
  users.deleteUsers(["alice"]);
  expect(users.setUser("carol", []).error).toBeUndefined();
  expect(users.count).toBe(3);
});

test("10,000 users fit, and no more", () => {
  const users = createUsers();
  for (let i = 1; i < 10_000; i++) users.setUser(`u${i}`, []);
  expect(users.count).toBe(10_000);
  expect(users.setUser("more", []).error).toMatch(/there are 10000 users/);
});

test("rules longer than the limit are refused", () => {
  const users = createUsers({ ruleBytes: 10 });
  expect(users.setUser("alice", ["~1234", "~6789"]).error).toBeUndefined();
  expect(users.setUser("alice", ["~1234", "~67890"]).error).toBe(
    "ERR Cannot set user 'alice': its rules have 11 bytes, more than 10. Give them in several ACL SETUSER",
  );
});

describe("an ACL file", () => {
  test.each([
    { limits: { fileBytes: 20 }, text: "user alice on\nuser bob on", says: "has 25 bytes, more than 20" },
    { limits: { ruleBytes: 20 }, text: "user a\nuser alice on ~key ~other", says: "f:2: more than 20 bytes" },
    { limits: { users: 2 }, text: "user alice\nuser bob", says: "more than 2 users, default included" },
    { limits: { passwordsPerUser: 1 }, text: "user alice >a >b", says: "f:1: A user may have 1 passwords" },
  ])("is refused whole: $says", ({ limits, text, says }) => {
    const users = createUsers(limits);
    const { error } = loadUserFile(users, text, "f");
    expect(error).toContain(says);
    expect(error).toMatch(/no change to the previously active ACL rules was performed$/);
    expect(users.count).toBe(1);
  });

  test("may have as many users as the limit says", () => {
    const users = createUsers({ users: 2 });
    expect(loadUserFile(users, "user alice", "f").error).toBeUndefined();
    expect(loadUserFile(users, "user alice\nuser default", "f").error).toBeUndefined();
  });
});

test("declared users are held to the limits", () => {
  const users = createUsers({ users: 2, ruleBytes: 5 });
  expect(declareUsers(users, [{ lineNumber: 4, words: ["user", "alice", "~12345"] }])).toEqual([
    "line 4: Error in user declaration 'alice': its rules have 6 bytes, more than 5",
  ]);
  const two = ["alice", "bob"].map((name, i) => ({ lineNumber: i, words: ["user", name] }));
  expect(declareUsers(users, two)).toEqual(["more than 2 users, default included"]);
  expect(users.count).toBe(1);
});

describe("the log", () => {
  const refusal = (object: string, timeMs = 0) =>
    ({ reason: "key", context: "toplevel", object, username: "alice", clientInfo: "", timeMs }) as const;

  test("holds the latest entries up to its length", () => {
    const log = new AclLog(3);
    for (let i = 0; i < 5; i++) log.add(refusal(`k${i}`));
    expect(log.latest(10).map((entry) => entry.object)).toEqual(["k4", "k3", "k2"]);
    log.maxLength = 1;
    log.add(refusal("k5"));
    expect(log.latest(10).map((entry) => entry.object)).toEqual(["k5"]);
    log.maxLength = 0;
    log.add(refusal("k6"));
    expect(log.length).toBe(0);
  });

  test("is never longer than 10,000, whatever the setting", () => {
    const log = new AclLog(1e9);
    for (let i = 0; i < 10_010; i++) log.add(refusal(`k${i}`));
    expect(log.length).toBe(10_000);
  });

  test("cuts a long name", () => {
    const log = new AclLog();
    log.add(refusal("x".repeat(100_000)));
    expect(log.latest(1)[0]?.object).toHaveLength(65_535);
  });

  test.each([
    { secondMs: 60_000, counts: [2], why: "60 s apart is one" },
    { secondMs: 60_001, counts: [1, 1], why: "more is another" },
  ])("counts what is alike: $why", ({ secondMs, counts }) => {
    const log = new AclLog();
    log.add(refusal("k", 0));
    log.add({ ...refusal("k", secondMs), clientInfo: "latest" });
    expect(log.latest(9).map((entry) => entry.count)).toEqual(counts);
    expect(log.latest(1)[0]).toMatchObject({ timeMs: secondMs, clientInfo: "latest" });
  });

  test("looks among the ten latest only, and moves what it counts to the front", () => {
    const log = new AclLog();
    for (let i = 0; i < 11; i++) log.add(refusal(`k${i}`));
    log.add(refusal("k1"));
    log.add(refusal("k0"));
    expect(log.latest(2).map(({ object, count }) => [object, count])).toEqual([
      ["k0", 1],
      ["k1", 2],
    ]);
  });
});
