import { type AmfObject, type AmfValue, amfObject, amfProperties } from "./amf-value.ts";
import { FOUR_CC_INFO, type RtmpCommand, splitStreamName, statusInfo } from "./commands.ts";
import { ASKED_WINDOW_BYTES, DEFAULT_WINDOW_BYTES, type RtmpLink } from "./link.ts";
import { PLAY_CHUNK_BYTES, PLAY_STREAM_ID } from "./media-message.ts";
import { MESSAGE_TYPE, peerBandwidthPayload, uint32Payload } from "./messages.ts";
import type { ConnectEvent, RtmpEvent } from "./server-events.ts";
import type { MessageStream, MessageStreams, StreamState } from "./server-streams.ts";

/** Clients only check that this looks like a Flash Media Server. */
const FMS_VERSION = "FMS/3,5,7,0";
const FMS_CAPABILITIES = 31;
const FORWARDED_VIDEO = ["avc1", "hvc1", "av01", "vp09"];
const FORWARDED_AUDIO = ["mp4a", "Opus"];

/** Answers the commands of a client; what the shell must know or decide becomes an event. @see RTMP 1.0 §7.2 */
export class ServerCommands {
  readonly #link: RtmpLink;
  readonly #streams: MessageStreams;
  readonly #capsEx: number;
  #peerCapsEx = 0;

  constructor(link: RtmpLink, streams: MessageStreams, capsEx: number) {
    this.#link = link;
    this.#streams = streams;
    this.#capsEx = capsEx;
  }

  /** The `CAPS_EX` flags that the peer announced. */
  get peerCapsEx(): number {
    return this.#peerCapsEx;
  }

  /** @see RTMP 1.0 §7.2.1.1 */
  connect(command: RtmpCommand): ConnectEvent {
    const event = connectEvent(command.object ?? amfObject({}));
    this.#peerCapsEx = event.capsEx;
    this.#link.sendControl(MESSAGE_TYPE.windowAckSize, uint32Payload(ASKED_WINDOW_BYTES));
    this.#link.sendControl(MESSAGE_TYPE.setPeerBandwidth, peerBandwidthPayload(DEFAULT_WINDOW_BYTES));
    this.#link.sendChunkSize(PLAY_CHUNK_BYTES);
    const isEnhanced =
      event.capsEx !== 0 ||
      event.fourCcList.length > 0 ||
      event.videoFourCcInfoMap !== undefined ||
      event.audioFourCcInfoMap !== undefined;
    const enhanced = isEnhanced
      ? {
          capsEx: this.#capsEx,
          fourCcList: [...FORWARDED_VIDEO, ...FORWARDED_AUDIO],
          videoFourCcInfoMap: forwarding(FORWARDED_VIDEO),
          audioFourCcInfoMap: forwarding(FORWARDED_AUDIO),
        }
      : {};
    this.#link.sendCommand(
      0,
      "_result",
      command.transactionId,
      amfObject({ fmsVer: FMS_VERSION, capabilities: FMS_CAPABILITIES }),
      statusInfo("status", "NetConnection.Connect.Success", "The connection is accepted", {
        objectEncoding: event.objectEncoding,
        ...enhanced,
      }),
    );
    return event;
  }

  /** Any command after `connect`. */
  handle(command: RtmpCommand, streamId: number, events: RtmpEvent[]): void {
    switch (command.name) {
      case "createStream":
        this.#createStream(command);
        return;
      case "publish":
        this.#publish(command, streamId, events);
        return;
      case "play":
        this.#play(command, streamId, events);
        return;
      case "closeStream":
        this.#close(this.#streams.get(streamId), false, events);
        return;
      case "deleteStream":
        this.#close(this.#streams.get(numberAt(command.values, 0)), true, events);
        return;
      case "FCPublish":
      case "FCSubscribe":
      case "FCUnpublish":
        this.#flashCommand(command, events);
        return;
      case "pause":
        this.#pause(command, streamId, events);
        return;
      case "seek":
        this.sendStatus(streamId, "error", "NetStream.Seek.Failed", "A live stream cannot be sought in");
        return;
      case "getStreamLength":
        this.#result(command, 0);
        return;
      case "releaseStream":
      case "_checkbw":
      case "setBufferTime":
        this.#result(command, undefined);
        return;
      case "_result":
      case "_error":
      case "onStatus":
      case "receiveAudio":
      case "receiveVideo":
        // Answers to what was never asked, and wishes that a shared stream cannot grant: no answer is due.
        return;
      default:
        this.#unknown(command);
    }
  }

  sendStatus(streamId: number, level: "status" | "error", code: string, description: string): void {
    this.#link.sendCommand(streamId, "onStatus", 0, null, statusInfo(level, code, description));
  }

  #createStream(command: RtmpCommand): void {
    const stream = this.#streams.create();
    if (stream !== undefined) {
      this.#result(command, stream.id);
      return;
    }
    const info = statusInfo("error", "NetConnection.Call.Failed", "Too many streams on this connection");
    this.#link.sendCommand(0, "_error", command.transactionId, null, info);
  }

  /** @see RTMP 1.0 §7.2.2.6 */
  #publish(command: RtmpCommand, streamId: number, events: RtmpEvent[]): void {
    const [wanted, publishType] = command.values;
    const stream = this.#streams.get(streamId);
    if (stream?.state !== "idle" || stream.isDeleted || typeof wanted !== "string") {
      this.sendStatus(streamId, "error", "NetStream.Publish.BadName", whyNot(stream, wanted));
      return;
    }
    const { name, query } = splitStreamName(wanted);
    stream.state = "publish-asked";
    stream.name = name;
    const type = typeof publishType === "string" ? publishType : "live";
    events.push({ kind: "publish", streamId, key: name, query, publishType: type });
  }

  /** @see RTMP 1.0 §7.2.2.1 */
  #play(command: RtmpCommand, streamId: number, events: RtmpEvent[]): void {
    const [wanted] = command.values;
    const stream = this.#streams.get(streamId);
    if (stream?.state !== "idle" || stream.isDeleted || typeof wanted !== "string") {
      this.sendStatus(streamId, "error", "NetStream.Play.Failed", whyNot(stream, wanted));
      return;
    }
    if (streamId !== PLAY_STREAM_ID) {
      // All players share the bytes of a message, so they share the number of the message stream.
      this.sendStatus(streamId, "error", "NetStream.Play.Failed", "Only the first stream of a connection can play");
      return;
    }
    const { name, query } = splitStreamName(wanted);
    stream.state = "play-asked";
    stream.name = name;
    events.push({ kind: "play", streamId, name, query });
  }

  #close(stream: MessageStream | undefined, isDelete: boolean, events: RtmpEvent[]): void {
    if (stream === undefined) return;
    const was = isDelete ? this.#streams.delete(stream) : this.#streams.close(stream);
    this.#onClosed(stream.id, was, events);
  }

  #onClosed(streamId: number, was: StreamState, events: RtmpEvent[]): void {
    if (was === "publishing" || was === "publish-asked") {
      this.sendStatus(streamId, "status", "NetStream.Unpublish.Success", "Publishing has ended");
      events.push({ kind: "unpublish", streamId });
    } else if (was === "playing" || was === "play-asked") {
      events.push({ kind: "stop", streamId });
    }
  }

  /** What Flash Media Live Encoder says around a publish, and every encoder since has kept saying. */
  #flashCommand(command: RtmpCommand, events: RtmpEvent[]): void {
    const [wanted] = command.values;
    this.#result(command, undefined);
    if (command.name === "FCUnpublish") {
      const name = typeof wanted === "string" ? splitStreamName(wanted).name : "";
      this.#close(this.#streams.publisherOf(name), false, events);
      const info = statusInfo("status", "NetStream.Unpublish.Success", "Publishing has ended");
      this.#link.sendCommand(0, "onFCUnpublish", 0, null, info);
      return;
    }
    const isPublish = command.name === "FCPublish";
    const code = isPublish ? "NetStream.Publish.Start" : "NetStream.Play.Start";
    const info = statusInfo("status", code, "The name is noted");
    this.#link.sendCommand(0, isPublish ? "onFCPublish" : "onFCSubscribe", 0, null, info);
  }

  #pause(command: RtmpCommand, streamId: number, events: RtmpEvent[]): void {
    if (this.#streams.get(streamId)?.state !== "playing") return;
    const isPaused = command.values[0] === true;
    const code = isPaused ? "NetStream.Pause.Notify" : "NetStream.Unpause.Notify";
    this.sendStatus(streamId, "status", code, isPaused ? "Paused" : "Going on");
    events.push({ kind: "pause", streamId, isPaused });
  }

  #unknown(command: RtmpCommand): void {
    if (command.transactionId === 0) return;
    const info = statusInfo("error", "NetConnection.Call.Failed", "This command is not known here");
    this.#link.sendCommand(0, "_error", command.transactionId, null, info);
  }

  #result(command: RtmpCommand, value: AmfValue): void {
    if (command.transactionId === 0) return;
    this.#link.sendCommand(0, "_result", command.transactionId, null, value);
  }
}

function connectEvent(object: AmfObject): ConnectEvent {
  const flashVer = textOf(object.flashVer);
  const fourCcList = object.fourCcList;
  return {
    kind: "connect",
    app: textOf(object.app),
    tcUrl: textOf(object.tcUrl),
    flashVer,
    encoder: flashVer,
    objectEncoding: object.objectEncoding === 3 ? 3 : 0,
    capsEx: flagsOf(object.capsEx),
    fourCcList: Array.isArray(fourCcList) ? fourCcList.filter((entry) => typeof entry === "string") : [],
    videoFourCcInfoMap: amfProperties(object.videoFourCcInfoMap),
    audioFourCcInfoMap: amfProperties(object.audioFourCcInfoMap),
  };
}

function forwarding(fourCcs: readonly string[]): AmfObject {
  return amfObject(Object.fromEntries(fourCcs.map((fourCc) => [fourCc, FOUR_CC_INFO.canForward])));
}

function textOf(value: AmfValue): string {
  return typeof value === "string" ? value : "";
}

function flagsOf(value: AmfValue): number {
  return typeof value === "number" ? value >>> 0 : 0;
}

function numberAt(values: readonly AmfValue[], index: number): number {
  const value = values[index];
  return typeof value === "number" ? value : 0;
}

function whyNot(stream: MessageStream | undefined, wanted: AmfValue): string {
  if (stream === undefined || stream.isDeleted) return "Create a stream first";
  if (typeof wanted !== "string") return "The stream name is missing";
  return "This stream is already in use";
}
