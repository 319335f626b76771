import type { AclReply } from "@kagami/ranking/acl";
import { encodeCommand, RedisConnection } from "../redis-connection.ts";
import { parseReply, type Reply } from "../reply.ts";

/**
 * A connection to Redis that gives replies as the ACL engine does: strings, numbers, arrays, `{map}`, `{set}`, `{double}`,
 * `{simple}`, `{error}`. Text is latin1; a push is an array.
 */
export class AclWire {
  readonly #connection: RedisConnection;

  private constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  static async open(port: number): Promise<AclWire> {
    return new AclWire(await RedisConnection.open(port));
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  /** Sends all commands at once and gives as many replies. */
  async ask(commands: readonly (readonly string[])[]): Promise<AclReply[]> {
    const wire = Buffer.concat(commands.map((words) => encodeCommand(words)));
    const replies = await this.#connection.exchange(wire, commands.length);
    return replies.map((reply) => aclReplyOf(parseReply(reply)));
  }

  async askOne(...words: readonly string[]): Promise<AclReply> {
    return (await this.ask([words]))[0]!;
  }

  close(): void {
    void this.#connection.close();
  }
}

function aclReplyOf(reply: Reply): AclReply {
  switch (reply.kind) {
    case "simple":
      return { simple: reply.text };
    case "error":
      return { error: reply.text };
    case "integer":
      return Number(reply.text);
    case "double":
      return { double: Number(reply.text) };
    case "null":
      return null;
    case "bulk":
    case "verbatim":
      return reply.text;
    case "array":
    case "push":
      return reply.items.map(aclReplyOf);
    case "set":
      return { set: reply.items.map(aclReplyOf) as string[] };
    case "map":
      return { map: pairsOf(reply.items.map(aclReplyOf)) };
    default:
      throw new Error(`No ACL command replies ${JSON.stringify(reply)}`);
  }
}

function pairsOf(items: readonly AclReply[]): (readonly [string, AclReply])[] {
  return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i] as string, items[2 * i + 1]!] as const);
}
