import { connect, type Socket } from "node:net";
import { endOfReply, parseReply, type Reply } from "./reply.ts";

/** An argument: a string is sent as latin1, one byte a character. */
export type Argument = string | Uint8Array | number;

const REPLY_DEADLINE_MS = 4_000;
const EMPTY = Buffer.alloc(0);

interface Waiter {
  readonly count: number;
  readonly replies: Buffer[];
  readonly resolve: (replies: Buffer[]) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * A raw connection to a RESP server: bytes in, reply bytes out. It judges nothing, so that tests can compare what two
 * servers really sent. Replies are handed out in order; RESP3 pushes are replies like any other.
 */
export class RedisConnection {
  readonly #socket: Socket;
  readonly #waiters: Waiter[] = [];
  /** Whole replies nobody has asked for yet. */
  readonly #unclaimed: Buffer[] = [];
  #rest: Buffer = EMPTY;
  #end: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("The server closed the connection")));
  }

  /** Opens a connection. */
  static open(port: number, host = "127.0.0.1"): Promise<RedisConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RedisConnection(socket));
      });
    });
  }

  /** Whether either side has closed it. */
  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  /** Sends one command and returns its parsed reply, errors too. */
  async call(...args: readonly Argument[]): Promise<Reply> {
    const [reply] = await this.exchange(encodeCommand(args), 1);
    return parseReply(reply ?? EMPTY);
  }

  /** Sends bytes, which need be no command, and returns the next `count` replies as they came. */
  exchange(bytes: Uint8Array, count: number): Promise<Buffer[]> {
    if (this.#end === undefined) this.#socket.write(bytes);
    return this.receive(count);
  }

  /** Sends bytes and waits for nothing. */
  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The next `count` replies as they came. Fails after 4 s or when the server closes; then tells what it has. */
  receive(count: number): Promise<Buffer[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#fail(new Error(`No ${count} replies within ${REPLY_DEADLINE_MS} ms`)),
        REPLY_DEADLINE_MS,
      );
      this.#waiters.push({ count, replies: [], resolve, reject, timer });
      this.#serve();
    });
  }

  /** All bytes that come until the server closes, for protocol errors. What was read before is not among them. */
  untilClosed(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("The server did not close")), REPLY_DEADLINE_MS);
      const finish = (): void => {
        clearTimeout(timer);
        resolve(Buffer.concat([...this.#unclaimed.splice(0), this.#rest]));
      };
      if (this.#socket.closed) finish();
      else this.#socket.once("close", finish);
    });
  }

  /** Closes it. Idempotent. */
  async close(): Promise<void> {
    if (this.#socket.closed) return;
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.destroy();
    await closed;
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    try {
      for (let end = endOfReply(bytes, at); end !== undefined && at < bytes.length; end = endOfReply(bytes, at)) {
        this.#unclaimed.push(bytes.subarray(at, end));
        at = end;
      }
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#rest = bytes.subarray(at);
    this.#serve();
  }

  #serve(): void {
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      waiter.replies.push(...this.#unclaimed.splice(0, waiter.count - waiter.replies.length));
      if (waiter.replies.length === waiter.count) {
        this.#waiters.shift();
        clearTimeout(waiter.timer);
        waiter.resolve(waiter.replies);
      } else if (this.#end === undefined) {
        return;
      } else {
        this.#waiters.shift();
        clearTimeout(waiter.timer);
        waiter.reject(this.#end);
      }
    }
  }

  #fail(error: Error): void {
    this.#end ??= error;
    this.#serve();
    this.#socket.destroy();
  }
}

/** A command as an array of bulk strings. */
export function encodeCommand(args: readonly Argument[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = arg instanceof Uint8Array ? Buffer.from(arg) : Buffer.from(String(arg), "latin1");
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}
