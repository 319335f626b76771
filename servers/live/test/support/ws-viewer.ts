import { concatBytes } from "@kagami/bytes";
import { eventually } from "@kagami/testkit";
import { WebSocket } from "ws";

export interface ToldMessage {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: fields differ by type
  readonly [field: string]: any;
}

/** A viewer by the `ws` package. */
export class WsViewer {
  readonly socket: WebSocket;
  readonly told: ToldMessage[] = [];
  readonly media: Uint8Array[] = [];
  /** Types of texts, and `media` for binary messages, in order. */
  readonly order: string[] = [];
  closeCode: number | undefined;
  closeReason = "";

  constructor(url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false, rejectUnauthorized: false });
    this.socket.on("message", (data, isBinary) => {
      if (isBinary) {
        this.media.push(new Uint8Array(data as Buffer));
        this.order.push("media");
        return;
      }
      const message = JSON.parse(String(data)) as ToldMessage;
      this.told.push(message);
      this.order.push(message.type);
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", (code, reason) => {
      this.closeCode = code;
      this.closeReason = String(reason);
    });
  }

  static async open(url: string): Promise<WsViewer> {
    const viewer = new WsViewer(url);
    await eventually(() => viewer.told.length > 0 || viewer.closeCode !== undefined, { what: "The first message" });
    return viewer;
  }

  ofType(type: string): ToldMessage[] {
    return this.told.filter((message) => message.type === type);
  }

  get state(): unknown {
    return this.ofType("state").at(-1)?.state;
  }

  /** Everything binary, in order: a fragmented MP4 file. */
  get file(): Uint8Array {
    return concatBytes(this.media);
  }

  get byteCount(): number {
    return this.media.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  say(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  async closed(): Promise<number> {
    await eventually(() => this.closeCode !== undefined, { what: "The close of the WebSocket" });
    return this.closeCode ?? 0;
  }

  end(): void {
    this.socket.terminate();
  }
}
