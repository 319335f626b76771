import { parseServerMessage, type ServerMessage } from "./messages.ts";
import { Watchdog } from "./watchdog.ts";

/** What the owner hears from the connection. Nothing comes after `close()` or `onClosed`. */
export interface WsConnectionEvents {
  onMessage(message: ServerMessage): void;
  onBinary(bytes: Uint8Array<ArrayBuffer>, nowMs: number): void;
  onPong(sentMs: number, nowMs: number, serverMs: number): void;
  /** @param hadMessage Whether the server said anything: otherwise something on the way refuses WebSockets. */
  onClosed(code: number, hadMessage: boolean): void;
}

/** Connecting may take this long; some proxies swallow the upgrade without an answer. */
const OPEN_LIMIT_MS = 6_000;
/** Code of a close that came without a close frame. */
const ABNORMAL = 1006;

/** One WebSocket to the live server, with pings and a watchdog for silence. Not used again once closed. */
export class WsConnection {
  readonly #socket: WebSocket;
  readonly #events: WsConnectionEvents;
  readonly #openedMs: number;
  readonly #watchdog: Watchdog;
  readonly #pings = new Map<number, number>();
  #pingId = 0;
  #hadMessage = false;
  #isClosed = false;

  constructor(url: string, events: WsConnectionEvents) {
    this.#events = events;
    this.#openedMs = performance.now();
    this.#watchdog = new Watchdog(this.#openedMs);
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("open", () => this.tick(performance.now()));
    this.#socket.addEventListener("message", (event) => this.#onMessage(event.data));
    this.#socket.addEventListener("close", (event) => this.#finish(event.code));
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN && !this.#isClosed;
  }

  /** Sends pings that are due, and closes a connection that died in silence. */
  tick(nowMs: number): void {
    if (this.#isClosed) return;
    if (!this.isOpen) {
      if (nowMs - this.#openedMs > OPEN_LIMIT_MS) this.#finish(ABNORMAL);
      return;
    }
    const action = this.#watchdog.onTick(nowMs);
    if (action === "reconnect") this.#finish(ABNORMAL);
    if (action !== "ping") return;
    const id = ++this.#pingId;
    this.#pings.set(id, nowMs);
    if (this.#pings.size > 8) this.#pings.delete(id - 8);
    this.#socket.send(JSON.stringify({ type: "ping", id }));
  }

  sendAck(mediaMs: number, bufferMs: number, latencyMs: number): void {
    if (!this.isOpen) return;
    const ack = {
      type: "ack",
      mediaMs: Math.round(mediaMs),
      bufferMs: Math.max(0, Math.round(bufferMs)),
      latencyMs: Math.max(0, Math.round(latencyMs)),
    };
    this.#socket.send(JSON.stringify(ack));
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
  }

  #onMessage(data: unknown): void {
    if (this.#isClosed) return;
    const nowMs = performance.now();
    this.#hadMessage = true;
    this.#watchdog.onMessage(nowMs);
    if (data instanceof ArrayBuffer) {
      this.#events.onBinary(new Uint8Array(data), nowMs);
      return;
    }
    const message = parseServerMessage(String(data));
    if (message === undefined) return;
    if (message.type !== "pong") {
      this.#events.onMessage(message);
      return;
    }
    const sentMs = this.#pings.get(message.id);
    this.#pings.delete(message.id);
    if (sentMs !== undefined) this.#events.onPong(sentMs, nowMs, message.serverMs);
  }

  #finish(code: number): void {
    if (this.#isClosed) return;
    this.close();
    this.#events.onClosed(code, this.#hadMessage);
  }
}
