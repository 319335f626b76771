import type { Duplex } from "node:stream";
import type { Timing } from "../channels/channel.ts";
import { encodeClose, encodePing, encodePong, encodeText, WebSocketReader } from "../protocol/websocket/index.ts";
import type { LeaveReason, Viewer, ViewerLink } from "./viewer.ts";

/** Nothing heard for this long and the peer is asked; twice as long and it is gone. */
const PING_AFTER_MS = 30_000;

/** Time for a peer that was told to go to hang up. */
const LINGER_MS = 2_000;

/** Messages a viewer may send in one second; players send about fifteen. */
const MESSAGES_PER_SECOND_LIMIT = 100;

/** A viewer's messages are short; see API.md. */
const MESSAGE_LIMIT_BYTES = 4_096;

/** A viewer that has this much waiting gets no answers: one that asks and never reads must not fill the memory. */
const ANSWER_LIMIT_BYTES = 1 << 20;

const CLOSE: Readonly<Record<LeaveReason, { code: number; reason: string }>> = {
  ended: { code: 1000, reason: "The broadcast has ended" },
  restarting: { code: 1001, reason: "The server is restarting; come back at once" },
  "too-slow": { code: 1013, reason: "The connection is too slow for this stream" },
};

/** One WebSocket, from its upgrade to its end. */
export class WebSocketViewer implements ViewerLink {
  readonly protocol = "ws";
  readonly #socket: Duplex;
  readonly #timing: Timing;
  readonly #reader = new WebSocketReader({ messageBytes: MESSAGE_LIMIT_BYTES, fragmentCount: 16 });
  #seat: Viewer | undefined;
  #onLeft: () => void = () => undefined;
  #timer: { cancel(): void } | undefined;
  #isClosed = false;
  #heardAtMs: number;
  #messageCount = 0;
  #messageSecond = 0;

  constructor(socket: Duplex, timing: Timing) {
    this.#socket = socket;
    this.#timing = timing;
    this.#heardAtMs = timing.monotonicMs();
    socket.on("data", (bytes: Buffer) => this.receive(bytes));
    // HTTP leaves connections half open; a viewer that hung up without a close frame is gone all the same.
    socket.on("end", () => socket.destroy());
    socket.on("close", () => this.#onSocketClose());
    this.#armPing();
  }

  /** A close frame was sent or received, or the connection is gone. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** The viewer has its seat; what it says counts from here on. */
  start(seat: Viewer, onLeft: () => void): void {
    this.#seat = seat;
    this.#onLeft = onLeft;
  }

  write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#socket.write(bytes);
  }

  tell(message: object): void {
    this.write(encodeText(JSON.stringify(message)));
  }

  leave(reason: LeaveReason): void {
    const { code, reason: text } = CLOSE[reason];
    this.close(code, text);
  }

  /** @param reason For people and logs; cut to 123 bytes. */
  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.write(encodeClose(code, reason));
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#socket.end();
    this.#timer = this.#timing.setTimer(() => this.#socket.destroy(), LINGER_MS);
  }

  receive(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#heardAtMs = this.#timing.monotonicMs();
    for (const event of this.#reader.push(bytes)) {
      if (this.#isClosed) return;
      if (event.kind !== "violation" && event.kind !== "close" && !this.#mayTalk()) {
        this.close(1008, `More than ${MESSAGES_PER_SECOND_LIMIT} messages in a second`);
        return;
      }
      switch (event.kind) {
        case "text":
          this.#onText(event.text);
          break;
        case "ping":
          if (this.bufferedBytes < ANSWER_LIMIT_BYTES) this.write(encodePong(event.bytes));
          break;
        case "close":
          this.close(event.code === 1005 ? 1000 : event.code, "");
          break;
        case "violation":
          this.close(event.closeCode, event.message);
          break;
        case "binary":
          this.close(1003, "Messages to the server are JSON texts");
          break;
        case "pong":
          break;
        default:
          event satisfies never;
      }
    }
  }

  #onText(text: string): void {
    const message = parseMessage(text);
    if (!message) {
      this.close(1008, "A message is not as API.md says");
      return;
    }
    const nowMs = this.#timing.monotonicMs();
    if (message.type === "ack") this.#onAck(message, nowMs);
    else if (this.bufferedBytes < ANSWER_LIMIT_BYTES) {
      this.tell({ type: "pong", id: message.id, serverMs: this.#timing.wallMs() });
    }
  }

  #onAck({ mediaMs, latencyMs }: Ack, nowMs: number): void {
    if (!this.#seat) return;
    this.#seat.policy.onAck(mediaMs * 1000, nowMs);
    if (latencyMs !== undefined) this.#seat.reportedLatencyMs = latencyMs;
  }

  #mayTalk(): boolean {
    const second = Math.floor(this.#timing.monotonicMs() / 1000);
    if (second !== this.#messageSecond) {
      this.#messageSecond = second;
      this.#messageCount = 0;
    }
    return ++this.#messageCount <= MESSAGES_PER_SECOND_LIMIT;
  }

  #armPing(): void {
    this.#timer = this.#timing.setTimer(() => {
      const silentMs = this.#timing.monotonicMs() - this.#heardAtMs;
      if (silentMs >= 2 * PING_AFTER_MS) {
        this.#socket.destroy();
        return;
      }
      if (silentMs >= PING_AFTER_MS) this.write(encodePing());
      this.#armPing();
    }, PING_AFTER_MS);
  }

  #onSocketClose(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#onLeft();
    this.#onLeft = () => undefined;
  }
}

interface Ack {
  readonly type: "ack";
  readonly mediaMs: number;
  readonly latencyMs: number | undefined;
}

type ViewerMessage = Ack | { readonly type: "ping"; readonly id: number };

/** A latency beyond this is a wrong clock. */
const LATENCY_LIMIT_MS = 600_000;

/** What API.md lets a viewer say, or `undefined`. */
function parseMessage(text: string): ViewerMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The caller closes the connection and says why.
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { type, mediaMs, latencyMs, id } = value as Partial<Record<"type" | "mediaMs" | "latencyMs" | "id", unknown>>;
  if (type === "ack" && typeof mediaMs === "number" && Number.isFinite(mediaMs)) {
    const isLatency = typeof latencyMs === "number" && latencyMs >= 0 && latencyMs <= LATENCY_LIMIT_MS;
    return { type, mediaMs, latencyMs: isLatency ? latencyMs : undefined };
  }
  if (type === "ping" && typeof id === "number" && Number.isSafeInteger(id)) return { type, id };
  return undefined;
}
