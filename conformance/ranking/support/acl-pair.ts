import { createHash } from "node:crypto";
import {
  type AccessList,
  type AclCatalogue,
  AclLog,
  type AclReply,
  AclUsers,
  bytesOfText,
  categoryReply,
  dryRunReply,
  generatePasswordReply,
  getUserReply,
  logReply,
} from "@kagami/ranking/acl";
import { argumentsOf } from "./acl-commands.ts";

/** SHA-256 as the server gives it to the engine. */
function sha256(password: Uint8Array): string {
  return createHash("sha256").update(password).digest("hex");
}

const NO_ACCESS: AccessList = {
  keyCount: 0,
  keys: new Int32Array(),
  keyAccess: new Uint8Array(),
  channelCount: 0,
  channels: new Int32Array(),
  channelIsPattern: new Uint8Array(),
};

/** The engine behind the words of ACL commands, as the server will have it. */
export class OurAcl {
  readonly users: AclUsers;
  readonly log = new AclLog();
  readonly #accesses: ReadonlyMap<string, AccessList>;

  /** @param accesses By the words of a command, joined with zero bytes. */
  constructor(catalogue: AclCatalogue, accesses: ReadonlyMap<string, AccessList> = new Map()) {
    this.users = new AclUsers({ catalogue, hashPassword: sha256 });
    this.#accesses = accesses;
  }

  access(words: readonly string[]): AccessList {
    return this.#accesses.get(words.join("\0")) ?? NO_ACCESS;
  }

  answer(words: readonly string[]): AclReply {
    const [, verb = "", name = "", ...rest] = words;
    switch (verb.toLowerCase()) {
      case "setuser": {
        const { error } = this.users.setUser(name, rest);
        return error === undefined ? { simple: "OK" } : { error };
      }
      case "deluser": {
        const result = this.users.deleteUsers([name, ...rest]);
        return result.error === undefined ? result.removed.length : { error: result.error };
      }
      case "getuser":
        return getUserReply(this.users, name);
      case "list":
        return this.users.lines();
      case "users":
        return this.users.sorted().map((user) => user.name);
      case "cat":
        return categoryReply(this.users, words[2]);
      case "log":
        return logReply(this.log, words[2], 0);
      case "genpass":
        return generatePasswordReply(words[2], (sizeBytes) => new Uint8Array(sizeBytes));
      case "dryrun":
        return dryRunReply(this.users, name, argumentsOf(rest), () => this.access(rest));
      default:
        throw new Error(`No command ACL ${verb}`);
    }
  }

  /** AUTH with a name. */
  auth(name: string, password: string): AclReply {
    const result = this.users.authenticate(name, bytesOfText(password));
    return result.user === undefined ? { error: result.error } : { simple: "OK" };
  }
}

/**
 * Redis names single commands in the order of a hash table whose seed it draws at each start. So each run of them is
 * sorted; parentheses behind one (of a selector, or of a first argument such as `0)`) are gathered behind the run.
 */
export function inOneOrder(text: string): string {
  return text.replace(/(?<=^|[\s(])[-+](?!@)\S+(?: [-+](?!@)\S+)*/g, (run) => {
    const words = run.split(" ").map((word) => word.replace(/\)+$/, ""));
    const closed = run.length - words.join(" ").length;
    return words.sort().join(" ") + ")".repeat(closed);
  });
}

/** {@link inOneOrder} for every text in a reply. */
export function orderedReply(reply: AclReply): AclReply {
  if (typeof reply === "string") return inOneOrder(reply);
  if (Array.isArray(reply)) return reply.map((item: AclReply) => orderedReply(item));
  const isMap = typeof reply === "object" && reply !== null && "map" in reply && !Array.isArray(reply);
  if (isMap) {
    const { map } = reply as { readonly map: readonly (readonly [string, AclReply])[] };
    return { map: map.map(([key, value]) => [key, orderedReply(value)] as const) };
  }
  return reply;
}
