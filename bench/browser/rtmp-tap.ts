import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { ChunkReader, DEFAULT_RTMP_LIMITS, HANDSHAKE_BYTES, VIDEO_MESSAGE_TYPE } from "@kagami/live/rtmp";
import { parseFlvVideo } from "@kagami/media";

/** Stands between a publisher and the server, hands every byte on at once, and notes when each picture had passed. */
export interface RtmpTap {
  readonly port: number;
  /** Wall clock in milliseconds at which the coded picture of this index was handed to the server. */
  readonly passedAtMs: readonly number[];
  close(): void;
}

export async function startRtmpTap(serverPort: number): Promise<RtmpTap> {
  const passedAtMs: number[] = [];
  const server = createServer({ noDelay: true }, (publisher) => {
    const upstream = connect({ host: "127.0.0.1", port: serverPort, noDelay: true });
    upstream.pipe(publisher);
    const reader = new ChunkReader(DEFAULT_RTMP_LIMITS.afterAccept);
    let handshakeLeft = HANDSHAKE_BYTES;
    publisher.on("data", (bytes: Buffer) => {
      upstream.write(bytes);
      const skipped = Math.min(handshakeLeft, bytes.length);
      handshakeLeft -= skipped;
      reader.push(bytes.subarray(skipped), 0);
      for (let message = reader.next(); message !== undefined; message = reader.next()) {
        if (message.messageType !== VIDEO_MESSAGE_TYPE) continue;
        if (parseFlvVideo(message.payload).kind === "frame")
          passedAtMs.push(performance.timeOrigin + performance.now());
      }
    });
    for (const [socket, other] of [
      [publisher, upstream],
      [upstream, publisher],
    ] as const) {
      socket.on("error", () => other.destroy());
      socket.on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, passedAtMs, close: () => server.close() };
}
