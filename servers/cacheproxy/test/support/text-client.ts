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

  close(): void {
    this.socket.destroy();
  }
}
