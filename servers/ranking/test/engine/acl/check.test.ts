import { describe, expect, test } from "vitest";
import {
  type AccessList,
  AclUsers,
  allowsReadingAnyKey,
  bytesOfText,
  checkChannel,
  checkCommand,
  checkKey,
  DENIED_CHANNEL,
  DENIED_COMMAND,
  DENIED_KEY,
  denialArgument,
  denialKind,
  denialText,
  READ_ACCESS,
  revokedText,
  scriptDenialReason,
  WRITE_ACCESS,
} from "../../../src/engine/acl/index.ts";
import { accessOf, argumentsOf, createUsers } from "./support.ts";

const NONE = accessOf([]);
const R = READ_ACCESS;
const W = WRITE_ACCESS;

/** The kind and argument of the denial of a command for a user with these rules. */
function denial(rules: readonly string[], words: readonly string[], list: AccessList = NONE): [number, number] {
  const users = createUsers();
  const result = users.setUser("alice", rules);
  if (result.error !== undefined) throw new Error(result.error);
  const command = users.context.index.ofArguments(words)!;
  const found = checkCommand(result.user, command, argumentsOf(...words), list);
  return [denialKind(found), denialArgument(found)];
}

const COPY = accessOf([
  [1, R],
  [2, W],
]);

test.each([
  { rules: [], words: ["get", "a"], gives: [DENIED_COMMAND, 0], why: "a new user may do nothing" },
  { rules: [], words: ["auth", "x"], gives: [0, 0], why: "but log in" },
  { rules: ["+config"], words: ["config", "get", "x"], gives: [0, 0], why: "a container allows its parts" },
  { rules: ["+config|get"], words: ["config", "set", "x", "y"], gives: [DENIED_COMMAND, 0], why: "a part only" },
  { rules: ["+select|0"], words: ["select", "0"], gives: [0, 0], why: "this first argument" },
  { rules: ["+select|0"], words: ["select", "1"], gives: [DENIED_COMMAND, 0], why: "no other" },
  { rules: ["+debug|Sleep"], words: ["debug", "sLEEP", "0"], gives: [0, 0], why: "in any case" },
  { rules: ["+select|0", "-select"], words: ["select", "0"], gives: [DENIED_COMMAND, 0], why: "taken back" },
])("$rules and $words: $why", ({ rules, words, gives }) => {
  expect(denial(rules, words)).toEqual(gives);
});

test.each([
  { rules: ["+copy", "~*"], gives: [0, 0], why: "all keys" },
  { rules: ["+copy", "~a"], gives: [DENIED_KEY, 2], why: "the second key is not allowed" },
  { rules: ["+copy", "~b"], gives: [DENIED_KEY, 1], why: "the first key is not allowed" },
  { rules: ["+copy", "%R~a", "%W~b"], gives: [0, 0], why: "one is read, one written" },
  { rules: ["+copy", "%W~a", "%W~b"], gives: [DENIED_KEY, 1], why: "the first is read" },
  { rules: ["+copy", "%R~*"], gives: [DENIED_KEY, 2], why: "the second is written" },
  { rules: ["+copy", "(~a)", "(~b +copy)"], gives: [DENIED_KEY, 1], why: "selectors do not add up" },
  { rules: ["(+copy ~b)", "(+copy ~a)"], gives: [DENIED_KEY, 2], why: "the furthest is told" },
  { rules: ["+get", "(+copy ~a ~b)"], gives: [0, 0], why: "one selector allows all of it" },
])("COPY a b with $rules: $why", ({ rules, gives }) => {
  expect(denial(rules, ["copy", "a", "b"], COPY)).toEqual(gives);
});

test.each([
  { rules: ["+psubscribe", "&a*"], isPattern: true, channel: "a*", gives: [0, 0], why: "the same pattern" },
  { rules: ["+psubscribe", "&a*"], isPattern: true, channel: "ab*", gives: [DENIED_CHANNEL, 1], why: "a narrower one" },
  { rules: ["+psubscribe", "&a*"], isPattern: false, channel: "ab", gives: [0, 0], why: "a channel within" },
  { rules: ["+psubscribe", "&*"], isPattern: true, channel: "x*", gives: [0, 0], why: "all channels" },
  {
    rules: ["+psubscribe", "&a"],
    isPattern: true,
    channel: "a\0*",
    gives: [DENIED_CHANNEL, 1],
    why: "whole, not up to 0",
  },
])("a channel $channel with $rules: $why", ({ rules, isPattern, channel, gives }) => {
  expect(denial(rules, ["psubscribe", channel], accessOf([], [[1, isPattern]]))).toEqual(gives);
});

test("a user who may do everything is one branch", () => {
  const users = createUsers();
  expect(users.defaultUser.isUnrestricted).toBe(true);
  const unrestricted = (rules: string[]): boolean => {
    const result = users.setUser("alice", ["reset", ...rules]);
    return result.error === undefined && result.user.isUnrestricted;
  };
  expect(unrestricted(["+@all", "~*", "&*"])).toBe(true);
  expect(unrestricted(["(+@all ~* &*)"])).toBe(true);
  expect(unrestricted(["+@all", "~*"])).toBe(false);
  expect(unrestricted(["+@all", "~*", "&*", "-get"])).toBe(false);
  expect(unrestricted(["+@all", "~*", "&*", "-@admin"])).toBe(false);
  users.setUser("default", ["-get"]);
  expect(users.defaultUser.isUnrestricted).toBe(false);
});

test("single keys and channels are checked over all selectors", () => {
  const users = createUsers();
  const result = users.setUser("alice", ["%R~a*", "(%W~b &c)"]);
  if (result.error !== undefined) throw new Error(result.error);
  const { user } = result;
  const key = (text: string, read: boolean, write: boolean) =>
    checkKey(user, bytesOfText(`<${text}>`), 1, 1 + text.length, read, write);
  expect([key("ab", true, false), key("ab", false, true), key("b", false, true)]).toEqual([true, false, true]);
  expect([key("b", true, true), key("x", false, false)]).toEqual([false, false]);
  const channel = (text: string, isPattern: boolean) =>
    checkChannel(user, bytesOfText(text), 0, text.length, isPattern);
  expect([channel("c", false), channel("c", true), channel("d", false)]).toEqual([true, true, false]);
  expect(checkKey(users.defaultUser, bytesOfText("x"), 0, 1, true, true)).toBe(true);
  expect(checkChannel(users.defaultUser, bytesOfText("x"), 0, 1, true)).toBe(true);
});

test.each([
  { rules: ["+sort", "~*"], is: true, why: "all keys" },
  { rules: ["+sort", "%R~*"], is: true, why: "reading all keys" },
  { rules: ["+sort", "%W~*", "~a"], is: false, why: "writing is not reading" },
  { rules: ["+sort", "~a"], is: false, why: "some keys" },
  { rules: ["+sort", "~a", "(+get ~*)"], is: false, why: "another selector may read all, but not sort" },
])("SORT with BY needs to read any key: $why", ({ rules, is }) => {
  const users = createUsers();
  const result = users.setUser("alice", rules);
  if (result.error !== undefined) throw new Error(result.error);
  const command = users.context.index.ofRule("sort")!;
  const args = argumentsOf("sort", "a", "by", "w_*");
  expect(allowsReadingAnyKey(result.user, command, args, accessOf([[1, R]]))).toBe(is);
});

test.each([
  {
    kind: DENIED_COMMAND,
    reply: "NOPERM this user has no permissions to run the 'config|set' command",
    queued: "no permission to execute the command or subcommand",
    script: "can't run this command or subcommand",
  },
  {
    kind: DENIED_KEY,
    reply: "NOPERM this user has no permissions to access one of the keys used as arguments",
    queued: "no permission to touch the specified keys",
    script: "can't access at least one of the keys mentioned in the command arguments",
  },
  {
    kind: DENIED_CHANNEL,
    reply: "NOPERM this user has no permissions to access one of the channels used as arguments",
    queued: "no permission to access one of the channels used as arguments",
    script: "can't publish to the channel mentioned in the command",
  },
])("denial $kind is told at once, at EXEC and in scripts", ({ kind, reply, queued, script }) => {
  expect(denialText(kind, "config|set")).toBe(reply);
  expect(revokedText(kind)).toBe(
    `NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: ${queued}`,
  );
  expect(scriptDenialReason(kind)).toBe(script);
});

describe("a catalogue", () => {
  const command = { arity: 1, categories: [], isAlwaysAllowed: false };
  const hashPassword = () => "";
  test.each([
    { commands: [{ ...command, name: "a|b", id: 0 }], says: "container", why: "a subcommand alone" },
    { commands: ["a", "b"].map((name) => ({ ...command, name, id: 3 })), says: "id of its own", why: "an id twice" },
    { commands: [{ ...command, name: "a", id: 1.5 }], says: "id of its own", why: "no whole number" },
  ])("is refused with $why", ({ commands, says }) => {
    expect(() => new AclUsers({ catalogue: { commands }, hashPassword })).toThrow(says);
  });
});
