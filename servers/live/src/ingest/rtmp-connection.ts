import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { SlabAllocator } from "@kagami/bytes";
import type { Logger } from "@kagami/kit";
import type { Access } from "../channels/access.ts";
import type { PublisherSession, Timing } from "../channels/channel.ts";
import type { ChannelRegistry } from "../channels/channel-registry.ts";
import type { ViewerLink } from "../delivery/viewer.ts";
import {
  type AmfObject,
  type ConnectEvent,
  type PlayEvent,
  type PublishEvent,
  type RtmpEvent,
  type RtmpLimits,
  RtmpServerSession,
} from "../protocol/rtmp/index.ts";
import type { IngestCounters } from "./ingest-counters.ts";

export interface RtmpConnectionOptions {
  readonly access: Access;
  readonly registry: ChannelRegistry;
  readonly counters: IngestCounters;
  readonly timing: Timing;
  readonly limits: Partial<RtmpLimits>;
  readonly log: Logger;
}

/** Answers that a peer does not take away are dropped with it, in bytes. */
const OUTPUT_LIMIT_BYTES = 1 << 20;

/** A publisher's messages come and go together; see `SlabAllocator`. */
const SLAB_BYTES = 1 << 20;

/** Time for a peer that was told to go to hang up, in milliseconds. */
const LINGER_MS = 1_000;

/** One RTMP connection: a publisher, or a player. The session decides what bytes mean; this decides who may do what. */
export class RtmpConnection {
  readonly #options: RtmpConnectionOptions;
  readonly #socket: Socket;
  readonly #session: RtmpServerSession;
  readonly #address: string;
  #timer: { cancel(): void } | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #connect: ConnectEvent | undefined;
  #publishing: { readonly streamId: number; readonly session: PublisherSession } | undefined;
  #playing: RtmpPlayer | undefined;
  /** Streams whose publish or play is being decided on; one that the peer gives up meanwhile is taken out. */
  readonly #undecided = new Set<number>();
  #hasAskedToReconnect = false;
  #isClosed = false;

  constructor(socket: Socket, options: RtmpConnectionOptions) {
    this.#options = options;
    this.#socket = socket;
    this.#address = socket.remoteAddress ?? "";
    const nowMs = options.timing.monotonicMs();
    const slabs = new SlabAllocator(SLAB_BYTES);
    this.#session = new RtmpServerSession({
      randomBytes: (size) => randomBytes(size),
      nowMs,
      limits: options.limits,
      allocate: (byteCount) => slabs.allocate(byteCount),
    });
    socket.on("data", (bytes) => this.#onData(bytes as Buffer));
    socket.on("error", () => undefined); // "close" follows and does what is needed
    socket.on("close", () => this.#onClose());
    this.#armTimer();
  }

  /** Bytes held for messages that are not whole yet, or that wait for an answer. */
  get heldBytes(): number {
    return this.#session.heldBytes;
  }

  /** Asks the peer to come back to where it was, if it understands that. */
  requestReconnect(): void {
    if (this.#hasAskedToReconnect || !this.#session.requestReconnect()) return;
    this.#hasAskedToReconnect = true;
    this.#writeOutput();
  }

  #onData(bytes: Uint8Array): void {
    this.#handle(this.#session.receive(bytes, this.#options.timing.monotonicMs()));
    this.#writeOutput();
    this.#armTimer();
  }

  #handle(events: readonly RtmpEvent[]): void {
    for (const event of events) {
      if (this.#isClosed) return;
      this.#onEvent(event);
    }
  }

  #onEvent(event: RtmpEvent): void {
    switch (event.kind) {
      case "media":
        if (event.streamId === this.#publishing?.streamId) {
          this.#publishing.session.onMedia(event.messageType, event.timestampMs, event.payload);
        }
        return;
      case "metadata":
        this.#onMetadata(event.value);
        return;
      case "connect":
        this.#connect = event;
        return;
      case "publish":
        this.#undecided.add(event.streamId);
        this.#guard(this.#onPublish(event));
        return;
      case "play":
        this.#undecided.add(event.streamId);
        this.#guard(this.#onPlay(event));
        return;
      case "unpublish":
        this.#undecided.delete(event.streamId);
        if (event.streamId === this.#publishing?.streamId) this.#endPublishing();
        return;
      case "stop":
        this.#undecided.delete(event.streamId);
        if (event.streamId === this.#playing?.streamId) this.#endPlaying();
        return;
      case "error":
        this.#options.log.info("rtmp.peer_refused", { peer: this.#address, code: event.code, message: event.message });
        this.#hangUp();
        return;
      case "ack": // counts bytes of the whole connection; players are judged by what their socket holds
      case "data":
      case "pause":
        return;
      default:
        event satisfies never;
    }
  }

  async #onPublish(event: PublishEvent): Promise<void> {
    const { access, registry, counters, log } = this.#options;
    const { streamId, key, query } = event;
    const peer = { address: this.#address, protocol: "rtmp" } as const;
    const admission = await access.mayPublish(key, query, peer);
    if (this.#isClosed) return;
    if (!this.#undecided.delete(streamId)) {
      log.info("publisher.left_early", { peer: this.#address });
      this.#session.rejectPublish(streamId, "NetStream.Publish.BadName", "The publisher has left"); // frees the stream
      return;
    }
    const reject = (code: string, message: string) => {
      counters.countPublisher("refused");
      log.warn("publisher.refused", { peer: this.#address, code, message });
      this.#session.rejectPublish(streamId, "NetStream.Publish.BadName", message);
      this.#writeOutput();
      this.#hangUp();
    };
    if (!admission.isAllowed) {
      reject(admission.reason, admission.message);
      return;
    }
    const { name } = admission.settings;
    if (this.#publishing || this.#playing) {
      reject("PUBLISH_TWICE", "This connection is in use already. Publish over another one");
      return;
    }
    if (!registry.hasRoomForPublisher(name)) {
      reject("PUBLISHER_LIMIT", "The server takes no more publishers just now. Try again later");
      return;
    }
    access.remember(admission.settings);
    const session = registry.open(name).publish({ leave: (reason) => this.#sendPublisherAway(reason) });
    this.#publishing = { streamId, session };
    const encoder = this.#connect?.encoder || this.#connect?.flashVer || "";
    session.setEncoder(encoder);
    log.info("publisher.accepted", { channel: name, peer: this.#address, encoder });
    this.#handle(this.#session.acceptPublish(streamId));
    this.#writeOutput();
    this.#armTimer();
  }

  async #onPlay({ streamId, name, query }: PlayEvent): Promise<void> {
    const { access, registry, log } = this.#options;
    const token = new URLSearchParams(query).get("token") ?? undefined;
    const admission = await access.mayPlay(name, token, { address: this.#address, protocol: "rtmp" });
    if (this.#isClosed) return;
    if (!this.#undecided.delete(streamId)) {
      this.#session.rejectPlay(streamId, "NetStream.Play.Failed", "The player has left"); // frees the stream
      return;
    }
    const mustRefuse = !admission.isAllowed || this.#playing !== undefined || this.#publishing !== undefined;
    if (mustRefuse || !registry.hasRoomForViewer) {
      const message = admission.isAllowed ? "The server takes no more viewers just now" : admission.message;
      log.info("viewer.refused", { peer: this.#address, channel: name, protocol: "rtmp", message });
      this.#session.rejectPlay(streamId, "NetStream.Play.StreamNotFound", message);
      this.#writeOutput();
      this.#hangUp();
      return;
    }
    this.#session.acceptPlay(streamId);
    this.#writeOutput();
    this.#armTimer();
    const channel = registry.open(name);
    const player = new RtmpPlayer(streamId, this.#socket, () => this.#sendPlayerAway(streamId));
    this.#playing = player;
    const viewer = channel.addViewer(player);
    player.start(() => channel.removeViewer(viewer));
    registry.adaptMerging();
  }

  #onMetadata(value: AmfObject): void {
    const encoder = value.encoder;
    if (typeof encoder === "string") this.#publishing?.session.setEncoder(encoder);
  }

  #sendPublisherAway(reason: "taken-over" | "stopped" | "restarting"): void {
    this.#publishing = undefined;
    // A publisher that understands it comes back by itself; whoever was stopped or replaced must not.
    if (reason === "restarting") this.requestReconnect();
    this.#hangUp();
  }

  #sendPlayerAway(streamId: number): void {
    if (this.#isClosed) return;
    this.#session.endPlay(streamId);
    this.#writeOutput();
    this.#hangUp();
  }

  #endPublishing(): void {
    this.#publishing?.session.end();
    this.#publishing = undefined;
  }

  #endPlaying(): void {
    this.#playing?.stop();
    this.#playing = undefined;
    this.#options.registry.adaptMerging();
  }

  #writeOutput(): void {
    for (const bytes of this.#session.takeOutput()) this.#socket.write(bytes);
    if (this.#socket.writableLength > OUTPUT_LIMIT_BYTES && !this.#playing) this.#socket.destroy();
  }

  /** Lets what was written go out, then ends; a peer that does not hang up is cut. */
  #hangUp(): void {
    this.#socket.end();
    this.#timer?.cancel();
    this.#timer = this.#options.timing.setTimer(() => this.#socket.destroy(), LINGER_MS);
  }

  /** A timer that runs is left to run if it looks again early enough: the deadline moves with all that is heard. */
  #armTimer(): void {
    const { deadlineMs } = this.#session;
    if (this.#isClosed || this.#socket.writableEnded || deadlineMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = deadlineMs;
    const { timing } = this.#options;
    const onTime = () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      this.#handle(this.#session.onDeadline(timing.monotonicMs()));
      this.#writeOutput();
      this.#armTimer();
    };
    this.#timer = timing.setTimer(onTime, Math.max(0, deadlineMs - timing.monotonicMs()));
  }

  #onClose(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#endPublishing();
    this.#endPlaying();
  }

  /** Nothing that an answer of ours depends on may take the process down with it. */
  #guard(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#options.log.error("rtmp.request_failed", { peer: this.#address, error });
      this.#socket.destroy();
    });
  }
}

/** The playing side of an RTMP connection. */
class RtmpPlayer implements ViewerLink {
  readonly protocol = "rtmp";
  readonly streamId: number;
  readonly #socket: Socket;
  readonly #onLeave: () => void;
  #onStop: () => void = () => undefined;

  constructor(streamId: number, socket: Socket, onLeave: () => void) {
    this.streamId = streamId;
    this.#socket = socket;
    this.#onLeave = onLeave;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** @param onStop Called when the player has left. */
  start(onStop: () => void): void {
    this.#onStop = onStop;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  leave(): void {
    this.#onLeave();
  }

  stop(): void {
    this.#onStop();
  }
}
