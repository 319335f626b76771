import type { Logger } from "@kagami/kit";
import type { StreamConfig } from "@kagami/media";
import type { FanOut } from "../delivery/fan-out.ts";
import type { StreamInit } from "../engine/burst.ts";
import type { HlsWindow } from "../engine/hls/index.ts";
import { Ingest, type IngestEvent } from "../engine/ingest.ts";
import { IngestStats } from "../engine/ingest-stats.ts";
import type { MediaUnit } from "../engine/media-unit.ts";
import { Packager } from "../engine/packager.ts";
import type { GateInput } from "../engine/privacy/gate.ts";
import type { IngestCounters } from "../ingest/ingest-counters.ts";
import type { Timing } from "./channel.ts";
import { type PrivacyParts, PrivacyRun } from "./privacy-run.ts";
import type { PrivacySettings } from "./privacy-settings.ts";

/** Takes a broadcast's media beside the viewers, such as a recorder. */
export interface BroadcastSink {
  onInit(init: StreamInit): void;
  onUnit(unit: MediaUnit): void;
  /** The broadcast is over; resolves when nothing more has to be written. */
  end(): Promise<void>;
}

export interface BroadcastOptions {
  readonly fanOut: FanOut;
  readonly hls: HlsWindow;
  readonly sink: BroadcastSink | undefined;
  readonly counters: IngestCounters;
  readonly log: Logger;
  readonly timing: Timing;
  readonly privacy: PrivacyParts;
  readonly privacySettings: PrivacySettings;
}

/** When a presentation time reached the server, for viewers to tell their latency by. */
export interface ClockMark {
  readonly mediaMs: number;
  readonly serverMs: number;
}

const CLOCK_INTERVAL_MS = 2_000;

/**
 * One run of a channel, from its first publisher's start to the end of the last grace time: takes messages, and hands
 * each unit to everything that delivers or keeps it.
 */
export class Broadcast {
  readonly startedAtMs: number;
  readonly stats = new IngestStats();
  readonly hls: HlsWindow;
  /** Called whenever the HLS window has changed, for requests that wait. */
  readonly hlsListeners = new Set<() => void>();
  readonly #options: BroadcastOptions;
  readonly #ingest = new Ingest();
  readonly #packager = new Packager();
  #hlsVersion = 0;
  #clock: ClockMark | undefined;
  #clockToldAtMs = 0;
  #encoder: string | undefined;
  #refusedCount = 0;
  #reconnectCount = 0;
  /** Only while the privacy filter is on, or has not quite left yet: other broadcasts know nothing of it. */
  #privacy: PrivacyRun | undefined;
  /** What the packager was told of the tracks. */
  #delivered: StreamConfig | undefined;
  #hasEnded = false;

  constructor(options: BroadcastOptions) {
    this.#options = options;
    this.hls = options.hls;
    this.startedAtMs = options.timing.wallMs();
    this.applyPrivacy(options.privacySettings);
  }

  /** The tracks that viewers are given. */
  get config(): StreamConfig {
    return this.#privacy?.output ?? this.publishedConfig;
  }

  /** The tracks that the publisher sends. */
  get publishedConfig(): StreamConfig {
    return { video: this.#ingest.videoConfig, audio: this.#ingest.audioConfig };
  }

  /** The privacy filter, while it is on. */
  get privacy(): PrivacyRun | undefined {
    return this.#privacy;
  }

  get clock(): ClockMark | undefined {
    return this.#clock;
  }

  /** What the publisher calls itself. */
  get encoder(): string | undefined {
    return this.#encoder;
  }

  set encoder(name: string | undefined) {
    if (name !== undefined && name !== "") this.#encoder = name.slice(0, 100);
  }

  /** How often a publisher came back. */
  get reconnectCount(): number {
    return this.#reconnectCount;
  }

  onMedia(messageType: 8 | 9, timestampMs: number, body: Uint8Array): void {
    const { counters } = this.#options;
    counters.countBytes(body.length);
    const events =
      messageType === 9 ? this.#ingest.onVideo(body, timestampMs) : this.#ingest.onAudio(body, timestampMs);
    for (const event of events) this.#onEvent(event);
    this.#notifyIfChanged();
  }

  /** Switches the privacy filter on or off, or changes it, at the next key frame; viewers stay. */
  applyPrivacy(settings: PrivacySettings): void {
    if (this.#privacy) {
      this.#privacy.apply(settings);
      this.#dropIdlePrivacy();
      return;
    }
    if (!settings.isEnabled) return;
    const { privacy, timing, log } = this.#options;
    this.#privacy = new PrivacyRun({
      ...privacy,
      settings,
      timing,
      log,
      output: this.#delivered,
      published: this.publishedConfig,
      emit: (event, waitedMs) => this.#package(event, waitedMs),
      onEmitted: () => this.#notifyIfChanged(),
    });
  }

  /** The publisher has gone, and may return. */
  onInterrupt(): void {
    this.#privacy?.pause();
  }

  /** A publisher has come back, or another has taken over: the timeline goes on. */
  onReturn(): void {
    this.#reconnectCount++;
    this.#ingest.restart();
    this.#clock = undefined;
  }

  /** Nobody publishes just now: playlists say so rather than stand still. */
  onGap(durationUs: number): void {
    this.hls.appendGap(durationUs);
    this.notifyHls();
  }

  /** Viewers have been sent away; what the privacy filter still holds goes to HLS and recordings. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    if (this.#privacy) await this.#privacy.end();
    this.hls.end();
    this.notifyHls();
    await this.#options.sink?.end();
  }

  /** Wakes requests that wait for the HLS window. */
  notifyHls(): void {
    this.#hlsVersion = this.hls.version;
    for (const listener of this.hlsListeners) listener();
  }

  #onEvent(event: IngestEvent): void {
    const { counters, log, timing } = this.#options;
    switch (event.kind) {
      case "notice":
        if (event.code === "TIMESTAMPS_REBASED") this.stats.onRebase(timing.wallMs());
        if (event.code === "REORDERING") this.stats.onReordering();
        log.info("publisher.noticed", { code: event.code, message: event.message });
        return;
      case "refused":
        counters.countRefused(event.reason.code);
        // One line tells what is wrong; the metric tells how often.
        if (this.#refusedCount++ === 0) log.warn("publisher.message_refused", { ...event.reason });
        return;
      case "sample":
        this.stats.onSample(event.sample, timing.wallMs());
        break;
      case "tracks":
        log.info("publisher.tracks_changed", describeTracks(event));
        break;
      default:
        event satisfies never;
    }
    this.#dropIdlePrivacy();
    if (this.#privacy) this.#privacy.push(event);
    else this.#package(event, 0);
  }

  /** Once the filter has been switched off and holds nothing, samples go around it again. */
  #dropIdlePrivacy(): void {
    if (!this.#privacy?.isDone) return;
    this.#privacy = undefined;
    const { video, audio } = this.publishedConfig;
    const known = this.#delivered;
    if (known && (known.video !== video || known.audio !== audio)) this.#package({ kind: "tracks", video, audio }, 0);
  }

  #package(event: GateInput, waitedMs: number): void {
    if (event.kind === "tracks") this.#delivered = { video: event.video, audio: event.audio };
    for (const packaged of this.#packager.package(event)) {
      if (packaged.kind === "init") this.#onInit(packaged.init);
      else this.#onUnit(packaged.unit, waitedMs);
    }
  }

  #notifyIfChanged(): void {
    if (this.hls.version !== this.#hlsVersion) this.notifyHls();
  }

  #onInit(init: StreamInit): void {
    const { fanOut, sink } = this.#options;
    const { video, audio } = init.config;
    if (!this.#hasEnded) fanOut.onInit(init);
    this.hls.setInit(init.generation, init.segment, { hasVideo: video !== undefined, hasAudio: audio !== undefined });
    sink?.onInit(init);
  }

  #onUnit(unit: MediaUnit, waitedMs: number): void {
    const { fanOut, sink, timing } = this.#options;
    const { kind, dtsUs, ptsUs, durationUs, isKey } = unit.sample;
    const nowMs = timing.wallMs();
    this.hls.append({ bytes: unit.fragment, kind, dtsUs, durationUs, isKey }, nowMs);
    sink?.onUnit(unit);
    if (this.#hasEnded) return;
    const isLead = kind === "video" || this.#delivered?.video === undefined;
    const isDue = isLead && (!this.#clock || nowMs - this.#clockToldAtMs >= CLOCK_INTERVAL_MS);
    // Before the unit goes out: newcomers that start with it are greeted with the clock, and the newest mark serves best.
    if (isLead) this.#clock = { mediaMs: Math.round(ptsUs / 1000), serverMs: nowMs - Math.round(waitedMs) };
    if (isDue) {
      this.#clockToldAtMs = nowMs;
      fanOut.tellWithMedia({ type: "clock", ...this.#clock });
    }
    fanOut.onUnit(unit);
  }
}

function describeTracks({ video, audio }: StreamConfig): Record<string, unknown> {
  return {
    ...(video && { video: video.codecString, width: video.width, height: video.height }),
    ...(audio && { audio: audio.codecString, sampleRate: audio.sampleRate, channelCount: audio.channelCount }),
  };
}
