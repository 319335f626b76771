import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { RtmpClientSession } from "../../../servers/live/src/protocol/rtmp/index.ts";
import {
  encodeClientFrame,
  encodeUpgradeRequest,
  OPCODE,
  WebSocketSkimmer,
} from "../../../servers/live/src/protocol/websocket/index.ts";
import { readFragmentTime } from "./fragment-time.ts";
import { MarkerScanner, monotonicUs, type OnMarked } from "./marker.ts";

export type ViewerKind = "rtmp" | "ws" | "flv";

export interface ViewerOptions {
  readonly kind: ViewerKind;
  readonly port: number;
  readonly name: string;
  /** Looks for markers in everything received; without, bytes are counted and thrown away. */
  readonly onMarked?: OnMarked;
}

/** As often as the web app's player acknowledges. */
const ACK_INTERVAL_US = 900_000;
const CATCH_UP_MS = 300;
const ACK_AT_MOST_EVERY_US = 100_000;
/** An RTMP player tells how much it has received this often, in bytes. */
const RTMP_ACK_BYTES = 1 << 20;
const SKIMMED_HEAD_BYTES = 96;
const OPEN_TIMEOUT_MS = 15_000;
const MASK = new Uint8Array(4);

/** All viewers of a process read into the same memory: what arrives is looked at before the next read and never kept. */
const SHARED_BUFFER = Buffer.allocUnsafeSlow(256 << 10);

/**
 * One viewer that does as little as its protocol allows: it shakes hands, counts, and acknowledges what it gets as the
 * real player does. Stalling stops reading, and so acknowledging, as a phone in a tunnel would.
 */
export class Viewer {
  receivedBytes = 0;
  /** The media has begun. */
  isOpen = false;
  isClosed = false;
  /** Text messages of the WebSocket, the latest 100. */
  readonly texts: string[] = [];
  readonly #options: ViewerOptions;
  readonly #socket: Socket;
  readonly #scanner: MarkerScanner | undefined;
  #rtmp: RtmpClientSession | undefined;
  #skimmer: WebSocketSkimmer | undefined;
  #head = "";
  #isTalking = true;
  #ackedUs = 0;
  #ackedMediaMs = 0;
  #ackedBytes = 0;
  #onOpen: () => void = () => undefined;

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.#scanner = options.onMarked ? new MarkerScanner(options.onMarked) : undefined;
    const onread = { buffer: SHARED_BUFFER, callback: (size: number) => this.#onRead(size) };
    this.#socket = connect({ host: "127.0.0.1", port: options.port, noDelay: true, onread });
    this.#socket.on("connect", () => this.#greet());
    this.#socket.on("error", () => undefined); // "close" follows
    this.#socket.on("close", () => this.#onClose());
  }

  /**
   * Resolves when the media has begun.
   *
   * @throws Error if the server does not let it in, or not in time.
   */
  opened(): Promise<void> {
    const { kind, name } = this.#options;
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        if (this.isOpen) resolve();
        else reject(new Error(`A ${kind} viewer of "${name}" was not let in`));
      };
      const timer = setTimeout(settle, OPEN_TIMEOUT_MS);
      if (this.isOpen || this.isClosed) settle();
      else this.#onOpen = settle;
    });
  }

  stall(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #greet(): void {
    const { kind, port, name } = this.#options;
    if (kind === "rtmp") {
      this.#rtmp = new RtmpClientSession({
        mode: "play",
        app: "live",
        tcUrl: `rtmp://127.0.0.1:${port}/live`,
        streamName: name,
        randomBytes: (size) => randomBytes(size),
        nowMs: performance.now(),
      });
      this.#flushRtmp(this.#rtmp);
    } else if (kind === "ws") {
      this.#skimmer = new WebSocketSkimmer(
        { onBinary: (_, head) => this.#onFragment(head), onText: (text) => this.#onText(text) },
        SKIMMED_HEAD_BYTES,
      );
      const key = randomBytes(16).toString("base64");
      this.#socket.write(encodeUpgradeRequest("127.0.0.1", `/live/${name}/ws`, key));
    } else {
      this.#socket.write(`GET /live/${name}.flv HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    }
  }

  #onRead(size: number): boolean {
    this.receivedBytes += size;
    if (this.#isTalking) {
      this.#talk(size);
      return true;
    }
    const { kind } = this.#options;
    if (this.#scanner) this.#scanner.push(SHARED_BUFFER.subarray(0, size), monotonicUs());
    if (kind === "ws") this.#skimmer?.push(SHARED_BUFFER.subarray(0, size));
    else if (kind === "rtmp" && this.receivedBytes - this.#ackedBytes >= RTMP_ACK_BYTES) this.#sendRtmpAck();
    return true;
  }

  /** Everything before the media. Media that comes along with the last of it is not looked at. */
  #talk(size: number): void {
    const bytes = SHARED_BUFFER.subarray(0, size);
    if (this.#rtmp) {
      const events = this.#rtmp.receive(bytes, performance.now());
      this.#flushRtmp(this.#rtmp);
      if (events.some(({ kind }) => kind === "error")) this.#socket.destroy();
      else if (this.#rtmp.isReady) this.#open();
      return;
    }
    this.#head += bytes.toString("latin1");
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const isAccepted = /^HTTP\/1\.1 (101|200) /.test(this.#head);
    const rest = Buffer.from(this.#head.slice(end + 4), "latin1");
    this.#head = "";
    if (!isAccepted) {
      this.#socket.destroy();
      return;
    }
    this.#open();
    this.#skimmer?.push(rest);
    this.#scanner?.push(rest, monotonicUs());
  }

  #open(): void {
    this.#isTalking = false;
    this.isOpen = true;
    this.#rtmp = undefined;
    this.#onOpen();
  }

  #flushRtmp(session: RtmpClientSession): void {
    for (const bytes of session.takeOutput()) this.#socket.write(bytes);
  }

  /** RTMP 1.0 §5.4.3: how many bytes have arrived. */
  #sendRtmpAck(): void {
    this.#ackedBytes = this.receivedBytes;
    const message = Buffer.alloc(16);
    message.set([2, 0, 0, 0, 0, 0, 4, 3]);
    message.writeUInt32BE(this.receivedBytes % 2 ** 32, 12);
    this.#socket.write(message);
  }

  #onFragment(head: Uint8Array): void {
    const nowUs = monotonicUs();
    const sinceUs = nowUs - this.#ackedUs;
    if (sinceUs < ACK_AT_MOST_EVERY_US) return;
    const mediaMs = readFragmentTime(head)?.mediaMs;
    if (mediaMs === undefined) return;
    const aheadMs = mediaMs - this.#ackedMediaMs - sinceUs / 1000;
    if (aheadMs < CATCH_UP_MS && sinceUs < ACK_INTERVAL_US) return;
    this.#ackedUs = nowUs;
    this.#ackedMediaMs = mediaMs;
    const ack = `{"type":"ack","mediaMs":${Math.round(mediaMs)},"bufferMs":200,"latencyMs":300}`;
    this.#socket.write(encodeClientFrame(OPCODE.text, Buffer.from(ack, "latin1"), MASK));
  }

  #onText(text: string): void {
    this.texts.push(text);
    if (this.texts.length > 100) this.texts.shift();
  }

  #onClose(): void {
    this.isClosed = true;
    this.#onOpen();
  }
}
