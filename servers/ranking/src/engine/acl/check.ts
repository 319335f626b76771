import { matchesGlob } from "../glob.ts";
import { bytesOfText, lowerAscii } from "./byte-text.ts";
import type { AclCommand } from "./catalogue.ts";
import type { ChannelPattern, Selector } from "./selector.ts";
import type { User } from "./user.ts";

/** The arguments of a command; argument 0 is its name. Offsets into `bytes`. */
export interface CommandArguments {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly count: number;
}

/**
 * Which arguments of a command are keys and channels, made once and filled for each command that needs it. Channels are
 * those of PUBLISH, SPUBLISH, SUBSCRIBE, SSUBSCRIBE and PSUBSCRIBE: to unsubscribe needs no right.
 */
export interface AccessList {
  readonly keyCount: number;
  /** Positions of arguments. */
  readonly keys: Int32Array;
  /** Per key the bits READ_ACCESS and WRITE_ACCESS; none of both where Redis's key flags have neither. */
  readonly keyAccess: Uint8Array;
  readonly channelCount: number;
  readonly channels: Int32Array;
  /** Per channel 1 for a pattern (PSUBSCRIBE), else 0. */
  readonly channelIsPattern: Uint8Array;
}

/** What {@link checkCommand} found wrong; 0 is nothing. */
export const ALLOWED = 0;
export const DENIED_COMMAND = 1;
export const DENIED_KEY = 2;
export const DENIED_CHANNEL = 4;

/** The kind in what {@link checkCommand} returned: one of the constants above. */
export function denialKind(denial: number): number {
  return denial & 7;
}

/** The position of the key or channel that was denied; 0 for a command. */
export function denialArgument(denial: number): number {
  return denial >>> 3;
}

/**
 * Whether a user may run a command with these arguments. Ask `user.isUnrestricted` first: then nothing of this is needed,
 * not even the list. Allocates nothing, unless first arguments are allowed (`+select|0`).
 *
 * @returns {@link ALLOWED}, or what {@link denialKind} and {@link denialArgument} take apart.
 * @see Redis 7.0.15: the selectors are alternatives, each has to allow all of the command. If none does, the reply tells
 *   of the denial that came furthest: no right to a channel before none to a key before none to the command.
 */
export function checkCommand(user: User, command: AclCommand, args: CommandArguments, list: AccessList): number {
  if (user.isUnrestricted) return ALLOWED;
  let worst = checkSelector(user.root, command, args, list);
  for (let i = 0; i < user.others.length && worst !== ALLOWED; i++) {
    const denial = checkSelector(user.others[i]!, command, args, list);
    if (denial === ALLOWED) return ALLOWED;
    const isFurther = denialKind(denial) > denialKind(worst);
    if (isFurther || (denialKind(denial) === denialKind(worst) && denial > worst)) worst = denial;
  }
  return worst;
}

/** Whether a user may use a key so: for keys that show up only while a command runs (as in a script). */
export function checkKey(
  user: User,
  bytes: Uint8Array,
  start: number,
  end: number,
  needsRead: boolean,
  needsWrite: boolean,
): boolean {
  if (user.isUnrestricted) return true;
  const access = (needsRead ? 1 : 0) | (needsWrite ? 2 : 0);
  if (allowsKey(user.root, bytes, start, end, access)) return true;
  for (let i = 0; i < user.others.length; i++) {
    if (allowsKey(user.others[i]!, bytes, start, end, access)) return true;
  }
  return false;
}

/** Whether a user may publish or subscribe to a channel, or subscribe to a pattern of channels. */
export function checkChannel(user: User, bytes: Uint8Array, start: number, end: number, isPattern: boolean): boolean {
  if (user.isUnrestricted) return true;
  if (allowsChannel(user.root, bytes, start, end, isPattern)) return true;
  for (let i = 0; i < user.others.length; i++) {
    if (allowsChannel(user.others[i]!, bytes, start, end, isPattern)) return true;
  }
  return false;
}

/**
 * Whether one selector allows both the command and reading every key: what SORT asks before it follows BY and GET to
 * keys that are not among its arguments.
 */
export function allowsReadingAnyKey(
  user: User,
  command: AclCommand,
  args: CommandArguments,
  list: AccessList,
): boolean {
  if (user.isUnrestricted) return true;
  return [user.root, ...user.others].some((selector) => {
    if (checkSelector(selector, command, args, list) !== ALLOWED) return false;
    return (
      selector.allowsAllKeys || selector.keyPatterns.some(({ text, access }) => text === "*" && (access & 1) !== 0)
    );
  });
}

/**
 * Whether a channel, or a pattern that was subscribed to, is within these patterns. A subscribed pattern must stand there
 * literally. Redis compares it up to a zero byte only; we compare all of it.
 */
export function isWithinChannels(
  patterns: readonly ChannelPattern[],
  bytes: Uint8Array,
  start: number,
  end: number,
  isPattern: boolean,
): boolean {
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i]!.bytes;
    if (isPattern) {
      if (isSame(pattern, bytes, start, end)) return true;
    } else if (matchesGlob(pattern, 0, pattern.length, bytes, start, end, false)) {
      return true;
    }
  }
  return false;
}

function checkSelector(selector: Selector, command: AclCommand, args: CommandArguments, list: AccessList): number {
  if (!selector.allowsAllCommands && !command.isAlwaysAllowed && !allowsCommand(selector, command, args)) {
    return DENIED_COMMAND;
  }
  if (!selector.allowsAllKeys) {
    for (let i = 0; i < list.keyCount; i++) {
      const at = list.keys[i]!;
      if (!allowsKey(selector, args.bytes, args.starts[at]!, args.ends[at]!, list.keyAccess[i]!)) {
        return DENIED_KEY | (at << 3);
      }
    }
  }
  if (!selector.allowsAllChannels) {
    for (let i = 0; i < list.channelCount; i++) {
      const at = list.channels[i]!;
      const isPattern = list.channelIsPattern[i] === 1;
      if (!allowsChannel(selector, args.bytes, args.starts[at]!, args.ends[at]!, isPattern)) {
        return DENIED_CHANNEL | (at << 3);
      }
    }
  }
  return ALLOWED;
}

function allowsCommand(selector: Selector, command: AclCommand, args: CommandArguments): boolean {
  if (selector.hasCommand(command.id)) return true;
  if (selector.firstArguments.size === 0 || args.count < 2) return false;
  const allowed = selector.firstArguments.get(command.id);
  if (allowed === undefined) return false;
  for (const word of allowed) {
    if (isSameWord(word, args.bytes, args.starts[1]!, args.ends[1]!)) return true;
  }
  return false;
}

function allowsKey(selector: Selector, bytes: Uint8Array, start: number, end: number, access: number): boolean {
  if (selector.allowsAllKeys) return true;
  const patterns = selector.keyPatterns;
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i]!;
    if ((pattern.access & access) !== access) continue;
    if (matchesGlob(pattern.bytes, 0, pattern.bytes.length, bytes, start, end, false)) return true;
  }
  return false;
}

function allowsChannel(selector: Selector, bytes: Uint8Array, start: number, end: number, isPattern: boolean): boolean {
  if (selector.allowsAllChannels) return true;
  return isWithinChannels(selector.channelPatterns, bytes, start, end, isPattern);
}

function isSame(wanted: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (wanted.length !== end - start) return false;
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] !== bytes[start + i]) return false;
  }
  return true;
}

function isSameWord(word: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (word.length !== end - start) return false;
  const wanted = bytesOfText(lowerAscii(word));
  for (let i = 0; i < wanted.length; i++) {
    const byte = bytes[start + i]!;
    if (wanted[i] !== (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)) return false;
  }
  return true;
}
