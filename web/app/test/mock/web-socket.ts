import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The server's end of a WebSocket, as much of RFC 6455 as a browser needs: no fragments, no extensions. */
export class MockSocket {
  onText: (text: string) => void = () => undefined;
  onClose: () => void = () => undefined;
  readonly #socket: Duplex;
  #bytes = Buffer.alloc(0);

  constructor(request: IncomingMessage, socket: Duplex) {
    this.#socket = socket;
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    socket.on("data", (chunk: Buffer) => this.#feed(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => this.onClose());
  }

  sendJson(message: unknown): void {
    this.#frame(1, Buffer.from(JSON.stringify(message)));
  }

  sendBinary(bytes: Buffer): void {
    this.#frame(2, bytes);
  }

  close(code: number): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.#frame(8, payload);
    this.#socket.end();
  }

  /** As when a cable is pulled. */
  destroy(): void {
    this.#socket.destroy();
  }

  #frame(opcode: number, payload: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    const { length } = payload;
    const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
    head[0] = 0x80 | opcode;
    head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
    if (head.length === 4) head.writeUInt16BE(length, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
    this.#socket.write(Buffer.concat([head, payload]));
  }

  #feed(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= 6) {
      const short = (this.#bytes[1] ?? 0) & 0x7f;
      const headSize = short === 126 ? 4 : 2; // a browser sends us nothing that needs 64 bits
      const length = short === 126 ? this.#bytes.readUInt16BE(2) : short;
      const end = headSize + 4 + length;
      if (this.#bytes.length < end) return;
      const mask = this.#bytes.subarray(headSize, headSize + 4);
      const payload = Buffer.from(this.#bytes.subarray(headSize + 4, end));
      for (let i = 0; i < payload.length; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i % 4] ?? 0);
      const opcode = (this.#bytes[0] ?? 0) & 0x0f;
      this.#bytes = this.#bytes.subarray(end);
      if (opcode === 1) this.onText(payload.toString());
      if (opcode === 8) this.#socket.end();
    }
  }
}
