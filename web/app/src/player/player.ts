import { signal } from "@preact/signals";
import { fetchServer } from "../api/client.ts";
import type { PlayerPhase } from "./captions.ts";
import type { EngineEvents, PlaybackEngine, StreamAddress } from "./engine.ts";
import { FrameWatch } from "./frame-watch.ts";
import { HlsEngine } from "./hls-engine.ts";
import { type FailureKind, FallbackLadder, type PlayerMode, supportedModes } from "./ladder.ts";
import type { StreamState } from "./messages.ts";
import { mediaSourceClass } from "./mse-sink.ts";
import { NativeEngine } from "./native-engine.ts";
import { NO_ENGINE_STATS, type PlayerStats } from "./player-stats.ts";
import { WsEngine } from "./ws-engine.ts";

const TICK_MS = 100;
/** The caption "Buffering" appears only when it lasts. */
const BUFFERING_AFTER_MS = 500;
const VOLUME_STEP = 0.1;
const VOLUME_KEY = "kagami.volume";

/** Settings of a {@link Player}. */
export interface PlayerOptions {
  readonly video: HTMLVideoElement;
  readonly address: StreamAddress;
  readonly forcedMode?: PlayerMode | undefined;
}

/**
 * One stream in one video element. Chooses the engine by the fall-back ladder, keeps it running through sleeps and
 * network changes, and offers what a view needs as signals. `start` once, `stop` once.
 */
export class Player {
  readonly video: HTMLVideoElement;
  readonly phase = signal<PlayerPhase>("connecting");
  readonly streamState = signal<StreamState | undefined>(undefined);
  readonly viewerCount = signal<number | undefined>(undefined);
  readonly mode = signal<PlayerMode | undefined>(undefined);
  readonly forcedMode = signal<PlayerMode | undefined>(undefined);
  readonly isPaused = signal(false);
  readonly isMuted = signal(true);
  readonly volume = signal(1);
  /** The browser refuses to start by itself, even muted: a tap is needed. */
  readonly isBlocked = signal(false);
  readonly size = signal<{ readonly width: number; readonly height: number } | undefined>(undefined);
  readonly modes: readonly PlayerMode[];

  readonly #address: StreamAddress;
  readonly #ladder: FallbackLadder;
  readonly #frames: FrameWatch;
  readonly #listeners = new AbortController();
  readonly #fallBacks: string[] = [];
  #engine: PlaybackEngine | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #starvedSinceMs: number | undefined;
  #hasFrame = false;
  #turn = 0;

  constructor(options: PlayerOptions) {
    this.video = options.video;
    this.#address = options.address;
    this.modes = supportedModes({
      hasMediaSource: mediaSourceClass() !== undefined,
      hasWebSocket: "WebSocket" in window,
      hasNativeHls: this.video.canPlayType("application/vnd.apple.mpegurl") !== "",
    });
    this.#ladder = new FallbackLadder(this.modes, options.forcedMode);
    this.forcedMode.value = options.forcedMode;
    this.#frames = new FrameWatch(this.video, (nowMs) => this.#engine?.liveMediaMs(nowMs));
  }

  start(): void {
    const { video } = this;
    const signal = this.#listeners.signal;
    const listen = (type: string, listener: () => void) => video.addEventListener(type, listener, { signal });
    video.muted = true;
    video.volume = readVolume();
    for (const type of ["play", "pause"]) listen(type, () => this.#onPlayState());
    for (const type of ["playing", "loadeddata"]) listen(type, () => this.#onFrame());
    listen("volumechange", () => this.#onVolume());
    listen("resize", () => this.#onResize());
    this.#onVolume();
    window.addEventListener("online", () => this.#onOnline(), { signal });
    document.addEventListener("visibilitychange", () => this.#onVisible(), { signal });
    this.#timer = setInterval(() => this.#tick(performance.now()), TICK_MS);
    this.#open();
  }

  stop(): void {
    this.#listeners.abort();
    clearInterval(this.#timer);
    this.#frames.stop();
    this.#turn++;
    this.#engine?.stop();
    this.#engine = undefined;
  }

  /** @param mode `undefined` lets the ladder choose. */
  chooseMode(mode: PlayerMode | undefined): void {
    this.forcedMode.value = mode;
    this.#ladder.choose(mode);
    this.#open();
  }

  async play(): Promise<void> {
    try {
      await this.video.play();
      this.isBlocked.value = false;
    } catch (error) {
      // AbortError: a new source came in between, and its own play() follows.
      if (error instanceof Error && error.name === "NotAllowedError") this.isBlocked.value = true;
    }
  }

  togglePlay(): void {
    if (!this.video.paused) {
      this.video.pause();
      this.isPaused.value = true; // at once: before the first frame no event may say so
      return;
    }
    this.goLive();
    void this.play();
  }

  goLive(): void {
    this.#engine?.goLive();
    if (this.video.paused) void this.play();
  }

  toggleMute(): void {
    this.video.muted = !this.video.muted;
    if (!this.video.muted && this.video.volume === 0) this.video.volume = 0.5;
  }

  setVolume(volume: number): void {
    this.video.volume = Math.min(1, Math.max(0, volume));
    this.video.muted = this.video.volume === 0;
  }

  stepVolume(direction: 1 | -1): void {
    const current = this.video.muted ? 0 : this.video.volume;
    this.setVolume(Math.round((current + direction * VOLUME_STEP) * 10) / 10);
  }

  stats(): PlayerStats {
    const nowMs = performance.now();
    const engine = this.#engine?.stats(nowMs) ?? NO_ENGINE_STATS;
    const quality = this.video.getVideoPlaybackQuality();
    const presentedFps = this.#frames.fps(nowMs);
    return {
      ...engine,
      fps: engine.fps === null || engine.fps === 0 ? presentedFps : engine.fps,
      mode: this.mode.value ?? null,
      phase: this.phase.value,
      streamState: this.streamState.value ?? null,
      latencyP50Ms: this.#frames.latencyMs(0.5),
      latencyP95Ms: this.#frames.latencyMs(0.95),
      firstFrameMs: this.#frames.firstFrameMs,
      width: this.video.videoWidth,
      height: this.video.videoHeight,
      decodedFrameCount: quality.totalVideoFrames,
      droppedFrameCount: quality.droppedVideoFrames,
      viewerCount: this.viewerCount.value ?? null,
      fallBacks: this.#fallBacks,
    };
  }

  #open(): void {
    this.#engine?.stop();
    this.#engine = undefined;
    this.#hasFrame = false;
    const mode = this.#ladder.mode;
    this.mode.value = mode;
    if (mode === undefined) {
      this.phase.value = "unsupported";
      return;
    }
    this.phase.value = "connecting";
    this.#frames.start(performance.now());
    this.#engine = makeEngine(mode, this.video, this.#address, this.#engineEvents());
    this.#engine.start();
    void this.play();
  }

  #engineEvents(): EngineEvents {
    // A stopped engine may still have an answer under way: only the newest one is heard.
    const turn = ++this.#turn;
    const ifCurrent =
      <T extends unknown[]>(listener: (...values: T) => void) =>
      (...values: T): void => {
        if (turn === this.#turn) listener(...values);
      };
    return {
      onPhase: ifCurrent((phase: PlayerPhase) => this.#onPhase(phase)),
      onStreamState: ifCurrent((state: StreamState) => {
        this.streamState.value = state;
      }),
      onViewerCount: ifCurrent((count: number) => {
        this.viewerCount.value = count;
      }),
      onFailure: ifCurrent((kind: FailureKind, detail: string) => void this.#onFailure(kind, detail)),
      onPlayable: ifCurrent(() => {
        if (this.video.paused && !this.isPaused.value) void this.play();
      }),
    };
  }

  #onPhase(phase: PlayerPhase): void {
    this.phase.value = phase === "joined" && this.#hasFrame ? "playing" : phase;
  }

  async #onFailure(kind: FailureKind, detail: string): Promise<void> {
    const turn = this.#turn;
    // A server that is down altogether is not a reason to leave the best mode: it will be back.
    if (kind === "refused" && !(await canReachServer())) return;
    if (turn !== this.#turn) return;
    if (!this.#ladder.onFailure(kind, performance.now())) {
      if (kind === "unsupported") this.phase.value = "unsupported";
      return;
    }
    this.#fallBacks.push(`${kind}: ${detail}`);
    this.#open();
  }

  #onOnline(): void {
    if (this.#ladder.forced === undefined && this.#ladder.mode !== this.modes[0]) {
      this.#ladder.reset();
      this.#open();
      return;
    }
    this.#engine?.reconnect();
  }

  #onVisible(): void {
    if (document.visibilityState !== "visible") return;
    this.#tick(performance.now());
    // Browsers pause muted video in hidden tabs by themselves; it was not the viewer's wish.
    if (this.video.paused && !this.isPaused.value) void this.play();
  }

  #onPlayState(): void {
    const isHidden = document.visibilityState === "hidden";
    if (this.video.paused && (isHidden || this.video.readyState === HTMLMediaElement.HAVE_NOTHING)) return;
    this.isPaused.value = this.video.paused;
  }

  #onFrame(): void {
    this.#hasFrame = true;
    this.#starvedSinceMs = undefined;
    if (this.phase.value === "joined" || this.phase.value === "buffering") this.phase.value = "playing";
    this.#onResize();
  }

  #onVolume(): void {
    this.isMuted.value = this.video.muted;
    this.volume.value = this.video.volume;
    localStorage.setItem(VOLUME_KEY, String(this.video.volume));
  }

  #onResize(): void {
    const { videoWidth, videoHeight } = this.video;
    if (videoWidth > 0) this.size.value = { width: videoWidth, height: videoHeight };
  }

  #tick(nowMs: number): void {
    this.#engine?.tick(nowMs);
    if (this.phase.value !== "playing") return;
    if (this.video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA || this.video.paused) {
      this.#starvedSinceMs = undefined;
      return;
    }
    this.#starvedSinceMs ??= nowMs;
    if (nowMs - this.#starvedSinceMs > BUFFERING_AFTER_MS) this.phase.value = "buffering";
  }
}

function makeEngine(
  mode: PlayerMode,
  video: HTMLVideoElement,
  address: StreamAddress,
  events: EngineEvents,
): PlaybackEngine {
  switch (mode) {
    case "ws":
      return new WsEngine(video, address, events);
    case "hls":
      return new HlsEngine(video, address, events);
    case "native":
      return new NativeEngine(video, address, events);
    default:
      return mode satisfies never;
  }
}

async function canReachServer(): Promise<boolean> {
  try {
    await fetchServer();
    return true;
  } catch {
    return false; // any reason will do: the question is only whether HTTP works
  }
}

function readVolume(): number {
  const stored = Number(localStorage.getItem(VOLUME_KEY) ?? "1");
  return stored > 0 && stored <= 1 ? stored : 1;
}
