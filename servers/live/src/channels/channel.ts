import type { Logger } from "@kagami/kit";
import type { DeliveryCounters } from "../delivery/delivery-counters.ts";
import { FanOut } from "../delivery/fan-out.ts";
import type { LeaveReason, Viewer, ViewerLink } from "../delivery/viewer.ts";
import { FlvEncoder } from "../engine/encoders/flv-encoder.ts";
import { RtmpEncoder } from "../engine/encoders/rtmp-encoder.ts";
import { websocketEncoder } from "../engine/encoders/websocket-encoder.ts";
import { GopCache } from "../engine/gop-cache.ts";
import { HlsWindow } from "../engine/hls/index.ts";
import type { ViewerLimits } from "../engine/viewer-policy.ts";
import type { IngestCounters } from "../ingest/ingest-counters.ts";
import { Broadcast, type BroadcastSink } from "./broadcast.ts";
import { HlsAudience } from "./hls-audience.ts";
import type { PrivacyParts } from "./privacy-run.ts";
import type { PrivacySettings } from "./privacy-settings.ts";

/** Time and timers, from the shell. */
export interface Timing {
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
  readonly setTimer: (run: () => void, delayMs: number) => { cancel(): void };
}

export interface ChannelOptions {
  readonly name: string;
  readonly timing: Timing;
  readonly graceMs: number;
  readonly mergeMs: number;
  readonly gopCacheBytes: number;
  readonly hlsPartMs: number;
  readonly hlsWindowBytes: number;
  readonly viewerLimits: ViewerLimits;
  readonly deliveryCounters: DeliveryCounters;
  readonly ingestCounters: IngestCounters;
  readonly log: Logger;
  /** Makes what records a broadcast, or `undefined` if it is not recorded. */
  readonly openSink: (channelName: string, startedAtMs: number) => BroadcastSink | undefined;
  readonly privacy: PrivacyParts;
  /** The channel's settings of the privacy filter, asked for when a broadcast begins. */
  readonly privacySettings: () => PrivacySettings;
  /** Nobody publishes or watches any more. */
  readonly onIdle: () => void;
}

/** The connection of a publisher. */
export interface PublisherLink {
  /** Sends the publisher away; it may be told why. */
  leave(reason: "taken-over" | "stopped" | "restarting"): void;
}

/** What a publisher may do once it was accepted; all of it does nothing after another publisher took over. */
export interface PublisherSession {
  onMedia(messageType: 8 | 9, timestampMs: number, body: Uint8Array): void;
  /** What the publisher calls itself, if it says so. */
  setEncoder(name: string): void;
  /** The publisher has gone, by itself or because its connection broke. */
  end(): void;
}

export type ChannelState = "waiting" | "live" | "interrupted" | "ended";

/** Pictures of two minutes at 60 a second, and their sound. */
const GOP_CACHE_UNITS = 20_000;

/** How long the playlist and segments of a broadcast that has ended can still be had. */
const AFTERGLOW_MS = 30_000;

/**
 * A name that can be published to and watched, with its one broadcast at a time.
 *
 *   waiting ──publish──> live ──publisher gone──> interrupted ──grace over──> waiting
 *                         ^                            │
 *                         └───────publish──────────────┘   (the timeline continues, viewers stay)
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #gopCache: GopCache;
  readonly #fanOut: FanOut;
  readonly #hlsAudience: HlsAudience;
  #broadcast: Broadcast | undefined;
  #lastBroadcast: Broadcast | undefined;
  #publisher: { readonly link: PublisherLink } | undefined;
  #graceTimer: { cancel(): void } | undefined;
  #gapTimer: { cancel(): void } | undefined;
  #afterglowTimer: { cancel(): void } | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    const { timing, gopCacheBytes } = options;
    this.#gopCache = new GopCache({ maxBytes: gopCacheBytes, maxUnits: GOP_CACHE_UNITS });
    this.#hlsAudience = new HlsAudience(timing.monotonicMs);
    this.#fanOut = new FanOut({
      encoders: { ws: websocketEncoder, flv: new FlvEncoder(), rtmp: new RtmpEncoder() },
      limits: options.viewerLimits,
      mergeMs: options.mergeMs,
      gopCache: this.#gopCache,
      counters: options.deliveryCounters,
      nowMs: timing.monotonicMs,
      setTimer: timing.setTimer,
      greet: () => {
        const clock = this.#broadcast?.clock;
        return clock ? [{ type: "clock", ...clock }] : [];
      },
    });
  }

  get name(): string {
    return this.#options.name;
  }

  get state(): ChannelState {
    if (!this.#broadcast) return "waiting";
    return this.#publisher ? "live" : "interrupted";
  }

  get isLive(): boolean {
    return this.#broadcast !== undefined;
  }

  get hasPublisher(): boolean {
    return this.#publisher !== undefined;
  }

  /** The broadcast that is running. */
  get broadcast(): Broadcast | undefined {
    return this.#broadcast;
  }

  /** The broadcast whose HLS can be asked for: the running one, or for a while the one that has ended. */
  get hlsBroadcast(): Broadcast | undefined {
    return this.#broadcast ?? this.#lastBroadcast;
  }

  get hlsAudience(): HlsAudience {
    return this.#hlsAudience;
  }

  get fanOut(): FanOut {
    return this.#fanOut;
  }

  get viewerCount(): number {
    return this.#fanOut.viewerCount + this.#hlsAudience.count;
  }

  /** Bytes that the channel keeps alive, by what for. */
  get memory(): { gopCache: number; hlsWindow: number; merging: number; privacy: number } {
    return {
      gopCache: this.#gopCache.byteCount,
      hlsWindow: this.hlsBroadcast?.hls.byteCount ?? 0,
      merging: this.#fanOut.pendingBytes,
      privacy: this.#broadcast?.privacy?.heldBytes ?? 0,
    };
  }

  /** Lets a publisher begin; one that is there already is sent away, and the broadcast goes on. */
  publish(link: PublisherLink): PublisherSession {
    const { ingestCounters, log } = this.#options;
    const former = this.#publisher;
    const publisher = { link };
    this.#publisher = publisher;
    this.#stopWaiting();
    if (former) {
      log.info("publisher.taken_over", { channel: this.name });
      ingestCounters.countPublisher("taken-over");
      former.link.leave("taken-over");
    }
    if (this.#broadcast) {
      if (!former) ingestCounters.countPublisher("returned");
      this.#broadcast.onReturn();
    } else {
      ingestCounters.countPublisher("accepted");
      this.#broadcast = this.#startBroadcast();
    }
    const broadcast = this.#broadcast;
    this.#fanOut.tell({ type: "state", state: "live" });
    const isCurrent = () => this.#publisher === publisher;
    return {
      onMedia: (messageType, timestampMs, body) => {
        if (isCurrent()) broadcast.onMedia(messageType, timestampMs, body);
      },
      setEncoder: (name) => {
        if (isCurrent()) broadcast.encoder = name;
      },
      end: () => {
        if (isCurrent()) this.#interrupt();
      },
    };
  }

  /** Ends the broadcast at once: its publisher is sent away, its viewers are told. */
  async stop(reason: "stopped" | "restarting" = "stopped"): Promise<void> {
    this.#publisher?.link.leave(reason);
    this.#publisher = undefined;
    await this.#endBroadcast(reason === "restarting" ? "restarting" : "ended");
  }

  /** The server ends: nothing is kept for latecomers, and no timer runs on. */
  async close(): Promise<void> {
    this.#fanOut.leave("restarting");
    await this.stop("restarting");
    this.#dropLastBroadcast();
  }

  /** Changes the privacy filter of a broadcast that is running. */
  applyPrivacy(settings: PrivacySettings): void {
    this.#broadcast?.applyPrivacy(settings);
  }

  addViewer(link: ViewerLink): Viewer {
    link.tell?.({ type: "state", state: this.state });
    return this.#fanOut.add(link);
  }

  removeViewer(viewer: Viewer): void {
    this.#fanOut.remove(viewer);
    this.checkIdle();
  }

  /** Tells the registry if nobody needs the channel any more. */
  checkIdle(): void {
    if (!this.#broadcast && !this.#lastBroadcast && this.#fanOut.viewerCount === 0) this.#options.onIdle();
  }

  #startBroadcast(): Broadcast {
    const { timing, hlsPartMs, hlsWindowBytes, openSink, ingestCounters, log, name } = this.#options;
    const { privacy, privacySettings } = this.#options;
    this.#dropLastBroadcast();
    return new Broadcast({
      fanOut: this.#fanOut,
      hls: new HlsWindow({ partUs: hlsPartMs * 1000, maxBytes: hlsWindowBytes }),
      sink: openSink(name, timing.wallMs()),
      counters: ingestCounters,
      log: log.child({ channel: name }),
      timing,
      privacy,
      privacySettings: privacySettings(),
    });
  }

  #interrupt(): void {
    const { timing, graceMs, log } = this.#options;
    const broadcast = this.#broadcast;
    this.#publisher = undefined;
    if (!broadcast) return;
    log.info("publisher.left", { channel: this.name, graceMs });
    broadcast.onInterrupt();
    this.#fanOut.flush();
    this.#fanOut.tell({ type: "state", state: "interrupted" });
    this.#graceTimer = timing.setTimer(() => {
      this.#endBroadcast("ended").catch((error: unknown) => {
        log.error("broadcast.end_failed", { channel: this.name, error });
      });
    }, graceMs);
    this.#armGap(broadcast);
  }

  /** While the publisher is away, playlists grow by gaps, one per target duration. */
  #armGap(broadcast: Broadcast): void {
    const gapMs = broadcast.hls.blockLimitMs / 3;
    this.#gapTimer = this.#options.timing.setTimer(() => {
      broadcast.onGap(gapMs * 1000);
      this.#armGap(broadcast);
    }, gapMs);
  }

  #stopWaiting(): void {
    this.#graceTimer?.cancel();
    this.#gapTimer?.cancel();
    this.#graceTimer = undefined;
    this.#gapTimer = undefined;
  }

  async #endBroadcast(reason: LeaveReason): Promise<void> {
    const broadcast = this.#broadcast;
    this.#stopWaiting();
    if (!broadcast) return;
    const { timing, log } = this.#options;
    this.#broadcast = undefined;
    this.#dropLastBroadcast();
    this.#lastBroadcast = broadcast;
    const seconds = Math.round((timing.wallMs() - broadcast.startedAtMs) / 1000);
    log.info("broadcast.ended", { channel: this.name, seconds });
    if (reason === "ended") this.#fanOut.tell({ type: "state", state: "ended" });
    this.#fanOut.leave(reason);
    this.#fanOut.reset();
    this.#afterglowTimer = timing.setTimer(() => {
      this.#dropLastBroadcast();
      this.checkIdle();
    }, AFTERGLOW_MS);
    await broadcast.end();
  }

  #dropLastBroadcast(): void {
    this.#afterglowTimer?.cancel();
    this.#afterglowTimer = undefined;
    this.#lastBroadcast?.notifyHls();
    this.#lastBroadcast = undefined;
  }
}
