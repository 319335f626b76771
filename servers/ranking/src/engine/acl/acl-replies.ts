import type { AclLog } from "./acl-log.ts";
import { byteText, lowerAscii, untilZero } from "./byte-text.ts";
import { ACL_CATEGORIES } from "./catalogue.ts";
import { type AccessList, type CommandArguments, checkCommand, denialArgument } from "./check.ts";
import { dryRunText } from "./denials.ts";
import { describeChannels, describeCommands, describeFlags, describeKeys } from "./describe.ts";
import type { Selector } from "./selector.ts";
import type { AclUsers } from "./users.ts";

/**
 * A reply as data; all texts are byte text. A `string` is a bulk string, a `number` an integer, an array an array.
 * RESP2 writes `map` and `set` as arrays (a map with its keys between) and `double` as a bulk string of 17 digits.
 * `error` lacks the leading `-`.
 */
export type AclReply =
  | string
  | number
  | null
  | readonly AclReply[]
  | { readonly map: readonly (readonly [string, AclReply])[] }
  | { readonly set: readonly string[] }
  | { readonly double: number }
  | { readonly simple: string }
  | { readonly error: string };

const OK: AclReply = { simple: "OK" };
const NOT_A_NUMBER: AclReply = { error: "ERR value is not an integer or out of range" };
const GENPASS_MAX_BITS = 4_096;

/** ACL GETUSER. */
export function getUserReply(users: AclUsers, name: string): AclReply {
  const user = users.find(name);
  if (user === undefined) return null;
  const describe = (selector: Selector): [string, AclReply][] => [
    ["commands", describeCommands(selector, users.context.index)],
    ["keys", describeKeys(selector)],
    ["channels", describeChannels(selector)],
  ];
  return {
    map: [
      ["flags", { set: describeFlags(user) }],
      ["passwords", [...user.passwords]],
      ...describe(user.root),
      ["selectors", user.others.map((selector) => ({ map: describe(selector) }))],
    ],
  };
}

/** ACL CAT, with or without a category. */
export function categoryReply(users: AclUsers, category: string | undefined): AclReply {
  if (category === undefined) return ACL_CATEGORIES;
  const found = users.context.index.category(category);
  if (found !== undefined) return found.members.map((command) => command.name);
  const shown = untilZero(category)
    .slice(0, 128)
    .replace(/[\r\n]/g, " ");
  return { error: `ERR Unknown category '${shown}'` };
}

/** Tells which arguments of a command are keys and channels; an empty list if it does not parse. */
export type FindAccess = (commandName: string, args: CommandArguments) => AccessList;

/**
 * ACL DRYRUN.
 *
 * @param args The command's own arguments; argument 0 is its name. At least one.
 */
export function dryRunReply(users: AclUsers, name: string, args: CommandArguments, findAccess: FindAccess): AclReply {
  const user = users.find(name);
  if (user === undefined) return { error: errorText(`User '${untilZero(name)}' not found`) };
  const words = [0, 1].filter((at) => at < args.count).map((at) => argumentText(args, at));
  const command = users.context.index.ofArguments(words);
  if (command === undefined) return { error: errorText(`Command '${untilZero(words[0] ?? "")}' not found`) };
  const isArityRight = command.arity > 0 ? command.arity === args.count : args.count >= -command.arity;
  if (!isArityRight) return { error: `ERR wrong number of arguments for '${command.name}' command` };
  const denial = checkCommand(user, command, args, findAccess(command.name, args));
  return dryRunText(denial, command.name, argumentText(args, denialArgument(denial))) ?? OK;
}

/** ACL LOG, with a count, with RESET, or with neither. */
export function logReply(log: AclLog, argument: string | undefined, nowMs: number): AclReply {
  if (argument !== undefined && lowerAscii(untilZero(argument)) === "reset") {
    log.reset();
    return OK;
  }
  const count = argument === undefined ? 10 : wholeNumber(argument);
  if (count === undefined) return NOT_A_NUMBER;
  return log.latest(count).map((entry) => ({
    map: [
      ["count", entry.count],
      ["reason", entry.reason],
      ["context", entry.context],
      ["object", entry.object],
      ["username", entry.username],
      ["age-seconds", { double: (nowMs - entry.timeMs) / 1000 }],
      ["client-info", entry.clientInfo],
    ],
  }));
}

/**
 * ACL GENPASS.
 *
 * @param randomBytes Returns that many bytes fit for secrets: not the engine's seeded ones. At most 512 are asked for.
 */
export function generatePasswordReply(
  argument: string | undefined,
  randomBytes: (sizeBytes: number) => Uint8Array,
): AclReply {
  const bits = argument === undefined ? 256 : wholeNumber(argument);
  if (bits === undefined) return NOT_A_NUMBER;
  if (bits <= 0 || bits > GENPASS_MAX_BITS) {
    return {
      error: `ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to ${GENPASS_MAX_BITS}`,
    };
  }
  const digitCount = Math.floor((bits + 3) / 4);
  const bytes = randomBytes(Math.ceil(digitCount / 2));
  return [...bytes]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .slice(0, digitCount);
}

function argumentText(args: CommandArguments, at: number): string {
  return byteText(args.bytes, args.starts[at]!, args.ends[at]!);
}

function errorText(text: string): string {
  return `ERR ${text.replace(/[\r\n]/g, " ")}`;
}

/** A number as Redis takes it: no spaces, no `+`, no leading zeros, within 64 bits. */
function wholeNumber(text: string): number | undefined {
  if (!/^(?:0|-?[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value === BigInt.asIntN(64, value) ? Number(value) : undefined;
}
