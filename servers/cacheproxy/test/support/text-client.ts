import { connect, type Socket } from "node:net";
import { eventually } from "@kagami/testkit";

/** A connection by hand: what is sent and received as text, one character a byte. */
export class TextClient {
  readonly socket: Socket;
  text = "";
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.text += bytes.toString("latin1");
    });
    socket.on("error", () => undefined); // seen as its end
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  static async connect(port: number): Promise<TextClient> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new TextClient(socket);
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Sends, and takes what comes up to and with `end`. */
  async ask(text: string, end = "\r\n", timeoutMs = 5_000): Promise<string> {
    this.send(text);
    await eventually(() => this.text.includes(end), { timeoutMs, intervalMs: 2, what: `${end} after ${text}` });
    const position = this.text.indexOf(end) + end.length;
    const reply = this.text.slice(0, position);
    this.text = this.text.slice(position);
    return reply;
  }

  /** Sends, and takes all that comes until it matches `end`. Looks at each piece as it comes, so that load is possible. */
  async next(text: string, end: RegExp, timeoutMs = 10_000): Promise<string> {
    this.send(text);
    const timer = setTimeout(() => this.socket.destroy(), timeoutMs);
    while (!end.test(this.text)) {
      if (this.isClosed)
        throw new Error(`The connection closed, or there was no reply to ${text} within ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const go = (): void => {
          this.socket.off("data", go).off("close", go);
          resolve();
        };
        this.socket.on("data", go).on("close", go);
      });
    }
    clearTimeout(timer);
    const reply = this.text;
    this.text = "";
    return reply;
  }

  close(): void {
    this.socket.destroy();
  }
}
