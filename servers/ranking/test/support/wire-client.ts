import { connect, type Socket } from "node:net";

/** Sends bytes and waits for bytes: a client that knows nothing of the protocol. Latin-1. */
export class WireClient {
  readonly socket: Socket;
  #received = "";
  #isClosed = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received += chunk.toString("latin1");
      this.#wake?.();
    });
    // That it closed is told next.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#isClosed = true;
      this.#wake?.();
    });
  }

  static async open(address: string): Promise<WireClient> {
    const [host = "", port = ""] = address.split(":");
    const socket = connect(Number(port), host);
    const client = new WireClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  get received(): string {
    return this.#received;
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Waits for `lengthBytes` and takes them. Throws if the connection closes before. */
  async take(lengthBytes: number): Promise<string> {
    await this.#until(() => this.#received.length >= lengthBytes);
    const taken = this.#received.slice(0, lengthBytes);
    this.#received = this.#received.slice(lengthBytes);
    if (taken.length < lengthBytes) throw new Error(`Closed after ${JSON.stringify(taken)}`);
    return taken;
  }

  /** Sends and waits for an answer of as many bytes as the expected one; returns it. */
  async ask(text: string, expected: string): Promise<string> {
    this.send(text);
    return await this.take(expected.length);
  }

  /** Waits until the other side has closed; returns everything that came. */
  async untilClosed(): Promise<string> {
    await this.#until(() => false);
    return this.#received;
  }

  close(): void {
    this.socket.destroy();
  }

  async #until(isDone: () => boolean): Promise<void> {
    while (!isDone() && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A request as clients send it. */
export function request(...args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}
