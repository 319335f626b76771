import { ChannelPoll } from "./channel-poll.ts";
import {
  bufferedRanges,
  type EngineEvents,
  type EngineStats,
  type PlaybackEngine,
  type StreamAddress,
  streamPath,
} from "./engine.ts";

const RELOAD_MS = 3_000;

/** The browser's own HLS player (Safari): the last resort, since nothing of its latency can be steered. */
export class NativeEngine implements PlaybackEngine {
  readonly mode = "native";
  readonly #video: HTMLVideoElement;
  readonly #address: StreamAddress;
  readonly #events: EngineEvents;
  readonly #poll: ChannelPoll;
  readonly #onError = () => this.#retry();
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #reconnectCount = 0;

  constructor(video: HTMLVideoElement, address: StreamAddress, events: EngineEvents) {
    this.#video = video;
    this.#address = address;
    this.#events = events;
    this.#poll = new ChannelPoll(address, events, () => this.#load());
  }

  start(): void {
    this.#video.addEventListener("error", this.#onError);
    void this.#poll.run();
  }

  stop(): void {
    clearTimeout(this.#retryTimer);
    this.#video.removeEventListener("error", this.#onError);
    this.#poll.stop();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  tick(): void {
    // Nothing to steer: the browser plays by its own rules.
  }

  goLive(): void {
    const { seekable } = this.#video;
    if (seekable.length > 0) this.#video.currentTime = seekable.end(seekable.length - 1);
  }

  reconnect(): void {
    this.#load();
  }

  liveMediaMs(): undefined {
    return undefined;
  }

  stats(): EngineStats {
    const last = bufferedRanges(this.#video).at(-1);
    return {
      latencyMs: null,
      bufferMs: last === undefined ? 0 : Math.max(0, last.endS - this.#video.currentTime) * 1000,
      targetMs: null,
      rate: this.#video.playbackRate,
      bitrateKbps: null,
      fps: null,
      stallCount: 0,
      seekCount: 0,
      gapCount: 0,
      reconnectCount: this.#reconnectCount,
    };
  }

  #load(): void {
    this.#video.src = streamPath(this.#address, "index.m3u8");
    this.#events.onPlayable();
  }

  #retry(): void {
    this.#reconnectCount++;
    if (this.#video.canPlayType("application/vnd.apple.mpegurl") === "") {
      this.#events.onFailure("unsupported", "This browser has no HLS of its own");
      return;
    }
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#load(), RELOAD_MS);
  }
}
