import type { AccessList, AclCatalogue, AclCommand, AclReply, CommandArguments } from "@kagami/ranking/acl";
import type { AclWire } from "./acl-wire.ts";

/** The commands of a Redis as the ACL wants them, in the order of their names; from its COMMAND reply. */
export async function catalogueOf(wire: AclWire): Promise<AclCatalogue> {
  const commands: Omit<AclCommand, "id">[] = [];
  const take = (entry: AclReply): void => {
    const [name, arity, flags, , , , categories, , , subcommands] = plain(entry) as [
      string,
      number,
      string[],
      number,
      number,
      number,
      string[],
      unknown,
      unknown,
      AclReply[],
    ];
    commands.push({
      name,
      arity,
      categories: categories.map((category) => category.slice(1)),
      isAlwaysAllowed: flags.includes("no_auth"),
    });
    for (const subcommand of subcommands) take(subcommand);
  };
  for (const entry of (await wire.askOne("COMMAND")) as AclReply[]) take(entry);
  commands.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    commands: commands.map(({ name, arity, categories, isAlwaysAllowed }, id) => ({
      name,
      id,
      arity,
      categories,
      isAlwaysAllowed,
    })),
  };
}

/** A status as its text and a set as a list: for replies whose kinds matter not here. */
function plain(reply: AclReply): unknown {
  if (Array.isArray(reply)) return reply.map((item: AclReply) => plain(item));
  if (typeof reply !== "object" || reply === null) return reply;
  if ("simple" in reply) return reply.simple;
  if ("set" in reply) return reply.set.map((item) => plain(item));
  return reply;
}

/** The words of a command, as the engine takes them. */
export function argumentsOf(words: readonly string[]): CommandArguments {
  const starts: number[] = [];
  const ends: number[] = [];
  let at = 0;
  for (const word of words) {
    starts.push(at);
    at += word.length;
    ends.push(at);
  }
  const bytes = Uint8Array.from(Buffer.from(words.join(""), "latin1"));
  return { bytes, starts: Int32Array.from(starts), ends: Int32Array.from(ends), count: words.length };
}

const CHANNELS: Readonly<Record<string, { readonly isPattern: boolean; readonly isOne: boolean }>> = {
  publish: { isPattern: false, isOne: true },
  spublish: { isPattern: false, isOne: true },
  subscribe: { isPattern: false, isOne: false },
  ssubscribe: { isPattern: false, isOne: false },
  psubscribe: { isPattern: true, isOne: false },
};

/** Which arguments are keys, as the Redis itself tells, and which are channels. */
export async function accessOf(wire: AclWire, words: readonly string[]): Promise<AccessList> {
  const reply = await wire.askOne("COMMAND", "GETKEYSANDFLAGS", ...words);
  const keys: number[] = [];
  const access: number[] = [];
  // Keys come in the order of the arguments, but for those that a command names late; a text may stand there twice.
  for (const item of Array.isArray(reply) ? (reply as [string, AclReply][]) : []) {
    const flags = plain(item[1]) as string[];
    const at = words.findIndex((word, i) => i > 0 && word === item[0] && !keys.includes(i));
    keys.push(at);
    access.push(
      (flags.includes("access") ? 1 : 0) | (["insert", "update", "delete"].some((f) => flags.includes(f)) ? 2 : 0),
    );
  }
  const channel = CHANNELS[words[0]!.toLowerCase()];
  const channelAt = channel === undefined ? [] : words.map((_, i) => i).slice(1, channel.isOne ? 2 : undefined);
  return {
    keyCount: keys.length,
    keys: Int32Array.from(keys),
    keyAccess: Uint8Array.from(access),
    channelCount: channelAt.length,
    channels: Int32Array.from(channelAt),
    channelIsPattern: new Uint8Array(channelAt.length).fill(channel?.isPattern ? 1 : 0),
  };
}
