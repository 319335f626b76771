import { FakeClock } from "@kagami/clock";
import { Metrics } from "@kagami/kit";
import type { BurstEncoder, StreamInit } from "../engine/burst.ts";
import { GopCache } from "../engine/gop-cache.ts";
import type { MediaUnit } from "../engine/media-unit.ts";
import type { ViewerLimits } from "../engine/viewer-policy.ts";
import { DeliveryCounters } from "./delivery-counters.ts";
import { FanOut } from "./fan-out.ts";
import type { LeaveReason, Viewer, ViewerLink } from "./viewer.ts";

/** What one simulated unit says of itself once it has reached a viewer. */
export interface Received {
  readonly kind: "init" | "video" | "audio" | "notice";
  /** Generation of an init, or the running number of a unit within its track. */
  readonly n: number;
  readonly isKey: boolean;
  readonly ms: number;
}

/** For tests: one line of JSON per unit, so that what a viewer holds can be read back. */
const lineEncoder: BurstEncoder = {
  encodeInit: (init) => lines([{ kind: "init", n: init.generation, isKey: true, ms: 0 }]),
  encodeMedia: (units) => {
    const audio = lines(units.filter(({ sample }) => sample.kind === "audio").map(lineOf));
    const all = lines(units.map(lineOf));
    return { bytes: all, audioByteCount: audio.length };
  },
  encodeNotice: () => lines([{ kind: "notice", n: 0, isKey: false, ms: 0 }]),
};

function lineOf({ sample }: MediaUnit): Received {
  const n = Number(new TextDecoder().decode(sample.data));
  return { kind: sample.kind, n, isKey: sample.isKey, ms: sample.dtsUs / 1000 };
}

function lines(values: readonly object[]): Uint8Array {
  return new TextEncoder().encode(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
}

/** A viewer whose connection takes bytes only as told. */
export class SimulatedViewer implements ViewerLink {
  readonly protocol = "ws";
  readonly received: Received[] = [];
  readonly told: { readonly type: string; readonly [field: string]: unknown }[] = [];
  /** Media and messages in the order in which they came. */
  readonly log: string[] = [];
  writeCount = 0;
  left: LeaveReason | undefined;
  bufferedBytes = 0;
  peakBufferedBytes = 0;
  isStalled = false;
  writesAfterLeaving = 0;
  seat: Viewer | undefined;

  write(bytes: Uint8Array): void {
    this.writeCount++;
    if (this.left !== undefined) this.writesAfterLeaving++;
    for (const line of new TextDecoder().decode(bytes).split("\n")) {
      if (line === "") continue;
      const item = JSON.parse(line) as Received;
      this.received.push(item);
      this.log.push(`${item.kind} ${item.n}`);
    }
    if (this.isStalled) this.bufferedBytes += bytes.length;
    this.peakBufferedBytes = Math.max(this.peakBufferedBytes, this.bufferedBytes);
  }

  tell(message: object): void {
    const { type } = message as { type: string };
    this.told.push(message as { type: string });
    this.log.push(type);
  }

  leave(reason: LeaveReason): void {
    this.left = reason;
  }

  stall(): void {
    this.isStalled = true;
  }

  drain(): void {
    this.isStalled = false;
    this.bufferedBytes = 0;
  }

  get video(): Received[] {
    return this.received.filter(({ kind }) => kind === "video");
  }

  get audio(): Received[] {
    return this.received.filter(({ kind }) => kind === "audio");
  }

  /** What a decoder would choke on; empty if the picture decodes throughout. */
  get brokenVideo(): string[] {
    const broken: string[] = [];
    let last: Received | undefined;
    let hasInit = false;
    for (const item of this.received) {
      if (item.kind === "init") {
        hasInit = true;
        last = undefined;
      }
      if (item.kind !== "video") continue;
      if (!hasInit) broken.push(`video ${item.n} before an init`);
      const isNext = last !== undefined && item.n === last.n + 1;
      if (!isNext && !item.isKey) broken.push(`video ${item.n} after ${last?.n ?? "nothing"}`);
      if (last !== undefined && item.n <= last.n) broken.push(`video ${item.n} again after ${last.n}`);
      last = item;
    }
    return broken;
  }
}

export interface WorldOptions {
  readonly limits?: Partial<ViewerLimits>;
  readonly gopCacheBytes?: number;
  readonly mergeMs?: number;
}

export const FRAME_MS = 33;

/** A fan-out with a fake clock and a stream of numbered units. */
export class FanOutWorld {
  readonly clock = new FakeClock();
  readonly gopCache: GopCache;
  readonly fanOut: FanOut;
  generation = 0;
  #videoCount = 0;
  #audioCount = 0;

  constructor({ limits, gopCacheBytes, mergeMs }: WorldOptions = {}) {
    this.gopCache = new GopCache({ maxBytes: gopCacheBytes ?? 1 << 20, maxUnits: 10_000 });
    this.fanOut = new FanOut({
      encoders: { ws: lineEncoder, flv: lineEncoder, rtmp: lineEncoder },
      limits: {
        maxBufferedBytes: 4_000,
        lagLimitUs: 2_500_000,
        resumeLagUs: 1_000_000,
        stallLimitMs: 60_000,
        ...limits,
      },
      mergeMs: mergeMs ?? FRAME_MS,
      gopCache: this.gopCache,
      counters: new DeliveryCounters(new Metrics()),
      nowMs: () => this.clock.monotonicMs(),
      setTimer: (run, delayMs) => this.clock.after(delayMs, run),
      greet: () => [{ type: "clock", mediaMs: this.nowMs, serverMs: this.nowMs }],
    });
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** Pictures so far. */
  get videoCount(): number {
    return this.#videoCount;
  }

  init(tracks: { readonly hasVideo?: boolean } = {}): void {
    this.generation++;
    const config = tracks.hasVideo === false ? {} : { video: VIDEO };
    const init: StreamInit = { generation: this.generation, config, segment: new Uint8Array(0), mime: "" };
    this.fanOut.onInit(init);
    this.gopCache.clear();
  }

  join(): SimulatedViewer {
    const viewer = new SimulatedViewer();
    viewer.seat = this.fanOut.add(viewer);
    return viewer;
  }

  video(isKey = false): void {
    this.#unit("video", this.#videoCount++, isKey);
  }

  audio(): void {
    this.#unit("audio", this.#audioCount++, true);
  }

  /** Lets time pass frame by frame: a picture and a sound each, a key frame at every `gop`-th picture. */
  play(frameCount: number, gop = 30): void {
    for (let i = 0; i < frameCount; i++) {
      this.audio();
      this.video(this.#videoCount % gop === 0);
      this.clock.advance(FRAME_MS);
    }
  }

  #unit(kind: "video" | "audio", n: number, isKey: boolean): void {
    const dtsUs = this.nowMs * 1000;
    const data = new TextEncoder().encode(String(n));
    const sample = { kind, dtsUs, ptsUs: dtsUs, durationUs: FRAME_MS * 1000, isKey, data };
    this.fanOut.onUnit({ sample, fragment: new Uint8Array(20) });
  }
}

const VIDEO = {
  kind: "video",
  codec: "h264",
  codecString: "avc1.42c00a",
  width: 16,
  height: 16,
  record: new Uint8Array(0),
} as const;
