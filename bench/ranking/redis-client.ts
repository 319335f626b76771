import { connect, type Socket } from "node:net";

/** Bulk and simple strings are text (Latin-1). */
export type Reply = string | number | null | Error | readonly Reply[];

/** Arguments of one command; text goes as Latin-1. */
export type Command = readonly (string | number)[];

interface Waiter {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** A client in RESP2 that does little: it pipelines what it is given and hands out replies in order. */
export class RedisClient {
  readonly #socket: Socket;
  readonly #waiters: Waiter[] = [];
  #firstWaiter = 0;
  #rest: Buffer = Buffer.alloc(0);
  #failure: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (piece: Buffer) => this.#take(piece));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("The connection is closed")));
  }

  /** @throws Error if nobody listens there. */
  static async connect(port: number): Promise<RedisClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new RedisClient(socket);
  }

  /** One command; an error reply is a value. Rejects if the connection ends first. */
  send(...command: Command): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#wait({ resolve, reject });
      this.#socket.write(encode(command), "latin1");
    });
  }

  /** One command. @throws Error on an error reply. */
  async ask(...command: Command): Promise<Reply> {
    const reply = await this.send(...command);
    if (reply instanceof Error) throw new Error(`${command[0]} was refused: ${reply.message}`);
    return reply;
  }

  /** Many commands in one write. Returns the replies. */
  sendAll(commands: readonly Command[]): Promise<Reply[]> {
    const replies = commands.map(() => new Promise<Reply>((resolve, reject) => void this.#wait({ resolve, reject })));
    this.#socket.write(commands.map(encode).join(""), "latin1");
    return Promise.all(replies);
  }

  close(): void {
    this.#socket.destroy();
  }

  #wait(waiter: Waiter): void {
    if (this.#failure) waiter.reject(this.#failure);
    else this.#waiters.push(waiter);
  }

  #take(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const reader = { bytes, at: 0 };
    let taken = 0;
    for (;;) {
      const reply = read(reader);
      if (reply === undefined) break;
      taken = reader.at;
      this.#waiters[this.#firstWaiter++]?.resolve(reply);
    }
    this.#rest = bytes.subarray(taken);
    if (this.#firstWaiter === this.#waiters.length || this.#firstWaiter > 10_000) {
      this.#waiters.splice(0, this.#firstWaiter);
      this.#firstWaiter = 0;
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiters.splice(0).slice(this.#firstWaiter)) reject(this.#failure);
    this.#firstWaiter = 0;
  }
}

/** The request as it goes over the wire, Latin-1. */
function encode(command: Command): string {
  let text = `*${command.length}\r\n`;
  for (const argument of command) {
    const word = String(argument);
    text += `$${word.length}\r\n${word}\r\n`;
  }
  return text;
}

/** @returns `undefined` if more bytes are needed. */
function read(reader: { readonly bytes: Buffer; at: number }): Reply | undefined {
  const { bytes } = reader;
  const end = bytes.indexOf("\r\n", reader.at, "latin1");
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", reader.at + 1, end);
  const kind = bytes.toString("latin1", reader.at, reader.at + 1);
  reader.at = end + 2;
  if (kind === "+") return head;
  if (kind === "-") return new Error(head);
  if (kind === ":") return Number(head);
  const size = Number(head);
  if (kind !== "$" && kind !== "*") throw new Error(`A reply begins with "${kind}"`);
  if (size < 0) return null;
  if (kind === "$") {
    if (reader.at + size + 2 > bytes.length) return undefined;
    reader.at += size + 2;
    return bytes.toString("latin1", reader.at - size - 2, reader.at - 2);
  }
  const items: Reply[] = [];
  for (let i = 0; i < size; i++) {
    const item = read(reader);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}
