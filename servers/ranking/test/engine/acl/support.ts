import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type AccessList,
  type AclCatalogue,
  type AclLimits,
  AclUsers,
  bytesOfText,
  type CommandArguments,
} from "../../../src/engine/acl/index.ts";

const path = new URL("../../../testdata/acl-commands-7.0.15.json", import.meta.url);

/** The commands of Redis 7.0.15. */
const CATALOGUE = JSON.parse(readFileSync(path, "utf8")) as AclCatalogue;

/** Users that hash as the server does, with these limits. */
export function createUsers(limits: Partial<AclLimits> = {}, allowsChannelsByDefault = false): AclUsers {
  const hashPassword = (password: Uint8Array): string => createHash("sha256").update(password).digest("hex");
  return new AclUsers({ catalogue: CATALOGUE, hashPassword, limits, allowsChannelsByDefault });
}

/** A command's words as arguments. */
export function argumentsOf(...words: readonly string[]): CommandArguments {
  let at = 0;
  const ends = words.map((word) => {
    at += word.length;
    return at;
  });
  return {
    bytes: bytesOfText(words.join("")),
    starts: Int32Array.from([0, ...ends.slice(0, -1)]),
    ends: Int32Array.from(ends),
    count: words.length,
  };
}

/** Keys as `[position, access]`, channels as `[position, isPattern]`. */
export function accessOf(
  keys: readonly (readonly [number, number])[],
  channels: readonly (readonly [number, boolean])[] = [],
): AccessList {
  return {
    keyCount: keys.length,
    keys: Int32Array.from(keys, ([at]) => at),
    keyAccess: Uint8Array.from(keys, ([, access]) => access),
    channelCount: channels.length,
    channels: Int32Array.from(channels, ([at]) => at),
    channelIsPattern: Uint8Array.from(channels, ([, isPattern]) => (isPattern ? 1 : 0)),
  };
}
