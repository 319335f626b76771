import { encodeCommand, RedisConnection } from "../redis-connection.ts";
import { parseReply, type Reply as WireReply } from "../reply.ts";

/** What a server answered, in RESP2. Errors are values, since tests compare them. */
export type Reply = Buffer | number | null | ReplyError | Reply[];

export class ReplyError extends Error {
  override readonly name = "ReplyError";
}

type Argument = string | number | Uint8Array;

/** A client that does as little as it can, so that what a test sees is what the server sent. An argument that is text is sent in UTF-8. */
export interface RedisClient {
  /** One command. Bulk and simple strings become bytes. */
  send(...command: Argument[]): Promise<Reply>;
  /** Like `send`, but an error reply rejects. */
  ask(...command: Argument[]): Promise<Reply>;
  close(): void;
}

export async function connectRedis(port: number): Promise<RedisClient> {
  const connection = await RedisConnection.open(port);
  const send = async (...command: Argument[]): Promise<Reply> => {
    const words = command.map((word) => (typeof word === "string" ? Buffer.from(word) : word));
    const [reply] = await connection.exchange(encodeCommand(words), 1);
    return replyOf(parseReply(reply as Buffer));
  };
  return {
    send,
    ask: async (...command) => {
      const reply = await send(...command);
      if (reply instanceof ReplyError) throw reply;
      return reply;
    },
    close: () => void connection.close(),
  };
}

function replyOf(reply: WireReply): Reply {
  switch (reply.kind) {
    case "simple":
    case "bulk":
      return Buffer.from(reply.text, "latin1");
    case "error":
      return new ReplyError(reply.text);
    case "integer":
      return Number(reply.text);
    case "null":
      return null;
    case "array":
      return reply.items.map(replyOf);
    default:
      throw new Error(`RESP2 has no ${reply.kind}`);
  }
}
