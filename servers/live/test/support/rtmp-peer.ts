import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { eventually } from "@kagami/testkit";
import { type RtmpClientEvent, RtmpClientSession } from "../../src/protocol/rtmp/index.ts";
import type { Clip, ClipMessage } from "./clip.ts";

export interface RtmpPeerOptions {
  readonly port: number;
  /** The stream key, or the channel to play. */
  readonly name: string;
  readonly mode?: "publish" | "play";
  readonly isTls?: boolean;
  readonly capsEx?: number;
}

/** A publisher or player over a real socket, by our own client session. */
export class RtmpPeer {
  readonly socket: Socket;
  readonly session: RtmpClientSession;
  readonly events: RtmpClientEvent[] = [];
  isClosed = false;
  #loop: NodeJS.Timeout | undefined;
  /** Messages handed to the socket so far. */
  sentCount = 0;
  /** Time of the last message, as on the wire. */
  sentMs = 0;

  private constructor(options: RtmpPeerOptions) {
    const { port, name, mode = "publish", isTls = false, capsEx } = options;
    const address = { host: "127.0.0.1", port };
    this.socket = isTls ? connectTls({ ...address, rejectUnauthorized: false }) : connect(address);
    this.session = new RtmpClientSession({
      mode,
      app: "live",
      tcUrl: `rtmp://127.0.0.1:${port}/live`,
      streamName: name,
      randomBytes: (size) => randomBytes(size),
      nowMs: performance.now(),
      ...(capsEx !== undefined && { capsEx }),
    });
    this.socket.on("data", (bytes) => {
      this.events.push(...this.session.receive(bytes as Buffer, performance.now()));
      this.#write();
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.isClosed = true;
      clearInterval(this.#loop);
    });
    this.#write();
  }

  /** Connects without waiting for an answer. */
  static start(options: RtmpPeerOptions): RtmpPeer {
    return new RtmpPeer(options);
  }

  /** Connects and waits until media may flow. @throws Error with what the server said */
  static async open(options: RtmpPeerOptions): Promise<RtmpPeer> {
    const peer = new RtmpPeer(options);
    await eventually(() => peer.session.isReady || peer.failure !== undefined || peer.isClosed, {
      what: "An answer to publish or play",
    });
    if (!peer.session.isReady) throw new Error(peer.failure ?? "The connection was closed");
    return peer;
  }

  get failure(): string | undefined {
    for (const event of this.events) if (event.kind === "error") return event.message;
    return undefined;
  }

  get media(): { messageType: 8 | 9; timestampMs: number; payload: Uint8Array }[] {
    return this.events.filter((event) => event.kind === "media");
  }

  has(kind: RtmpClientEvent["kind"]): boolean {
    return this.events.some((event) => event.kind === kind);
  }

  send(messages: readonly ClipMessage[]): void {
    for (const { messageType, timestampMs, body } of messages) {
      this.session.sendMedia(messageType, timestampMs, body);
      this.sentCount++;
      this.sentMs = timestampMs;
    }
    this.#write();
  }

  /** Sends a clip whole, as fast as the socket takes it. */
  sendClip(clip: Clip): void {
    this.send(clip.headers);
    this.send(clip.media);
  }

  /** Publishes a clip over and over at its own pace, or `speed` times faster, until the connection ends. */
  loopClip(clip: Clip, speed = 1): void {
    this.send(clip.headers);
    const startedAtMs = performance.now();
    let round = 0;
    let index = 0;
    const step = (): void => {
      const nowMs = (performance.now() - startedAtMs) * speed;
      const due: ClipMessage[] = [];
      for (;;) {
        const message = clip.media[index];
        if (!message) break;
        const timestampMs = message.timestampMs + round * clip.durationMs;
        if (timestampMs > nowMs) break;
        due.push({ ...message, timestampMs });
        index++;
        if (index === clip.media.length) {
          index = 0;
          round++;
        }
      }
      this.send(due);
    };
    step();
    this.#loop = setInterval(step, 5);
  }

  /** Publishes once, at the media's own pace; resolves behind the last message. */
  async playOut({ headers, media }: Pick<Clip, "headers" | "media">): Promise<void> {
    this.send(headers);
    const startedAtMs = performance.now();
    let next = 0;
    await eventually(
      () => {
        const nowMs = performance.now() - startedAtMs;
        const from = next;
        while ((media[next]?.timestampMs ?? Number.POSITIVE_INFINITY) <= nowMs) next++;
        this.send(media.slice(from, next));
        return next === media.length;
      },
      { timeoutMs: 60_000, intervalMs: 5, what: "The end of the clip" },
    );
  }

  /** Leaves as encoders do. */
  leave(): void {
    clearInterval(this.#loop);
    this.session.close();
    this.#write();
    this.socket.end();
  }

  /** Is gone without a word. */
  vanish(): void {
    clearInterval(this.#loop);
    this.socket.resetAndDestroy();
  }

  #write(): void {
    for (const bytes of this.session.takeOutput()) this.socket.write(bytes);
  }
}
