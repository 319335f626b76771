import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AclLog,
  AclUsers,
  bytesOfText,
  byteText,
  declareUsers,
  formatUserFile,
  generatePasswordReply,
  getUserReply,
  loadUserFile,
  logReply,
} from "../../../src/engine/acl/index.ts";
import { createUsers } from "./support.ts";

const SECRET = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"; // of "secret"

test.each([
  { rules: ["on", ">secret"], line: `user alice on #${SECRET} resetchannels -@all`, why: "a password is hashed" },
  { rules: ["+@all", "-@admin"], line: "user alice off resetchannels +@all -@admin", why: "all but a category" },
  { rules: ["+get", "+config|get"], line: "user alice off resetchannels -@all +config|get +get", why: "by name" },
  { rules: ["+config", "-config|set"], line: "user alice off resetchannels -@all +config -config|set", why: "a part" },
  { rules: ["+select|0"], line: "user alice off resetchannels -@all +select|0", why: "a first argument" },
  { rules: ["%R~a", "%W~a", "%R~b"], line: "user alice off ~a %R~b resetchannels -@all", why: "rights add up" },
  {
    rules: ["&a", "(%R~b +get)"],
    line: "user alice off resetchannels &a -@all (%R~b resetchannels -@all +get)",
    why: "",
  },
  { rules: ["nopass", "reset"], line: "user alice off sanitize-payload resetchannels -@all", why: "reset" },
])("$rules is listed as $line", ({ rules, line }) => {
  const users = createUsers();
  expect(users.setUser("alice", rules).error).toBeUndefined();
  expect(users.lines()).toEqual([line, "user default on nopass ~* &* +@all"]);
});

test("one bad rule leaves everything as it was", () => {
  const users = createUsers();
  users.setUser("alice", ["on", "+get"]);
  const before = users.lines();
  expect(users.setUser("alice", ["+set", "off", "~x", "+nosuch"]).error).toBe(
    "ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL",
  );
  expect(users.setUser("bob", ["+nosuch"]).error).toBeDefined();
  expect(users.lines()).toEqual(before);
});

test("a session's user changes in place", () => {
  const users = createUsers();
  users.setUser("alice", ["on"]);
  const user = users.find("alice");
  users.setUser("alice", ["off"]);
  expect(users.find("alice")).toBe(user);
  expect(user?.isEnabled).toBe(false);
});

test("deleting tells whose sessions must close, and default stays", () => {
  const users = createUsers();
  users.setUser("alice", []);
  const alice = users.find("alice");
  expect(users.deleteUsers(["alice", "default"]).error).toBe("ERR The 'default' user cannot be removed");
  expect(users.deleteUsers(["nobody", "alice", "alice"])).toEqual({ removed: [alice] });
  expect(users.find("alice")).toBeUndefined();
});

test("loading a file closes the sessions of all but default, who keeps its object", () => {
  const users = createUsers();
  users.setUser("alice", ["on"]);
  const alice = users.find("alice");
  const content = "user alice on nopass ~a resetchannels -@all +get\nuser default off resetchannels -@all\n";
  expect(loadUserFile(users, content, "users.acl")).toEqual({ removed: [alice] });
  expect(users.find("alice")).not.toBe(alice);
  expect(users.find("default")).toBe(users.defaultUser);
  expect(users.isLoginNeeded).toBe(true);
  expect(formatUserFile(users)).toBe(content);
});

test("an open parenthesis behind other rules is a fault of its line", () => {
  const users = createUsers();
  const { error } = loadUserFile(users, "user bob on\nuser alice on (+get ~a\nuser carol +x", "f");
  expect(error).toBe(
    "f:2: Unmatched parenthesis in selector definition.f:3: Error in applying operation '+x': " +
      "Unknown command or category name in ACL. " +
      "WARNING: ACL errors detected, no change to the previously active ACL rules was performed",
  );
  expect(users.count).toBe(1);
});

describe("declared users", () => {
  test("are made, and default starts from a reset", () => {
    const users = createUsers();
    const lines = ["user default on >secret ~a +get", "user alice on nopass (+get ~b)"];
    expect(
      declareUsers(
        users,
        lines.map((line, i) => ({ lineNumber: i + 1, words: line.split(" ") })),
      ),
    ).toEqual([]);
    expect(users.lines()).toEqual([
      "user alice on nopass resetchannels -@all (~b resetchannels -@all +get)",
      `user default on sanitize-payload #${SECRET} ~a resetchannels -@all +get`,
    ]);
    expect(users.find("default")).toBe(users.defaultUser);
  });

  test("are refused together, each wrong line with its number", () => {
    const users = createUsers();
    const lines = ["user alice on", "user alice off", "user b\tb on", "user carol +nosuch", "user dave (+get", "user"];
    expect(
      declareUsers(
        users,
        lines.map((line, i) => ({ lineNumber: 10 + i, words: line.split(" ") })),
      ),
    ).toEqual([
      "line 11: Error in user declaration 'alice': Duplicate user found. A user can only be defined once in config files",
      "line 12: Spaces not allowed in ACL usernames",
      "line 13: Error loading ACL rule '+nosuch' for the user named 'carol': Unknown command or category name in ACL",
      "line 14: Error in user declaration '(+get': Unmatched parenthesis in selector definition",
      "line 15: Error in user declaration 'user': should be 'user <username> <rules>'",
    ]);
    expect(users.count).toBe(1);
  });
});

describe("authentication", () => {
  test("hashes once whether there is such a user or not, so that time does not tell", () => {
    let hashCount = 0;
    const commands = [{ name: "get", id: 0, arity: 2, categories: [], isAlwaysAllowed: false }];
    const hashPassword = (password: Uint8Array): string => {
      hashCount++;
      return byteText(password).padEnd(64, "0").slice(0, 64);
    };
    const users = new AclUsers({ catalogue: { commands }, hashPassword });
    users.setUser("alice", ["on", ">secret", ">other"]);
    users.setUser("bob", [">secret"]);
    hashCount = 0;
    const isIn = (name: string, password: string) => users.authenticate(name, bytesOfText(password)).user !== undefined;
    expect([isIn("alice", "secret"), isIn("alice", "other"), isIn("alice", "third")]).toEqual([true, true, false]);
    expect([isIn("bob", "secret"), isIn("nobody", "secret")]).toEqual([false, false]);
    expect(hashCount).toBe(5);
  });
});

test("acl-pubsub-default decides what new users, new selectors and reset ones hear", () => {
  const users = createUsers({}, true);
  users.setUser("alice", ["(+get)"]);
  users.allowsChannelsByDefault = false;
  users.setUser("bob", []);
  expect(users.lines().slice(0, 2)).toEqual([
    "user alice off &* -@all (&* -@all +get)",
    "user bob off resetchannels -@all",
  ]);
  users.setUser("alice", ["reset"]);
  expect(users.lines()[0]).toBe("user alice off sanitize-payload resetchannels -@all");
});

test("ACL GETUSER tells flags, hashes, rules and selectors", () => {
  const users = createUsers();
  users.setUser("alice", ["on", `#${SECRET}`, "~a", "&b", "+get", "(%W~c +set)"]);
  expect(getUserReply(users, "nobody")).toBeNull();
  expect(getUserReply(users, "alice")).toEqual({
    map: [
      ["flags", { set: ["on"] }],
      ["passwords", [SECRET]],
      ["commands", "-@all +get"],
      ["keys", "~a"],
      ["channels", "&b"],
      [
        "selectors",
        [
          {
            map: [
              ["commands", "-@all +set"],
              ["keys", "%W~c"],
              ["channels", ""],
            ],
          },
        ],
      ],
    ],
  });
});

test("ACL LOG gives the age in seconds from the time it is asked", () => {
  const log = new AclLog();
  const refusal = { reason: "auth", context: "multi", object: "AUTH", username: "al", clientInfo: "id=1" } as const;
  log.add({ ...refusal, timeMs: 1_000 });
  expect(logReply(log, undefined, 2_500)).toEqual([
    {
      map: [
        ["count", 1],
        ["reason", "auth"],
        ["context", "multi"],
        ["object", "AUTH"],
        ["username", "al"],
        ["age-seconds", { double: 1.5 }],
        ["client-info", "id=1"],
      ],
    },
  ]);
  expect(logReply(log, "0", 0)).toEqual([]);
  expect(logReply(log, "ReSeT", 0)).toEqual({ simple: "OK" });
  expect(logReply(log, undefined, 0)).toEqual([]);
});

test("ACL GENPASS writes the given random bytes as digits", () => {
  const bytes = (sizeBytes: number) => Uint8Array.from({ length: sizeBytes }, (_, i) => 0x0f + i);
  expect(generatePasswordReply("20", bytes)).toBe("0f101");
  expect(generatePasswordReply(undefined, bytes)).toHaveLength(64);
});

test("any rules are either taken or refused, and never leave a user half changed", () => {
  const users = createUsers();
  const piece = fc.constantFrom(
    "+",
    "-",
    "@",
    "~",
    "%R~",
    "&",
    "(",
    ")",
    ">",
    "get",
    "config|",
    "all",
    " ",
    "\0",
    "\xff",
    "*",
  );
  const rule = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 6 }), (rules) => {
      const before = users.lines();
      const { error } = users.setUser("alice", rules);
      if (error === undefined) return;
      expect(error).toMatch(/^ERR [^\r\n]*$/);
      expect(users.lines()).toEqual(before);
    }),
    { numRuns: 2_000 },
  );
});
