import { SlabAllocator } from "@kagami/bytes";
import { type BurstEncoder, type EncodedBurst, orderBurst, outlineBurst, type StreamInit } from "../engine/burst.ts";
import type { GopCache } from "../engine/gop-cache.ts";
import { type MediaUnit, unitByteCount } from "../engine/media-unit.ts";
import { MergeWindow } from "../engine/merge-window.ts";
import type { BurstOutline, ViewerLimits } from "../engine/viewer-policy.ts";
import type { DeliveryCounters } from "./delivery-counters.ts";
import { type LeaveReason, Viewer, type ViewerLink, type ViewerProtocol } from "./viewer.ts";

export interface FanOutOptions {
  readonly encoders: Readonly<Record<ViewerProtocol, BurstEncoder>>;
  readonly limits: ViewerLimits;
  readonly mergeMs: number;
  /** What a newcomer starts with. Units are added here, behind the flush that a key frame causes; never elsewhere. */
  readonly gopCache: GopCache;
  readonly counters: DeliveryCounters;
  /** What a viewer is told when its media starts. */
  readonly greet: () => readonly object[];
  readonly nowMs: () => number;
  readonly setTimer: (run: () => void, delayMs: number) => { cancel(): void };
}

/** Bursts come and go together; see `SlabAllocator`. */
const SLAB_BYTES = 1 << 20;

/** One burst on its way out: its units, and their bytes for each protocol that has a viewer. */
interface OutgoingBurst {
  readonly units: readonly MediaUnit[];
  readonly outline: BurstOutline;
  /** The picture that it ends with. */
  readonly lastVideo: MediaUnit | undefined;
  /** Goes before the media, in the same write. */
  readonly notice: object | undefined;
  readonly encoded: Map<ViewerProtocol, EncodedBurst>;
}

/**
 * Sends one channel's media to all its viewers.
 *
 * Media comes in by units, is merged for a while ({@link MergeWindow}), is written out once per protocol, and the same
 * bytes are handed to every viewer's socket. A newcomer waits for the next burst and then gets the initialization and
 * everything since the last key frame, written once for all newcomers of that burst.
 */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #window: MergeWindow;
  readonly #viewers = new Set<Viewer>();
  readonly #slabs = new SlabAllocator(SLAB_BYTES);
  readonly #allocate = (byteCount: number) => this.#slabs.allocate(byteCount);
  readonly #countByProtocol: Record<ViewerProtocol, number> = { ws: 0, flv: 0, rtmp: 0 };
  #pending: MediaUnit[] = [];
  #pendingBytes = 0;
  #pendingSinceMs = 0;
  #init: StreamInit | undefined;
  #timer: { cancel(): void } | undefined;
  #newcomerCount = 0;
  #droppedFrameCount = 0;
  #notice: object | undefined;

  constructor(options: FanOutOptions) {
    this.#options = options;
    this.#window = new MergeWindow(options.mergeMs);
  }

  get viewers(): ReadonlySet<Viewer> {
    return this.#viewers;
  }

  get viewerCount(): number {
    return this.#viewers.size;
  }

  countOf(protocol: ViewerProtocol): number {
    return this.#countByProtocol[protocol];
  }

  /** Pictures not sent to viewers that were too slow, over all viewers. */
  get droppedFrameCount(): number {
    return this.#droppedFrameCount;
  }

  /** Bytes waiting to be merged. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Bytes waiting for viewers' sockets. Viewers share them, so the memory behind is less. */
  get bufferedBytes(): number {
    let bytes = 0;
    for (const viewer of this.#viewers) bytes += viewer.link.bufferedBytes;
    return bytes;
  }

  /** Median of what viewers report, in milliseconds; `undefined` if none does. */
  get latencyMs(): number | undefined {
    const reported = [...this.#viewers].flatMap((viewer) => viewer.reportedLatencyMs ?? []).sort((a, b) => a - b);
    return reported[reported.length >> 1];
  }

  setMergeMs(mergeMs: number): void {
    this.#window.mergeMs = mergeMs;
  }

  add(link: ViewerLink): Viewer {
    const viewer = new Viewer(link, this.#options.limits, this.#options.nowMs());
    this.#viewers.add(viewer);
    this.#countByProtocol[link.protocol]++;
    this.#newcomerCount++;
    // With nothing on its way the newcomer need not wait: what is cached has all been sent.
    if (this.#pending.length === 0) this.#startNewcomers();
    return viewer;
  }

  remove(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer)) return;
    viewer.isLeaving = true;
    this.#countByProtocol[viewer.link.protocol]--;
    if (!viewer.hasStarted) this.#newcomerCount--;
  }

  /** Viewers need a new initialization before the next unit; what came before goes out first. */
  onInit(init: StreamInit): void {
    this.flush();
    this.#init = init;
    this.#options.gopCache.clear();
    const bytes = new Map<ViewerProtocol, Uint8Array>();
    for (const protocol of ["ws", "flv", "rtmp"] as const) {
      bytes.set(protocol, this.#options.encoders[protocol].encodeInit(init));
    }
    for (const viewer of this.#viewers) {
      if (viewer.hasStarted && !viewer.isLeaving) this.#write(viewer, bytes.get(viewer.link.protocol));
    }
  }

  onUnit(unit: MediaUnit): void {
    const nowMs = this.#options.nowMs();
    const { kind, isKey } = unit.sample;
    // A burst holds a key frame only as its first picture, so that a viewer can start or resume at any burst with one.
    if (kind === "video" && isKey) this.flush();
    // Not before: a newcomer of that flush would get the key frame from the cache, and once more with the next burst.
    this.#options.gopCache.add(unit);
    if (this.#pending.length === 0) this.#pendingSinceMs = nowMs;
    this.#pending.push(unit);
    this.#pendingBytes += unitByteCount(unit);
    const hasVideo = this.#init?.config.video !== undefined;
    if (this.#window.onUnit(kind === "video" || !hasVideo, nowMs)) this.flush();
    else this.#armTimer(nowMs);
  }

  /** Sends what is pending, then starts newcomers. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const nowMs = this.#options.nowMs();
    const burst = outgoingBurst(this.#pending, this.#notice);
    this.#notice = undefined;
    this.#options.counters.observeBurst(nowMs - this.#pendingSinceMs);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#window.onFlush(nowMs);
    for (const viewer of this.#viewers) if (viewer.hasStarted) this.#deliver(viewer, burst, nowMs);
    this.#startNewcomers();
  }

  /** Tells every viewer that can hear it. */
  tell(message: object): void {
    for (const viewer of this.#viewers) viewer.link.tell?.(message);
  }

  /** Tells those who get the next burst, along with it: a write of its own would cost as much as the burst. */
  tellWithMedia(message: object): void {
    this.#notice = message;
  }

  /** Sends everybody away. */
  leave(reason: LeaveReason): void {
    this.flush();
    for (const viewer of this.#viewers) viewer.leave(reason);
  }

  /** The broadcast is over and its viewers have been sent away: whoever comes now waits for the next one. */
  reset(): void {
    this.flush();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#init = undefined;
    this.#options.gopCache.clear();
  }

  /**
   * A timer that runs is left to run: nearly every burst is ended by a picture before it fires, and cancelling and
   * setting it anew for each wakes an otherwise sleeping process more often than letting it look again.
   */
  #armTimer(nowMs: number): void {
    const { deadlineMs } = this.#window;
    if (this.#timer || deadlineMs === undefined) return;
    this.#timer = this.#options.setTimer(() => {
      this.#timer = undefined;
      const firedMs = this.#options.nowMs();
      if (firedMs >= (this.#window.deadlineMs ?? Number.POSITIVE_INFINITY)) this.flush();
      else this.#armTimer(firedMs);
    }, deadlineMs - nowMs);
  }

  #deliver(viewer: Viewer, burst: OutgoingBurst, nowMs: number): void {
    if (viewer.isLeaving) return;
    const action = viewer.policy.decide(burst.outline, viewer.link.bufferedBytes, nowMs);
    switch (action) {
      case "all":
        if (viewer.pausedAtUs !== undefined) this.#endPause(viewer, firstVideoPtsUs(burst.units));
        this.#write(viewer, this.#encode(burst, viewer.link.protocol).bytes);
        viewer.lastVideo = burst.lastVideo ?? viewer.lastVideo;
        return;
      case "audio":
        this.#writeAudio(viewer, burst);
        this.#pause(viewer, burst);
        return;
      case "nothing":
        this.#pause(viewer, burst);
        return;
      case "resume":
        this.#writeAudio(viewer, burst);
        this.#resume(viewer, burst);
        return;
      case "disconnect":
        this.#options.counters.countSlowLeave();
        viewer.leave("too-slow");
        return;
      default:
        action satisfies never;
    }
  }

  #writeAudio(viewer: Viewer, burst: OutgoingBurst): void {
    const { bytes, audioByteCount } = this.#encode(burst, viewer.link.protocol);
    if (audioByteCount > 0) this.#write(viewer, bytes.subarray(0, audioByteCount));
  }

  #pause(viewer: Viewer, burst: OutgoingBurst): void {
    const videoCount = burst.units.reduce((count, { sample }) => count + (sample.kind === "video" ? 1 : 0), 0);
    if (videoCount === 0) return;
    viewer.pausedAtUs ??= firstVideoPtsUs(burst.units);
    this.#droppedFrameCount += videoCount;
    this.#options.counters.countDroppedFrames(videoCount);
  }

  /** Goes on where the viewer stopped if that is in the same group of pictures, else from the last key frame. */
  #resume(viewer: Viewer, burst: OutgoingBurst): void {
    const { units } = this.#options.gopCache;
    // By the unit itself: pictures of a clock that stands still have the same time. -1, and so all, if it has left.
    const sent = viewer.lastVideo === undefined ? -1 : units.lastIndexOf(viewer.lastVideo);
    const missed = units.slice(sent + 1).filter(({ sample }) => sample.kind === "video");
    const first = missed[0]?.sample;
    if (!first) {
      // What it missed is not kept any more: only a key frame can help.
      if (burst.outline.hasVideo || viewer.pausedAtUs !== undefined) viewer.policy.keepSkipping();
      this.#pause(viewer, burst);
      return;
    }
    if (first.isKey) this.#endPause(viewer, first.ptsUs);
    else viewer.pausedAtUs = undefined;
    this.#write(viewer, this.#options.encoders[viewer.link.protocol].encodeMedia(missed, this.#allocate).bytes);
    viewer.lastVideo = lastVideoOf(missed);
    this.#options.counters.countResume();
  }

  #endPause(viewer: Viewer, toUs: number | undefined): void {
    const fromUs = viewer.pausedAtUs;
    viewer.pausedAtUs = undefined;
    if (fromUs === undefined || toUs === undefined) return;
    viewer.link.tell?.({ type: "gap", fromMs: Math.round(fromUs / 1000), toMs: Math.round(toUs / 1000) });
  }

  #startNewcomers(): void {
    const init = this.#init;
    if (this.#newcomerCount === 0 || !init) return;
    const units = orderBurst(this.#options.gopCache.units);
    // Without a picture to start from, a newcomer waits for the key frame that opens the next group.
    if (units.length === 0) return;
    const outline = outlineBurst(units);
    const burst = { units, outline, lastVideo: lastVideoOf(units), notice: undefined, encoded: new Map() };
    const inits = new Map<ViewerProtocol, Uint8Array>();
    for (const viewer of this.#viewers) {
      if (viewer.hasStarted || viewer.isLeaving) continue;
      const { protocol } = viewer.link;
      const initBytes = inits.get(protocol) ?? this.#options.encoders[protocol].encodeInit(init);
      inits.set(protocol, initBytes);
      viewer.hasStarted = true;
      this.#newcomerCount--;
      this.#write(viewer, initBytes);
      for (const message of this.#options.greet()) viewer.link.tell?.(message);
      this.#write(viewer, this.#encode(burst, protocol).bytes);
      viewer.policy.onStart(outline.endUs);
      viewer.lastVideo = burst.lastVideo;
    }
  }

  #encode(burst: OutgoingBurst, protocol: ViewerProtocol): EncodedBurst {
    let encoded = burst.encoded.get(protocol);
    if (!encoded) {
      const { bytes, audioByteCount } = this.#encodeWithNotice(burst, this.#options.encoders[protocol]);
      // Once for all viewers: every socket would make a Buffer of it by itself.
      encoded = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), audioByteCount };
      burst.encoded.set(protocol, encoded);
    }
    return encoded;
  }

  #encodeWithNotice({ units, notice }: OutgoingBurst, encoder: BurstEncoder): EncodedBurst {
    const media = encoder.encodeMedia(units, this.#allocate);
    const head = notice && encoder.encodeNotice?.(notice);
    if (!head) return media;
    const bytes = this.#allocate(head.length + media.bytes.length);
    bytes.set(head);
    bytes.set(media.bytes, head.length);
    return { bytes, audioByteCount: head.length + media.audioByteCount };
  }

  #write(viewer: Viewer, bytes: Uint8Array | undefined): void {
    if (!bytes || bytes.length === 0) return;
    viewer.link.write(bytes);
    this.#options.counters.countBytes(viewer.link.protocol, bytes.length);
  }
}

function outgoingBurst(pending: readonly MediaUnit[], notice: object | undefined): OutgoingBurst {
  const units = orderBurst(pending);
  return { units, outline: outlineBurst(units), lastVideo: lastVideoOf(units), notice, encoded: new Map() };
}

function lastVideoOf(units: readonly MediaUnit[]): MediaUnit | undefined {
  const last = units.at(-1); // pictures come last in a burst
  return last?.sample.kind === "video" ? last : undefined;
}

function firstVideoPtsUs(units: readonly MediaUnit[]): number | undefined {
  return units.find(({ sample }) => sample.kind === "video")?.sample.ptsUs;
}
