import type { CategorySets, CommandIndex } from "./catalogue.ts";
import { READ_ACCESS, Selector, WRITE_ACCESS } from "./selector.ts";
import type { User } from "./user.ts";

/**
 * The rules that give a selector its commands, as ACL LIST and GETUSER show them: `+@all` or `-@all`, then the categories
 * that come nearest, then single commands in the catalogue's order (Redis has them in the order of its hash table, which
 * differs at each start). The rules set the same commands when they are read again.
 */
export function describeCommands(selector: Selector, index: CommandIndex): string {
  const adds = !selector.allowsFuture;
  const rules = [adds ? "-@all" : "+@all"];
  const described = new Selector(index, false);
  described.apply(rules[0]!);
  const rest = selector.commands.slice();
  const left = new Set(index.categories);
  while (true) {
    const best = nearestCategory(left, rest, adds);
    if (best === undefined) break;
    left.delete(best);
    rules.push(`${adds ? "+@" : "-@"}${best.name}`);
    described.setCategory(best, adds);
    for (let i = 0; i < rest.length; i++) {
      if (adds) rest[i]! &= ~best.reach[i]!;
      else rest[i]! |= best.reach[i]!;
    }
  }
  for (const command of index.ordered) {
    const isAllowed = selector.hasCommand(command.id);
    if (isAllowed !== described.hasCommand(command.id)) {
      rules.push((isAllowed ? "+" : "-") + command.name);
      described.setCommand(command, isAllowed);
    }
    if (isAllowed) continue;
    for (const word of selector.firstArguments.get(command.id) ?? []) rules.push(`+${command.name}|${word}`);
  }
  return rules.join(" ");
}

/** The category that has most in common: more alike than not, then fewest unlike, then most alike, then the first. */
function nearestCategory(left: Iterable<CategorySets>, rest: Int32Array, adds: boolean): CategorySets | undefined {
  let best: CategorySets | undefined;
  let fewestUnlike = Number.POSITIVE_INFINITY;
  let mostAlike = 0;
  for (const category of left) {
    const on = countCommon(category.own, rest);
    const off = category.members.length - on;
    const unlike = adds ? off : on;
    const alike = adds ? on : off;
    if (alike <= unlike) continue;
    if (unlike < fewestUnlike || (unlike === fewestUnlike && alike > mostAlike)) {
      best = category;
      fewestUnlike = unlike;
      mostAlike = alike;
    }
  }
  return best;
}

function countCommon(one: Int32Array, other: Int32Array): number {
  let count = 0;
  for (let i = 0; i < one.length; i++) {
    let bits = one[i]! & other[i]!;
    bits -= (bits >>> 1) & 0x55555555;
    bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
    count += Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}

/** The key rules of a selector, as ACL GETUSER shows them. */
export function describeKeys(selector: Selector): string {
  if (selector.allowsAllKeys) return "~*";
  return selector.keyPatterns.map(({ access, text }) => keyMark(access) + text).join(" ");
}

/** The channel rules of a selector, as ACL GETUSER shows them. */
export function describeChannels(selector: Selector): string {
  if (selector.allowsAllChannels) return "&*";
  return selector.channelPatterns.map(({ text }) => `&${text}`).join(" ");
}

/** The flags of a user in Redis's order. */
export function describeFlags(user: User): string[] {
  const flags = [user.isEnabled ? "on" : "off"];
  if (user.needsNoPassword) flags.push("nopass");
  if (user.sanitizesPayload !== undefined) {
    flags.push(user.sanitizesPayload ? "sanitize-payload" : "skip-sanitize-payload");
  }
  return flags;
}

/** A user's line in ACL LIST and in an ACL file; byte text without an end of line. Remembered until the user changes. */
export function describeUser(user: User, index: CommandIndex): string {
  if (user.description !== undefined) return user.description;
  const parts = ["user", user.name, ...describeFlags(user)];
  for (const hash of user.passwords) parts.push(`#${hash}`);
  parts.push(describeSelector(user.root, index));
  for (const selector of user.others) parts.push(`(${describeSelector(selector, index)})`);
  user.description = parts.join(" ");
  return user.description;
}

function describeSelector(selector: Selector, index: CommandIndex): string {
  const keys = describeKeys(selector);
  const channels = describeChannels(selector);
  const parts = keys === "" ? [] : [keys];
  if (!selector.allowsAllChannels) parts.push("resetchannels");
  if (channels !== "") parts.push(channels);
  parts.push(describeCommands(selector, index));
  return parts.join(" ");
}

function keyMark(access: number): string {
  if (access === READ_ACCESS) return "%R~";
  return access === WRITE_ACCESS ? "%W~" : "~";
}
