import { AmfEcmaArray, type AmfObject, type AmfValue, amfObject, amfProperties } from "./amf-value.ts";
import { encodeAmf0 } from "./amf0.ts";
import type { RtmpMessage } from "./chunk-reader.ts";
import type { RtmpClientEvent } from "./client-events.ts";
import { CAPS_EX, decodeCommand, decodeData, FOUR_CC_INFO, type RtmpCommand, splitStreamName } from "./commands.ts";
import type { RtmpFailureCode } from "./errors.ts";
import { ClientHandshake, type DigestScheme, type RandomBytes } from "./handshake.ts";
import { DEFAULT_RTMP_LIMITS, type RtmpLimits } from "./limits.ts";
import { CHUNK_STREAM, RtmpLink } from "./link.ts";
import { decodeControlMessage, MESSAGE_TYPE, splitAggregate, USER_CONTROL } from "./messages.ts";

export interface RtmpClientOptions {
  readonly mode: "publish" | "play";
  /** The application, such as `live`. */
  readonly app: string;
  /** `rtmp://host:port/app`. */
  readonly tcUrl: string;
  /** The stream key or name, with its query if it has one. */
  readonly streamName: string;
  readonly randomBytes: RandomBytes;
  /** When the connection was made, on the clock of every other `nowMs`. */
  readonly nowMs: number;
  readonly flashVer?: string;
  /** Asks for a handshake with digests; the plain one unless given. */
  readonly digestScheme?: DigestScheme;
  /** `CAPS_EX` flags to announce; `reconnect` unless given. */
  readonly capsEx?: number;
  /** Bytes of outgoing chunks, 128 to 16777215; 4096 unless given. */
  readonly chunkBytes?: number;
  readonly limits?: Partial<RtmpLimits>;
}

type Step = "handshake" | "connect" | "create-stream" | "start" | "ready" | "failed";

const TRANSACTION = { connect: 1, releaseStream: 2, fcPublish: 3, createStream: 4, start: 5, end: 6 } as const;
const FOUR_CCS = ["avc1", "hvc1", "av01", "vp09", "mp4a", "Opus"];

/**
 * The client's side of one RTMP connection, without socket or clock: it connects, creates a stream and publishes or
 * plays by itself, and says `ready`. Write what `takeOutput` gives after construction and after every call.
 */
export class RtmpClientSession {
  readonly #options: RtmpClientOptions;
  readonly #limits: RtmpLimits;
  readonly #handshake: ClientHandshake;
  readonly #link: RtmpLink;
  #step: Step = "handshake";
  #streamId = 0;
  #sinceMs: number;
  #hasEnded = false;
  #events: RtmpClientEvent[] = [];

  constructor(options: RtmpClientOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_RTMP_LIMITS, ...options.limits };
    this.#handshake = new ClientHandshake(options.randomBytes, options.digestScheme);
    // A client chose its server, so the wider limits hold from the start.
    this.#link = new RtmpLink(this.#limits.afterAccept, true);
    this.#sinceMs = options.nowMs;
    this.#link.sendRaw(this.#handshake.start());
  }

  get isReady(): boolean {
    return this.#step === "ready";
  }

  /** Takes bytes from the socket; they may be reused afterwards. After an `error` event it returns nothing. */
  receive(bytes: Uint8Array, nowMs: number): RtmpClientEvent[] {
    let offset = 0;
    if (this.#step === "handshake") {
      const step = this.#handshake.receive(bytes, 0, nowMs);
      offset = step.usedBytes;
      for (const output of step.output) this.#link.sendRaw(output);
      if (step.failure !== undefined) this.#fail(step.failure.code, step.failure.message);
      if (step.isDone) this.#connect(nowMs);
    }
    if (this.#step !== "handshake" && this.#step !== "failed") this.#readMessages(bytes, offset, nowMs);
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Bytes to be written to the socket, oldest first. */
  takeOutput(): Uint8Array[] {
    return this.#link.takeOutput();
  }

  /** When to call `onDeadline` next; `Infinity` once media may flow. */
  get deadlineMs(): number {
    switch (this.#step) {
      case "handshake":
        return this.#sinceMs + this.#limits.handshakeTimeoutMs;
      case "connect":
      case "create-stream":
      case "start":
        return this.#sinceMs + this.#limits.connectTimeoutMs;
      case "ready":
      case "failed":
        return Number.POSITIVE_INFINITY;
      default:
        return this.#step satisfies never;
    }
  }

  /** Gives up on a server that is late. Does nothing before `deadlineMs`. */
  onDeadline(nowMs: number): RtmpClientEvent[] {
    if (nowMs < this.deadlineMs) return [];
    if (this.#step === "handshake") {
      this.#fail("RTMP_HANDSHAKE_TIMEOUT", `Cannot wait longer than ${this.#limits.handshakeTimeoutMs} ms for S2`);
    } else {
      const waited = this.#limits.connectTimeoutMs;
      this.#fail("RTMP_CONNECT_TIMEOUT", `Cannot wait longer than ${waited} ms for the answer to ${this.#step}`);
    }
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Sends an FLV tag body. Passed over unless `isReady` in publish mode. */
  sendMedia(messageType: 8 | 9, timestampMs: number, payload: Uint8Array): void {
    if (!this.#isPublishing) return;
    const chunkStreamId = messageType === MESSAGE_TYPE.video ? CHUNK_STREAM.video : CHUNK_STREAM.audio;
    this.#link.send(chunkStreamId, messageType, this.#streamId, timestampMs, payload);
  }

  /** Sends `onMetaData` as encoders do. Passed over unless `isReady` in publish mode. */
  sendMetadata(metadata: AmfObject, timestampMs = 0): void {
    this.sendData("@setDataFrame", ["onMetaData", new AmfEcmaArray(metadata)], timestampMs);
  }

  /** Sends any data message. Passed over unless `isReady` in publish mode. */
  sendData(name: string, values: readonly AmfValue[], timestampMs = 0): void {
    if (!this.#isPublishing) return;
    const payload = encodeAmf0(name, ...values);
    this.#link.send(CHUNK_STREAM.data, MESSAGE_TYPE.dataAmf0, this.#streamId, timestampMs, payload);
  }

  /** Says goodbye: the stream is given up. Write the output, then close the socket. */
  close(): void {
    if (this.#step !== "start" && this.#step !== "ready") return;
    if (this.#options.mode === "publish") {
      this.#link.sendCommand(0, "FCUnpublish", TRANSACTION.end, null, this.#options.streamName);
    }
    this.#link.sendCommand(0, "deleteStream", 0, null, this.#streamId);
    this.#step = "failed";
  }

  get #isPublishing(): boolean {
    return this.#step === "ready" && this.#options.mode === "publish";
  }

  #connect(nowMs: number): void {
    this.#step = "connect";
    this.#sinceMs = nowMs;
    const isPublish = this.#options.mode === "publish";
    const map = (fourCcs: readonly string[]) =>
      amfObject(
        Object.fromEntries(
          fourCcs.map((fourCc) => [fourCc, isPublish ? FOUR_CC_INFO.canEncode : FOUR_CC_INFO.canDecode]),
        ),
      );
    const object = amfObject({
      app: this.#options.app,
      type: "nonprivate",
      flashVer: this.#options.flashVer ?? "FMLE/3.0 (compatible; Kagami)",
      tcUrl: this.#options.tcUrl,
      objectEncoding: 0,
      capsEx: this.#options.capsEx ?? CAPS_EX.reconnect,
      fourCcList: FOUR_CCS,
      videoFourCcInfoMap: map(FOUR_CCS.slice(0, 4)),
      audioFourCcInfoMap: map(FOUR_CCS.slice(4)),
    });
    this.#link.sendCommand(0, "connect", TRANSACTION.connect, object);
    this.#link.sendChunkSize(this.#options.chunkBytes ?? 4096);
  }

  #readMessages(bytes: Uint8Array, offset: number, nowMs: number): void {
    this.#link.push(bytes, offset);
    for (let message = this.#link.next(); message !== undefined; message = this.#link.next()) {
      this.#onMessage(message, nowMs);
      if (this.#hasFailed) return;
    }
    if (this.#link.failure !== undefined) this.#fail(this.#link.failure.code, this.#link.failure.message);
    else this.#link.acknowledge();
  }

  #onMessage(message: RtmpMessage, nowMs: number): void {
    switch (message.messageType) {
      case MESSAGE_TYPE.acknowledgement:
      case MESSAGE_TYPE.userControl:
      case MESSAGE_TYPE.windowAckSize:
      case MESSAGE_TYPE.setPeerBandwidth:
        this.#onControl(message);
        return;
      case MESSAGE_TYPE.commandAmf0:
      case MESSAGE_TYPE.commandAmf3:
        this.#onCommand(message, nowMs);
        return;
      case MESSAGE_TYPE.audio:
      case MESSAGE_TYPE.video:
        if (message.payload.length === 0) return;
        this.#events.push({
          kind: "media",
          messageType: message.messageType,
          timestampMs: message.timestampMs,
          payload: message.payload,
        });
        return;
      case MESSAGE_TYPE.dataAmf0:
      case MESSAGE_TYPE.dataAmf3:
        this.#onData(message);
        return;
      case MESSAGE_TYPE.aggregate:
        this.#onAggregate(message, nowMs);
        return;
      default:
        return;
    }
  }

  #onControl(message: RtmpMessage): void {
    const control = decodeControlMessage(message);
    if (control === undefined) {
      this.#fail("RTMP_CONTROL_MALFORMED", `Cannot read a message of type ${message.messageType}: it is too short`);
    } else if (control.kind === "acknowledgement") {
      this.#events.push({ kind: "ack", byteCount: this.#link.onAcknowledgement(control.sequenceNumber) });
    } else if (control.kind === "window-ack-size") {
      this.#link.setWindow(control.windowBytes);
    } else if (control.kind === "ping-request") {
      this.#link.sendUserControl(USER_CONTROL.pingResponse, control.timestampMs);
    } else if (control.kind === "stream-eof") {
      this.#end();
    }
  }

  #onCommand(message: RtmpMessage, nowMs: number): void {
    const command = decodeCommand(message.messageType, message.payload, this.#limits.amf);
    if (!command.ok) this.#fail("RTMP_COMMAND_MALFORMED", command.message);
    else if (command.name === "_result") this.#onResult(command, nowMs);
    else if (command.name === "_error") this.#onRefusal(command);
    else if (command.name === "onStatus") this.#onStatus(command);
  }

  #onResult(command: RtmpCommand, nowMs: number): void {
    if (this.#step === "connect" && command.transactionId === TRANSACTION.connect) {
      const info = amfProperties(command.values[0]) ?? amfObject({});
      const capsEx = typeof info.capsEx === "number" ? info.capsEx >>> 0 : 0;
      this.#events.push({ kind: "connected", capsEx, info });
      if (this.#options.mode === "publish") {
        this.#link.sendCommand(0, "releaseStream", TRANSACTION.releaseStream, null, this.#options.streamName);
        this.#link.sendCommand(0, "FCPublish", TRANSACTION.fcPublish, null, this.#options.streamName);
      }
      this.#link.sendCommand(0, "createStream", TRANSACTION.createStream, null);
      this.#step = "create-stream";
      this.#sinceMs = nowMs;
      return;
    }
    const [streamId] = command.values;
    if (this.#step !== "create-stream" || command.transactionId !== TRANSACTION.createStream) return;
    if (typeof streamId !== "number") {
      this.#fail("RTMP_COMMAND_MALFORMED", "Cannot use the answer to createStream: it holds no number");
      return;
    }
    this.#streamId = streamId;
    this.#step = "start";
    this.#sinceMs = nowMs;
    if (this.#options.mode === "publish") {
      this.#link.sendCommand(streamId, "publish", TRANSACTION.start, null, this.#options.streamName, "live");
    } else {
      this.#link.sendCommand(streamId, "play", TRANSACTION.start, null, this.#options.streamName, -1000);
    }
  }

  /** `_error`: fatal where this client cannot go on; servers that do not know `FCPublish` may say so. */
  #onRefusal(command: RtmpCommand): void {
    const { code, description } = readStatus(command.values[0]);
    if (command.transactionId === TRANSACTION.connect) {
      this.#fail("RTMP_CONNECT_REFUSED", `Cannot connect to "${this.#options.app}": ${code} ${description}`);
    } else if (command.transactionId === TRANSACTION.createStream || command.transactionId === TRANSACTION.start) {
      this.#fail("RTMP_STREAM_REFUSED", `Cannot ${this.#options.mode}: ${code} ${description}`);
    }
  }

  #onStatus(command: RtmpCommand): void {
    const { level, code, description, tcUrl } = readStatus(command.values[0]);
    if (code === "NetConnection.Connect.ReconnectRequest") {
      this.#events.push({ kind: "reconnect-request", tcUrl, description });
      return;
    }
    if (level === "error") {
      const name = splitStreamName(this.#options.streamName).name;
      const subject = this.#options.mode === "publish" ? "with this key" : `"${name}"`;
      this.#fail("RTMP_STREAM_REFUSED", `Cannot ${this.#options.mode} ${subject}: ${code} ${description}`);
      return;
    }
    this.#events.push({ kind: "status", code, description });
    if (code === "NetStream.Play.UnpublishNotify") this.#end();
    const isStart = code === "NetStream.Publish.Start" || code === "NetStream.Play.Start";
    if (this.#step !== "start" || !isStart) return;
    this.#step = "ready";
    this.#events.push({ kind: "ready", streamId: this.#streamId });
  }

  #onData(message: RtmpMessage): void {
    const data = decodeData(message.messageType, message.payload, this.#limits.amf);
    if (!data.ok) return;
    const { timestampMs } = message;
    const value = data.name === "onMetaData" ? amfProperties(data.values[0]) : undefined;
    if (value !== undefined) this.#events.push({ kind: "metadata", timestampMs, value });
    else this.#events.push({ kind: "data", timestampMs, name: data.name, values: data.values });
  }

  #onAggregate(message: RtmpMessage, nowMs: number): void {
    const parts = splitAggregate(message);
    if (parts === undefined) {
      this.#fail("RTMP_AGGREGATE_MALFORMED", `Cannot split an aggregate of ${message.payload.length} bytes`);
      return;
    }
    for (const part of parts) {
      if (part.messageType !== MESSAGE_TYPE.aggregate) this.#onMessage(part, nowMs);
      if (this.#hasFailed) return;
    }
  }

  get #hasFailed(): boolean {
    return this.#step === "failed";
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#events.push({ kind: "ended" });
  }

  #fail(code: RtmpFailureCode, message: string): void {
    if (this.#step === "failed") return;
    this.#step = "failed";
    this.#events.push({ kind: "error", code, message });
  }
}

function readStatus(value: AmfValue): { level: string; code: string; description: string; tcUrl: string | undefined } {
  const info = amfProperties(value) ?? amfObject({});
  const text = (entry: AmfValue) => (typeof entry === "string" ? entry : "");
  return {
    level: text(info.level),
    code: text(info.code),
    description: text(info.description),
    tcUrl: typeof info.tcUrl === "string" ? info.tcUrl : undefined,
  };
}
