import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { FlvDemuxer, isMalformed, readBoxes } from "@kagami/media";
import { RtmpClientSession } from "../../../servers/live/src/protocol/rtmp/index.ts";
import { encodeUpgradeRequest, WebSocketSkimmer } from "../../../servers/live/src/protocol/websocket/index.ts";
import { readFragmentTime } from "./fragment-time.ts";
import { MarkerScanner, monotonicUs } from "./marker.ts";
import type { ViewerKind } from "./viewer.ts";

export interface ParsedOptions {
  readonly kind: ViewerKind;
  readonly port: number;
  readonly name: string;
}

/** What one viewer saw of a stream. */
export interface ParsedObservation {
  /** The connection has ended, or the server said that the stream has. */
  readonly isClosed: boolean;
  /** Picture times that went back. */
  readonly backwardCount: number;
  /** The largest step from one picture's time to the next, in ms: what the stream lost, on its own clock. */
  readonly largestStepMs: number;
  /** Arrivals of key frames and when they were sent, µs. */
  readonly keyFrames: readonly { readonly sentUs: number; readonly arrivedUs: number }[];
  readonly pictureCount: number;
  /** Values of `state` that the WebSocket told. */
  readonly states: readonly string[];
}

/** A message is kept whole up to this. */
const MESSAGE_LIMIT_BYTES = 4 << 20;
const OPEN_TIMEOUT_MS = 10_000;

/** A viewer that reads the time of every picture. */
export class ParsedViewer {
  readonly #options: ParsedOptions;
  readonly #socket: Socket;
  readonly #flv = new FlvDemuxer();
  readonly #scanner: MarkerScanner;
  readonly #skimmer: WebSocketSkimmer;
  readonly #rtmp: RtmpClientSession;
  readonly #keyFrames: { sentUs: number; arrivedUs: number }[] = [];
  readonly #states: string[] = [];
  #hasHead = false;
  #isClosed = false;
  #lastMs: number | undefined;
  #backwardCount = 0;
  #largestStepMs = 0;
  #pictureCount = 0;
  #onOpen: () => void = () => undefined;

  constructor(options: ParsedOptions) {
    this.#options = options;
    const { kind, port, name } = options;
    this.#scanner = new MarkerScanner(({ kind, sentUs }, arrivedUs) => {
      if (kind === "K") this.#keyFrames.push({ sentUs, arrivedUs });
    });
    this.#skimmer = new WebSocketSkimmer(
      { onBinary: (_, message) => this.#onFragments(message), onText: (text) => this.#onText(text) },
      MESSAGE_LIMIT_BYTES,
    );
    this.#rtmp = new RtmpClientSession({
      mode: "play",
      app: "live",
      tcUrl: `rtmp://127.0.0.1:${port}/live`,
      streamName: name,
      randomBytes: (size) => randomBytes(size),
      nowMs: performance.now(),
    });
    this.#socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.#socket.on("connect", () => {
      if (kind === "rtmp") this.#flushRtmp();
      // HTTP/1.0 has no chunks, which would have to be taken out of the stream.
      else if (kind === "flv") this.#socket.write(`GET /live/${name}.flv HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n`);
      else
        this.#socket.write(encodeUpgradeRequest("127.0.0.1", `/live/${name}/ws`, randomBytes(16).toString("base64")));
    });
    this.#socket.on("error", () => undefined); // "close" follows
    this.#socket.on("close", () => this.#onEnd());
    this.#socket.on("data", (bytes) => this.#onData(bytes as Buffer));
  }

  /**
   * Resolves at the first picture.
   *
   * @throws Error if there is none in time, or the server hangs up.
   */
  opened(): Promise<void> {
    const { kind, name } = this.#options;
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        if (this.#pictureCount > 0) resolve();
        else reject(new Error(`A ${kind} viewer of "${name}" saw no picture`));
      };
      const timer = setTimeout(settle, OPEN_TIMEOUT_MS);
      if (this.#pictureCount > 0 || this.#isClosed) settle();
      else this.#onOpen = settle;
    });
  }

  observation(): ParsedObservation {
    return {
      isClosed: this.#isClosed,
      backwardCount: this.#backwardCount,
      largestStepMs: this.#largestStepMs,
      keyFrames: this.#keyFrames,
      pictureCount: this.#pictureCount,
      states: this.#states,
    };
  }

  close(): void {
    this.#socket.destroy();
  }

  #onData(bytes: Buffer): void {
    const media = this.#options.kind === "rtmp" ? bytes : this.#afterHead(bytes);
    if (media.length === 0) return;
    this.#scanner.push(media, monotonicUs());
    if (this.#options.kind === "rtmp") this.#onRtmp(media);
    else if (this.#options.kind === "ws") this.#skimmer.push(media);
    else this.#onFlv(media);
  }

  #afterHead(bytes: Buffer): Buffer {
    if (this.#hasHead) return bytes;
    // The few bytes of an answer's head come in one piece on a loopback.
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0 || !/^HTTP\/1\.1 (101|200) /.test(bytes.toString("latin1", 0, 20))) {
      this.#socket.destroy();
      return Buffer.alloc(0);
    }
    this.#hasHead = true;
    return bytes.subarray(end + 4);
  }

  #onRtmp(bytes: Buffer): void {
    for (const event of this.#rtmp.receive(bytes, performance.now())) {
      if (event.kind === "error" || event.kind === "ended") this.#onEnd();
      const isPicture = event.kind === "media" && event.messageType === 9 && event.payload[1] === 1;
      if (isPicture) this.#onPicture(event.timestampMs);
    }
    this.#flushRtmp();
  }

  #onFlv(bytes: Buffer): void {
    for (const tag of this.#flv.push(bytes)) {
      if (tag.kind === "tag" && tag.type === 9 && tag.body[1] === 1) this.#onPicture(tag.timestampMs);
    }
  }

  /** A message may hold many fragments: a newcomer's first has all since the last key frame. */
  #onFragments(message: Uint8Array): void {
    const boxes = readBoxes(message);
    if (isMalformed(boxes)) throw new Error(`The server sent what is no fragment: ${boxes.message}`);
    for (const box of boxes) {
      const time = box.type === "moof" ? readFragmentTime(message.subarray(box.start, box.end)) : undefined;
      if (time?.isVideo) this.#onPicture(time.mediaMs);
    }
  }

  #onText(text: string): void {
    const message = JSON.parse(text) as { type: string; state?: string };
    if (message.type !== "state" || message.state === undefined) return;
    this.#states.push(message.state);
    if (message.state === "ended") this.#onEnd();
  }

  #onPicture(timestampMs: number): void {
    const stepMs = this.#lastMs === undefined ? 0 : timestampMs - this.#lastMs;
    this.#lastMs = timestampMs;
    if (stepMs < 0) this.#backwardCount++;
    this.#largestStepMs = Math.max(this.#largestStepMs, stepMs);
    this.#pictureCount++;
    this.#onOpen();
  }

  #flushRtmp(): void {
    for (const bytes of this.#rtmp.takeOutput()) this.#socket.write(bytes);
  }

  #onEnd(): void {
    this.#isClosed = true;
    this.#onOpen();
  }
}
