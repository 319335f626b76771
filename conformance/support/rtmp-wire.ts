import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { type AmfValue, ChunkWriter, encodeAmf0, HANDSHAKE_BYTES } from "@kagami/live/rtmp";

const COMMAND = 20;

/** C0, C1 and C2 of a client that does not wait for answers. */
export function hello(): Uint8Array {
  const bytes = new Uint8Array(HANDSHAKE_BYTES);
  bytes[0] = 3;
  return bytes;
}

/** One message in chunks of 128 bytes, with a full header. */
export function message(messageType: number, payload: Uint8Array, messageStreamId = 0, chunkStreamId = 3): Uint8Array {
  return new ChunkWriter().write({ chunkStreamId, messageType, messageStreamId, timestampMs: 0, payload });
}

export function command(name: string, transactionId: number, ...values: readonly AmfValue[]): Uint8Array {
  return message(COMMAND, encodeAmf0(name, transactionId, ...values));
}

/** Bytes that look like nothing, but do not begin like RTMP. */
export function garbage(byteCount: number): Uint8Array {
  const bytes = new Uint8Array(randomBytes(byteCount));
  bytes[0] = 0x55;
  return bytes;
}

/** A connection by hand; what the server answers is read and let go. */
export class WirePeer {
  readonly socket: Socket;
  isClosed = false;

  constructor(port: number, ...parts: readonly Uint8Array[]) {
    this.socket = connect({ host: "127.0.0.1", port });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.isClosed = true;
    });
    this.socket.resume();
    for (const part of parts) this.socket.write(part);
  }
}
