import { connect, type Socket } from "node:net";

/** What a server answered, in RESP2. Errors are values, since tests compare them. */
export type Reply = Buffer | number | null | ReplyError | Reply[];

export class ReplyError extends Error {
  override readonly name = "ReplyError";
}

type Argument = string | number | Uint8Array;

/** A client that does as little as it can, so that what a test sees is what the server sent. */
export interface RedisClient {
  /** One command. Bulk and simple strings become bytes. */
  send(...command: Argument[]): Promise<Reply>;
  /** Like `send`, but an error reply rejects. */
  ask(...command: Argument[]): Promise<Reply>;
  close(): void;
}

interface Waiter {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

export async function connectRedis(port: number): Promise<RedisClient> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const waiters: Waiter[] = [];
  readReplies(socket, waiters);
  const send = (...command: Argument[]): Promise<Reply> =>
    new Promise((resolve, reject) => {
      waiters.push({ resolve, reject });
      socket.write(encode(command));
    });
  return {
    send,
    ask: async (...command) => {
      const reply = await send(...command);
      if (reply instanceof ReplyError) throw reply;
      return reply;
    },
    close: () => void socket.destroy(),
  };
}

function readReplies(socket: Socket, waiters: Waiter[]): void {
  let pieces: Buffer[] = [];
  let pieceBytes = 0;
  let wantedBytes = 0;
  socket.on("data", (piece: Buffer) => {
    pieces.push(piece);
    pieceBytes += piece.length;
    if (pieceBytes < wantedBytes) return;
    const bytes = pieces.length === 1 ? piece : Buffer.concat(pieces);
    let at = 0;
    for (;;) {
      const parsed = parse(bytes, at);
      if (parsed === undefined) break;
      at = parsed.end;
      waiters.shift()?.resolve(parsed.reply);
    }
    const rest = bytes.subarray(at);
    pieces = rest.length > 0 ? [rest] : [];
    pieceBytes = rest.length;
    wantedBytes = 0;
    if (rest.length > 0 && rest[0] === 0x24) {
      const end = rest.indexOf("\r\n");
      wantedBytes = end < 0 ? 0 : end + 4 + Number(rest.toString("latin1", 1, end));
    }
  });
  const fail = (): void => {
    for (const { reject } of waiters.splice(0)) reject(new Error("The server closed the connection"));
  };
  socket.on("close", fail);
  socket.on("error", fail);
}

function encode(command: readonly Argument[]): Buffer {
  const parts = [Buffer.from(`*${command.length}\r\n`)];
  for (const argument of command) {
    const bytes = typeof argument === "object" ? argument : Buffer.from(String(argument));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), Buffer.from(bytes), Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

function parse(bytes: Buffer, start: number): { readonly reply: Reply; readonly end: number } | undefined {
  const lineEnd = bytes.indexOf("\r\n", start);
  if (lineEnd < 0) return undefined;
  const line = bytes.subarray(start + 1, lineEnd);
  let end = lineEnd + 2;
  const count = Number(line.toString("latin1"));
  switch (String.fromCharCode(bytes[start] as number)) {
    case "+":
      return { reply: line, end };
    case "-":
      return { reply: new ReplyError(line.toString("latin1")), end };
    case ":":
      return { reply: count, end };
    case "$":
      if (count < 0) return { reply: null, end };
      if (end + count + 2 > bytes.length) return undefined;
      return { reply: bytes.subarray(end, end + count), end: end + count + 2 };
    case "*": {
      if (count < 0) return { reply: null, end };
      const replies: Reply[] = [];
      for (let i = 0; i < count; i++) {
        const parsed = parse(bytes, end);
        if (parsed === undefined) return undefined;
        replies.push(parsed.reply);
        end = parsed.end;
      }
      return { reply: replies, end };
    }
    default:
      throw new Error(`No reply begins with "${bytes.toString("latin1", start, start + 20)}"`);
  }
}
