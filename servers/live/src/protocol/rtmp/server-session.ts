import { AmfEcmaArray, type AmfObject, amfProperties } from "./amf-value.ts";
import { encodeAmf0 } from "./amf0.ts";
import type { RtmpMessage } from "./chunk-reader.ts";
import { CommandBudget } from "./command-budget.ts";
import { CAPS_EX, decodeCommand, decodeData, statusInfo } from "./commands.ts";
import type { RtmpFailureCode } from "./errors.ts";
import { ServerHandshake } from "./handshake.ts";
import { DEFAULT_RTMP_LIMITS, type RtmpLimits } from "./limits.ts";
import { CHUNK_STREAM, RtmpLink } from "./link.ts";
import { decodeControlMessage, MESSAGE_TYPE, splitAggregate, USER_CONTROL } from "./messages.ts";
import { ServerCommands } from "./server-commands.ts";
import type { RtmpEvent } from "./server-events.ts";
import type { AcceptPlayOptions, RtmpServerOptions } from "./server-options.ts";
import { type MessageStream, MessageStreams } from "./server-streams.ts";

/**
 * The server's side of one RTMP connection, without socket or clock.
 *
 * ```
 * socket bytes -> receive(bytes, nowMs) -> events for the shell
 * shell's answers (acceptPublish, ...)  -> takeOutput() -> socket
 * ```
 *
 * After every call that may answer (`receive`, the accepts and rejects, `onDeadline`), write what `takeOutput` gives.
 * Media to players does not pass through here: lay it out once with `encodeMediaMessage` and write it to every socket
 * whose play is accepted; whole messages may be mixed with the session's output in any order.
 *
 * Every `publish` and `play` event must be answered, even if `unpublish` or `stop` follows it first; accepting one that
 * was left returns that event again.
 */
export class RtmpServerSession {
  readonly #limits: RtmpLimits;
  readonly #allocate: RtmpServerOptions["allocate"];
  readonly #handshake: ServerHandshake;
  readonly #link: RtmpLink;
  readonly #streams: MessageStreams;
  readonly #commands: ServerCommands;
  readonly #budget: CommandBudget;
  #phase: "handshake" | "connect" | "connected" | "failed" = "handshake";
  #phaseSinceMs: number;
  #heardAtMs: number;
  #pingedAtMs: number | undefined;
  #nowMs: number;
  #events: RtmpEvent[] = [];

  constructor(options: RtmpServerOptions) {
    this.#limits = { ...DEFAULT_RTMP_LIMITS, ...options.limits };
    this.#allocate = options.allocate;
    this.#handshake = new ServerHandshake(options.randomBytes);
    this.#link = new RtmpLink(this.#limits.beforeAccept, false);
    this.#streams = new MessageStreams(this.#limits.maxStreams);
    this.#commands = new ServerCommands(this.#link, this.#streams, options.capsEx ?? CAPS_EX.reconnect);
    this.#budget = new CommandBudget(this.#limits.maxCommandBurst, this.#limits.commandsPerSecond, options.nowMs);
    this.#phaseSinceMs = options.nowMs;
    this.#heardAtMs = options.nowMs;
    this.#nowMs = options.nowMs;
  }

  /** Bytes allocated for messages that are not whole yet, and for media that waits for an answer. */
  get heldBytes(): number {
    return this.#link.partialBytes + this.#streams.heldBytes;
  }

  /** Takes bytes from the socket; they may be reused afterwards. After an `error` event it returns nothing. */
  receive(bytes: Uint8Array, nowMs: number): RtmpEvent[] {
    if (this.#phase === "failed") return [];
    this.#nowMs = nowMs;
    this.#heardAtMs = nowMs;
    this.#pingedAtMs = undefined;
    const offset = this.#phase === "handshake" ? this.#shakeHands(bytes, nowMs) : 0;
    if (this.#phase === "connect" || this.#phase === "connected") this.#readMessages(bytes, offset);
    return this.#takeEvents();
  }

  /** Bytes to be written to the socket, oldest first. */
  takeOutput(): Uint8Array[] {
    return this.#link.takeOutput();
  }

  /** When to call `onDeadline` next, on the caller's clock; `Infinity` if there is nothing to wait for. */
  get deadlineMs(): number {
    switch (this.#phase) {
      case "handshake":
        return this.#phaseSinceMs + this.#limits.handshakeTimeoutMs;
      case "connect":
        return this.#phaseSinceMs + this.#limits.connectTimeoutMs;
      case "connected":
        return Math.min(this.#silenceDeadlineMs, this.#idleDeadlineMs);
      case "failed":
        return Number.POSITIVE_INFINITY;
      default:
        return this.#phase satisfies never;
    }
  }

  /** Ends a connection that is late, or pings a silent peer. Does nothing before `deadlineMs`. */
  onDeadline(nowMs: number): RtmpEvent[] {
    this.#nowMs = nowMs;
    if (nowMs < this.deadlineMs) return [];
    if (this.#phase === "handshake") {
      this.#fail("RTMP_HANDSHAKE_TIMEOUT", `Cannot wait longer than ${this.#limits.handshakeTimeoutMs} ms for C2`);
    } else if (this.#phase === "connect") {
      this.#fail("RTMP_CONNECT_TIMEOUT", `Cannot wait longer than ${this.#limits.connectTimeoutMs} ms for connect`);
    } else if (nowMs >= this.#idleDeadlineMs) {
      this.#fail("RTMP_IDLE_TIMEOUT", `Cannot wait longer than ${this.#limits.idleTimeoutMs} ms for publish or play`);
    } else if (this.#pingedAtMs === undefined) {
      this.#pingedAtMs = nowMs;
      this.#link.sendUserControl(USER_CONTROL.pingRequest, Math.floor(nowMs) >>> 0);
    } else {
      const silentMs = Math.round(nowMs - this.#heardAtMs);
      this.#fail("RTMP_PEER_SILENT", `Cannot reach the peer: nothing for ${silentMs} ms, not even an answer to a ping`);
    }
    return this.#takeEvents();
  }

  /**
   * Lets a publisher begin.
   *
   * @returns What it sent while it waited, in order, to be handled like the events of `receive`; only `unpublish` if
   * it left before the answer.
   */
  acceptPublish(streamId: number): RtmpEvent[] {
    const stream = this.#answerable(streamId, "publish-asked");
    if (stream === undefined) return [{ kind: "unpublish", streamId }];
    const held = stream.held;
    this.#streams.settle(stream, "publishing");
    this.#link.limits = this.#limits.afterAccept;
    if (this.#allocate) this.#link.allocate = this.#allocate;
    this.#link.sendUserControl(USER_CONTROL.streamBegin, streamId);
    this.#commands.sendStatus(streamId, "status", "NetStream.Publish.Start", "Publishing has started");
    return held;
  }

  /** Refuses a publisher, such as with `NetStream.Publish.BadName`. The shell closes when it likes. */
  rejectPublish(streamId: number, code: string, description: string): void {
    const stream = this.#answerable(streamId, "publish-asked");
    if (stream === undefined) return;
    this.#streams.settle(stream, "idle");
    this.#commands.sendStatus(streamId, "error", code, description);
  }

  /**
   * Lets a player begin: after this, its socket may be given media messages.
   *
   * @returns Nothing, or `stop` if it left before the answer; then it must not be given media.
   */
  acceptPlay(streamId: number, options: AcceptPlayOptions = {}): RtmpEvent[] {
    const stream = this.#answerable(streamId, "play-asked");
    if (stream === undefined) return [{ kind: "stop", streamId }];
    this.#streams.settle(stream, "playing");
    this.#link.limits = this.#limits.afterAccept;
    this.#link.sendUserControl(USER_CONTROL.streamBegin, streamId);
    this.#commands.sendStatus(streamId, "status", "NetStream.Play.Reset", "Playing and resetting");
    this.#commands.sendStatus(streamId, "status", "NetStream.Play.Start", "Playing has started");
    this.#sendData(streamId, encodeAmf0("|RtmpSampleAccess", true, true));
    if (options.metadata !== undefined) this.sendMetadata(streamId, options.metadata);
    return [];
  }

  /** Refuses a player, such as with `NetStream.Play.StreamNotFound`. */
  rejectPlay(streamId: number, code: string, description: string): void {
    const stream = this.#answerable(streamId, "play-asked");
    if (stream === undefined) return;
    this.#streams.settle(stream, "idle");
    this.#commands.sendStatus(streamId, "error", code, description);
  }

  /** Tells a player about new metadata. */
  sendMetadata(streamId: number, metadata: AmfObject): void {
    if (this.#streams.get(streamId)?.state !== "playing") return;
    this.#sendData(streamId, encodeAmf0("onMetaData", new AmfEcmaArray(metadata)));
  }

  /** Tells a player that the broadcast is over. It may play again on the same stream. */
  endPlay(streamId: number): void {
    const stream = this.#streams.get(streamId);
    if (stream?.state !== "playing") return;
    this.#streams.settle(stream, "idle");
    this.#phaseSinceMs = this.#nowMs;
    this.#commands.sendStatus(streamId, "status", "NetStream.Play.UnpublishNotify", "The broadcast has ended");
    this.#link.sendUserControl(USER_CONTROL.streamEof, streamId);
  }

  /**
   * Asks the peer to connect again, to `tcUrl` or to where it is. It goes on here until it has.
   *
   * @returns False if the peer did not say that it can; then nothing is sent.
   * @see Enhanced RTMP v2, Reconnect Request
   */
  requestReconnect(tcUrl?: string, description = "The server asks for a new connection"): boolean {
    if (this.#phase !== "connected" || (this.#commands.peerCapsEx & CAPS_EX.reconnect) === 0) return false;
    const more = tcUrl === undefined ? {} : { tcUrl };
    const info = statusInfo("status", "NetConnection.Connect.ReconnectRequest", description, more);
    this.#link.sendCommand(0, "onStatus", 0, null, info);
    return true;
  }

  #shakeHands(bytes: Uint8Array, nowMs: number): number {
    const step = this.#handshake.receive(bytes, 0, nowMs);
    for (const output of step.output) this.#link.sendRaw(output);
    if (step.failure !== undefined) this.#fail(step.failure.code, step.failure.message);
    if (step.isDone) this.#enter("connect");
    return step.usedBytes;
  }

  #readMessages(bytes: Uint8Array, offset: number): void {
    this.#link.push(bytes, offset);
    for (let message = this.#link.next(); message !== undefined; message = this.#link.next()) {
      this.#onMessage(message);
      if (this.#hasFailed) return;
    }
    if (this.#link.failure !== undefined) this.#fail(this.#link.failure.code, this.#link.failure.message);
    else this.#link.acknowledge();
  }

  #onMessage(message: RtmpMessage): void {
    switch (message.messageType) {
      case MESSAGE_TYPE.acknowledgement:
      case MESSAGE_TYPE.userControl:
      case MESSAGE_TYPE.windowAckSize:
      case MESSAGE_TYPE.setPeerBandwidth:
        this.#onControl(message);
        return;
      case MESSAGE_TYPE.commandAmf0:
      case MESSAGE_TYPE.commandAmf3:
        this.#onCommand(message);
        return;
      case MESSAGE_TYPE.audio:
      case MESSAGE_TYPE.video:
      case MESSAGE_TYPE.dataAmf0:
      case MESSAGE_TYPE.dataAmf3:
        this.#onStreamMessage(message);
        return;
      case MESSAGE_TYPE.aggregate:
        this.#onAggregate(message);
        return;
      default:
        // Chunk size and abort took effect in the reader; shared objects and the unknown are passed over.
        return;
    }
  }

  #onControl(message: RtmpMessage): void {
    const control = decodeControlMessage(message);
    if (control === undefined) {
      const size = message.payload.length;
      this.#fail("RTMP_CONTROL_MALFORMED", `Cannot read a message of type ${message.messageType} in ${size} bytes`);
      return;
    }
    if (control.kind === "acknowledgement") {
      this.#events.push({ kind: "ack", byteCount: this.#link.onAcknowledgement(control.sequenceNumber) });
    } else if (control.kind === "window-ack-size") {
      this.#link.setWindow(control.windowBytes);
    } else if (control.kind === "ping-request" && this.#pay()) {
      this.#link.sendUserControl(USER_CONTROL.pingResponse, control.timestampMs);
    }
  }

  #onCommand(message: RtmpMessage): void {
    if (!this.#pay()) return;
    const command = decodeCommand(message.messageType, message.payload, this.#limits.amf);
    if (!command.ok) {
      this.#fail("RTMP_COMMAND_MALFORMED", command.message);
      return;
    }
    if (this.#phase !== "connected") {
      if (command.name !== "connect") {
        this.#fail("RTMP_CONNECT_EXPECTED", `Cannot do "${command.name.slice(0, 64)}" before connect`);
        return;
      }
      this.#enter("connected");
      this.#events.push(this.#commands.connect(command));
      return;
    }
    const hadAccepted = this.#streams.hasAccepted;
    this.#commands.handle(command, message.messageStreamId, this.#events);
    if (hadAccepted && !this.#streams.hasAccepted) this.#phaseSinceMs = this.#nowMs;
  }

  /** Media and data count on a stream that publishes, wait on one that asked to, and are passed over elsewhere. */
  #onStreamMessage(message: RtmpMessage): void {
    if (message.payload.length === 0) return;
    const stream = this.#streams.get(message.messageStreamId);
    if (stream === undefined || (stream.state !== "publishing" && stream.state !== "publish-asked")) return;
    const event = this.#streamEvent(message);
    if (event === undefined) return;
    if (stream.state === "publishing") this.#events.push(event);
    else this.#hold(stream, event, message.payload.length);
  }

  #streamEvent(message: RtmpMessage): RtmpEvent | undefined {
    const { messageType, timestampMs, payload, messageStreamId: streamId } = message;
    if (messageType === MESSAGE_TYPE.audio || messageType === MESSAGE_TYPE.video) {
      return { kind: "media", streamId, messageType, timestampMs, payload };
    }
    if (messageType !== MESSAGE_TYPE.dataAmf0 && messageType !== MESSAGE_TYPE.dataAmf3) return undefined;
    const data = decodeData(messageType, payload, this.#limits.amf);
    // A broadcast goes on without its metadata, so data that cannot be read is passed over.
    if (!data.ok) return undefined;
    if (data.name !== "onMetaData") {
      return { kind: "data", streamId, timestampMs, name: data.name, values: data.values };
    }
    const value = amfProperties(data.values[0]);
    return value === undefined ? undefined : { kind: "metadata", streamId, timestampMs, value };
  }

  #hold(stream: MessageStream, event: RtmpEvent, sizeBytes: number): void {
    // Each message is charged for its own weight as well, or empty ones would be free.
    stream.heldBytes += sizeBytes + 64;
    if (stream.heldBytes > this.#limits.maxUndecidedBytes) {
      this.#fail(
        "RTMP_UNDECIDED_LIMIT",
        `Cannot hold more than ${this.#limits.maxUndecidedBytes} bytes before the publish is accepted. ` +
          "Wait for NetStream.Publish.Start before sending media",
      );
      return;
    }
    stream.held.push(event);
  }

  #onAggregate(message: RtmpMessage): void {
    const parts = splitAggregate(message);
    if (parts === undefined) {
      this.#fail("RTMP_AGGREGATE_MALFORMED", `Cannot split an aggregate of ${message.payload.length} bytes`);
      return;
    }
    for (const part of parts) {
      if (this.#hasFailed) return;
      this.#onStreamMessage(part);
    }
  }

  /** The stream that waits for this answer. One that was left meanwhile is set free. */
  #answerable(streamId: number, state: "publish-asked" | "play-asked"): MessageStream | undefined {
    const stream = this.#streams.get(streamId);
    if (stream?.state === "left") this.#streams.settle(stream, "idle");
    return stream?.state === state && this.#phase === "connected" ? stream : undefined;
  }

  #sendData(streamId: number, payload: Uint8Array): void {
    this.#link.send(CHUNK_STREAM.data, MESSAGE_TYPE.dataAmf0, streamId, 0, payload);
  }

  get #silenceDeadlineMs(): number {
    const from = this.#pingedAtMs ?? this.#heardAtMs;
    return from + this.#limits.pingAfterMs;
  }

  get #idleDeadlineMs(): number {
    if (this.#phase !== "connected" || this.#streams.hasAccepted) return Number.POSITIVE_INFINITY;
    return this.#phaseSinceMs + this.#limits.idleTimeoutMs;
  }

  get #hasFailed(): boolean {
    return this.#phase === "failed";
  }

  /** Charges a message that wants an answer. */
  #pay(): boolean {
    if (this.#budget.take(this.#nowMs)) return true;
    this.#fail(
      "RTMP_COMMAND_FLOOD",
      `Cannot answer more than ${this.#limits.maxCommandBurst} commands at once and ` +
        `${this.#limits.commandsPerSecond} a second`,
    );
    return false;
  }

  #enter(phase: "connect" | "connected"): void {
    this.#phase = phase;
    this.#phaseSinceMs = this.#nowMs;
  }

  #fail(code: RtmpFailureCode, message: string): void {
    if (this.#phase === "failed") return;
    this.#phase = "failed";
    this.#events.push({ kind: "error", code, message });
  }

  #takeEvents(): RtmpEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
