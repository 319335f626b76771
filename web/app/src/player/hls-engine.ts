import type Hls from "hls.js";
import type { ErrorData } from "hls.js";
import { ChannelPoll } from "./channel-poll.ts";
import { PlaybackController } from "./controller.ts";
import {
  bufferedRanges,
  type EngineEvents,
  type EngineStats,
  type PlaybackEngine,
  type StreamAddress,
  streamPath,
} from "./engine.ts";
import { RateMeter } from "./meters.ts";

/** Behind the playlist's edge. Three parts of 200 ms is what a server asks for; hls.js adds what it must. */
const TARGET_S = 0.6;
const RELOAD_MS = 2_000;

/**
 * LL-HLS through hls.js, which is loaded only when it comes to this. hls.js loads parts; the rate is ours, because its
 * own catching up wants a second of buffer, more than the whole latency aimed at here.
 */
export class HlsEngine implements PlaybackEngine {
  readonly mode = "hls";
  readonly #video: HTMLVideoElement;
  readonly #address: StreamAddress;
  readonly #events: EngineEvents;
  readonly #poll: ChannelPoll;
  readonly #bits = new RateMeter(4_000);
  readonly #controller = new PlaybackController({
    targetS: TARGET_S + 0.2,
    maxTargetS: 3,
    presentationS: 0,
    minBufferS: 0.25,
    // Seconds behind after joining are jumped: what is in between is loaded already.
    seekBehindS: 0.6,
  });
  #hls: Hls | undefined;
  #isStopped = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #seekCount = 0;

  constructor(video: HTMLVideoElement, address: StreamAddress, events: EngineEvents) {
    this.#video = video;
    this.#address = address;
    this.#events = events;
    this.#poll = new ChannelPoll(address, events, () => void this.#load());
  }

  start(): void {
    void this.#poll.run();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retryTimer);
    this.#poll.stop();
    this.#hls?.destroy();
    this.#video.playbackRate = 1;
  }

  tick(nowMs: number): void {
    const hls = this.#hls;
    if (hls === undefined || hls.latency <= 0) return;
    const actions = this.#controller.onTick({
      nowMs,
      currentTimeS: this.#video.currentTime,
      isPaused: this.#video.paused,
      isSeeking: this.#video.seeking,
      isStarved: this.#video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA,
      isLive: true,
      buffered: bufferedRanges(this.#video),
      liveMediaS: this.#video.currentTime + hls.latency,
    });
    for (const action of actions) {
      if (action.kind === "rate") this.#video.playbackRate = action.rate;
      if (action.kind === "fall-back") this.#events.onFailure("stalls", "LL-HLS stalls again and again");
      if (action.kind === "seek" && action.reason === "behind") {
        this.#seekCount++;
        this.#video.currentTime = action.toS;
      }
    }
  }

  goLive(): void {
    const position = this.#hls?.liveSyncPosition;
    if (position !== null && position !== undefined) this.#video.currentTime = position;
  }

  reconnect(): void {
    void this.#load();
    void this.#poll.run();
  }

  liveMediaMs(): undefined {
    return undefined;
  }

  stats(nowMs: number): EngineStats {
    const last = bufferedRanges(this.#video).at(-1);
    const level = this.#hls?.levels[this.#hls.currentLevel];
    return {
      latencyMs: this.#hls === undefined || this.#hls.latency <= 0 ? null : this.#hls.latency * 1000,
      bufferMs: last === undefined ? 0 : Math.max(0, last.endS - this.#video.currentTime) * 1000,
      targetMs: this.#controller.targetS * 1000,
      rate: this.#video.playbackRate,
      bitrateKbps: this.#bits.perSecond(nowMs) / 1000,
      fps: level === undefined || level.frameRate === 0 ? null : level.frameRate,
      stallCount: this.#controller.stallCount,
      seekCount: this.#seekCount,
      gapCount: 0,
      reconnectCount: 0,
    };
  }

  async #load(): Promise<void> {
    clearTimeout(this.#retryTimer);
    let HlsClass: typeof Hls;
    try {
      HlsClass = (await import("hls.js")).default;
    } catch (error) {
      this.#events.onFailure("unsupported", `hls.js could not be loaded: ${error}`);
      return;
    }
    if (this.#isStopped) return;
    if (!HlsClass.isSupported()) {
      this.#events.onFailure("unsupported", "This browser has no MediaSource");
      return;
    }
    this.#hls?.destroy();
    this.#controller.restart();
    const hls = new HlsClass({
      lowLatencyMode: true,
      liveSyncDuration: TARGET_S,
      liveMaxLatencyDuration: 6,
      liveSyncMode: "edge",
      maxLiveSyncPlaybackRate: 1,
      backBufferLength: 10,
      maxBufferLength: 4,
      // The media needs no transmuxing, and a worker from a blob would need a wider content security policy.
      enableWorker: false,
      startFragPrefetch: true,
    });
    this.#hls = hls;
    hls.on(HlsClass.Events.MANIFEST_PARSED, () => this.#events.onPlayable());
    hls.on(HlsClass.Events.FRAG_LOADED, (_event, data) => {
      this.#bits.add(performance.now(), (data.part ?? data.frag).stats.total * 8);
    });
    hls.on(HlsClass.Events.ERROR, (_event, data) => this.#onError(data));
    hls.attachMedia(this.#video);
    hls.loadSource(streamPath(this.#address, "index.m3u8"));
  }

  #onError(data: ErrorData): void {
    if (!data.fatal || this.#isStopped) return;
    if (data.type === "mediaError") {
      this.#events.onFailure("media", data.details);
      if (!this.#isStopped) this.#hls?.recoverMediaError();
      return;
    }
    const status = data.response?.code;
    if (status === 401 || status === 403) this.#events.onPhase("not-allowed");
    this.#retryTimer = setTimeout(() => void this.#load(), RELOAD_MS);
  }
}
