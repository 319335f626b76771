import { ClockSync } from "./clock-sync.ts";
import { type PlaybackAction, PlaybackController } from "./controller.ts";
import {
  bufferedRanges,
  type EngineEvents,
  type EngineStats,
  type PlaybackEngine,
  type StreamAddress,
  streamPath,
} from "./engine.ts";
import { type FragmentTrack, parseTracks, summarize } from "./fragment.ts";
import type { ServerMessage, StreamState } from "./messages.ts";
import { RateMeter } from "./meters.ts";
import { MseSink, mediaSourceClass } from "./mse-sink.ts";
import { planAfterClose } from "./reconnect.ts";
import { WsConnection } from "./ws-connection.ts";

/** The server wants to hear once a second; hearing is a good part of what a viewer costs it. */
const ACK_EVERY_MS = 900;
/**
 * After a stall the server waits for a word before it sends the picture again: media that comes so much faster than time
 * passes is told at once.
 */
const CATCH_UP_MS = 300;
const ACK_AT_MOST_EVERY_MS = 100;
/** Media that begins this much before the newest we have belongs to another broadcast. */
const RESTART_MS = 3_000;
/**
 * How long the join waits for the first pong. With the server's clock it is known where the burst will end; without it
 * the newest media stands in, and the controller corrects the start once.
 */
const CLOCK_WAIT_MS = 25;
/**
 * A burst longer than this is opened by its key frame: to show the live edge, the decoder has to go through all of it,
 * which takes a phone or a software decoder longer than everything before it.
 */
const KEY_FRAME_FIRST_MS = 250;
/** A key frame that is not on the screen after this long is waited for no more. */
const KEY_FRAME_WAIT_MS = 250;
/** What is kept behind the playhead when the browser's memory for media is full. */
const QUOTA_KEEP_S = 1;

/**
 * fMP4 over WebSocket into MediaSource: the first choice. The pure parts decide (clock-sync, controller, reconnect,
 * watchdog); this class carries their decisions between the socket, the MediaSource and the element. A reconnect keeps
 * the MediaSource, so the last picture stays until the new one is there.
 */
export class WsEngine implements PlaybackEngine {
  readonly mode = "ws";
  readonly #video: HTMLVideoElement;
  readonly #address: StreamAddress;
  readonly #events: EngineEvents;
  readonly #clock = new ClockSync();
  readonly #controller = new PlaybackController();
  readonly #bits = new RateMeter(2_000);
  readonly #frames = new RateMeter(2_000);
  #connection: WsConnection | undefined;
  #sink: MseSink | undefined;
  #tracks: readonly FragmentTrack[] = [];
  #pendingInit: Extract<ServerMessage, { type: "init" }> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #state: StreamState | undefined;
  #isStopped = false;
  /** Closes in a row without media. */
  #attempt = 0;
  #connectionHasMedia = false;
  /** The next media decides where to go on playing. */
  #isJoining = true;
  #newestMs: number | undefined;
  /**
   * End of the media that came in the first moment of this connection. The controller rests until it is buffered: after
   * a reconnect the burst begins inside what the element has already, and the old end would pass for the live edge.
   */
  #joinEndMs: number | undefined;
  #joinedMs = 0;
  /** How far the first picture of a new MediaSource is. */
  #opening: "due" | "showing" | "done" = "due";
  #ackAtMs = 0;
  #ackedMs = -1;
  #seekCount = 0;
  #gapCount = 0;
  #reconnectCount = 0;

  constructor(video: HTMLVideoElement, address: StreamAddress, events: EngineEvents) {
    this.#video = video;
    this.#address = address;
    this.#events = events;
  }

  start(): void {
    this.#openSink();
    this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retryTimer);
    this.#connection?.close();
    this.#sink?.detach();
    this.#video.playbackRate = 1;
  }

  tick(nowMs: number): void {
    this.#connection?.tick(nowMs);
    this.#control(nowMs);
    this.#acknowledge(nowMs);
  }

  goLive(): void {
    const liveMs = this.liveMediaMs(performance.now());
    const toS = this.#controller.livePositionS({
      buffered: bufferedRanges(this.#video),
      liveMediaS: liveMs === undefined ? undefined : liveMs / 1000,
    });
    if (toS !== undefined) this.#seek(toS);
  }

  reconnect(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#attempt = 0;
    this.#reconnectCount++;
    this.#events.onPhase("reconnecting");
    this.#connect();
  }

  liveMediaMs(nowMs: number): number | undefined {
    return this.#clock.liveMediaMs(nowMs);
  }

  stats(nowMs: number): EngineStats {
    const liveMs = this.#clock.liveMediaMs(nowMs);
    return {
      latencyMs: liveMs === undefined ? null : liveMs - this.#video.currentTime * 1000,
      bufferMs: this.#aheadS() * 1000,
      targetMs: this.#controller.targetS * 1000,
      rate: this.#video.playbackRate,
      bitrateKbps: this.#bits.perSecond(nowMs) / 1000,
      fps: this.#frames.perSecond(nowMs),
      stallCount: this.#controller.stallCount,
      seekCount: this.#seekCount,
      gapCount: this.#gapCount,
      reconnectCount: this.#reconnectCount,
    };
  }

  #openSink(): void {
    const SourceClass = mediaSourceClass();
    if (SourceClass === undefined) {
      this.#events.onFailure("unsupported", "This browser has no MediaSource");
      return;
    }
    this.#sink?.detach();
    this.#newestMs = undefined;
    this.#opening = "due";
    this.#controller.restart();
    this.#sink = new MseSink(this.#video, SourceClass, {
      onUpdated: () => {
        // At the start every append counts; afterwards the timer is enough.
        if (!this.#controller.hasStarted || this.#joinEndMs !== undefined) this.#control(performance.now());
      },
      onQuota: () => this.#sink?.trim(this.#video.currentTime - QUOTA_KEEP_S),
      onOverflow: () => this.#rebuild(),
      onBroken: (error, isUnsupported) => this.#onBroken(error, isUnsupported),
    });
  }

  #onBroken(error: unknown, isUnsupported: boolean): void {
    if (this.#isStopped) return;
    this.#events.onFailure(isUnsupported ? "unsupported" : "media", String(error));
    // The player may have chosen another engine by now.
    if (!this.#isStopped && !isUnsupported) this.#rebuild();
  }

  #rebuild(): void {
    if (this.#isStopped) return;
    this.#openSink();
    this.reconnect();
  }

  #connect(): void {
    clearTimeout(this.#retryTimer);
    if (this.#isStopped) return;
    const url = new URL(streamPath(this.#address, "ws"), location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#clock.reset();
    this.#pendingInit = undefined;
    this.#connectionHasMedia = false;
    this.#isJoining = true;
    this.#connection = new WsConnection(url.href, {
      onMessage: (message) => this.#onMessage(message),
      onBinary: (bytes, nowMs) => this.#onBinary(bytes, nowMs),
      onPong: (sentMs, nowMs, serverMs) => {
        this.#clock.onPong(sentMs, nowMs, serverMs);
        if (this.#joinEndMs !== undefined) this.#control(nowMs);
      },
      onClosed: (code, hadMessage) => this.#onClosed(code, hadMessage),
    });
  }

  #onClosed(code: number, hadMessage: boolean): void {
    const plan = planAfterClose(code, this.#attempt, Math.random());
    this.#attempt++;
    if (code === 1000) this.#setState("ended");
    if (plan.action === "stop") {
      this.#events.onPhase("not-allowed");
      return;
    }
    this.#events.onPhase(code === 4404 ? "not-found" : this.#newestMs === undefined ? "connecting" : "reconnecting");
    this.#reconnectCount++;
    this.#retryTimer = setTimeout(() => this.#connect(), plan.delayMs);
    if (code === 1013 || (code === 1006 && !hadMessage)) this.#events.onFailure("refused", `close code ${code}`);
  }

  #onMessage(message: ServerMessage): void {
    switch (message.type) {
      case "init":
        this.#pendingInit = message;
        return;
      case "clock":
        this.#clock.onClock(message.mediaMs, message.serverMs);
        return;
      case "state":
        this.#setState(message.state);
        this.#events.onPhase("joined");
        return;
      case "gap":
        this.#gapCount++; // the hole shows in `buffered`; the controller jumps it when the playhead is there
        return;
      case "viewers":
        this.#events.onViewerCount(message.count);
        return;
      case "pong":
        return;
      default:
        message satisfies never;
    }
  }

  #setState(state: StreamState): void {
    if (state === "live" && this.#state === "interrupted") {
      // The timeline goes on, but not in step with before; the next media is joined like the first.
      this.#clock.resetTimeline();
      this.#isJoining = true;
    }
    this.#state = state;
    this.#events.onStreamState(state);
  }

  #onBinary(bytes: Uint8Array<ArrayBuffer>, nowMs: number): void {
    this.#bits.add(nowMs, bytes.length * 8);
    if (this.#pendingInit !== undefined) {
      this.#tracks = parseTracks(bytes);
      this.#sink?.init(bytes, this.#pendingInit.mime);
      this.#pendingInit = undefined;
      return;
    }
    const summary = summarize(bytes, this.#tracks);
    if (summary === undefined) return; // media before its initialization segment cannot be appended
    this.#frames.add(nowMs, summary.videoFrameCount);
    if (this.#isJoining) this.#onFirstMedia(summary.startMs, summary.endMs, nowMs);
    if (this.#joinEndMs !== undefined && nowMs - this.#joinedMs < CLOCK_WAIT_MS) {
      this.#joinEndMs = Math.max(this.#joinEndMs, summary.endMs);
    }
    this.#newestMs = Math.max(this.#newestMs ?? 0, summary.endMs);
    this.#sink?.media(bytes, summary.endMs);
  }

  #onFirstMedia(startMs: number, endMs: number, nowMs: number): void {
    this.#isJoining = false;
    this.#connectionHasMedia = true;
    this.#attempt = 0;
    if (this.#newestMs !== undefined && startMs < this.#newestMs - RESTART_MS && endMs < this.#newestMs) {
      this.#sink?.clear();
      this.#newestMs = undefined;
    }
    this.#joinEndMs = endMs;
    this.#joinedMs = nowMs;
    setTimeout(() => this.#control(performance.now()), CLOCK_WAIT_MS + 1);
    this.#state ??= "live";
    this.#events.onPhase("joined");
    this.#events.onPlayable();
  }

  #control(nowMs: number): void {
    if (this.#isStopped) return;
    const buffered = bufferedRanges(this.#video);
    if (this.#joinEndMs !== undefined) {
      this.#showKeyFrame(buffered[0]?.startS, this.#joinEndMs);
      if (this.#opening === "showing") return;
      const joinEndS = this.#joinEndMs / 1000 - 0.05;
      if (!buffered.some((range) => range.endS >= joinEndS)) return;
      if (nowMs - this.#joinedMs < CLOCK_WAIT_MS && this.#clock.liveMediaMs(nowMs) === undefined) return;
      this.#joinEndMs = undefined;
      this.#controller.restart();
    }
    const liveMs = this.#clock.liveMediaMs(nowMs);
    const actions = this.#controller.onTick({
      nowMs,
      currentTimeS: this.#video.currentTime,
      isPaused: this.#video.paused,
      isSeeking: this.#video.seeking,
      isStarved: this.#video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA,
      isLive: this.#connectionHasMedia && this.#connection?.isOpen === true && this.#state === "live",
      buffered,
      liveMediaS: liveMs === undefined ? undefined : liveMs / 1000,
    });
    for (const action of actions) this.#perform(action);
  }

  /** Puts the picture that a long burst begins with on the screen; the jump to the live edge comes after it. */
  #showKeyFrame(startS: number | undefined, endMs: number): void {
    if (this.#opening !== "due" || startS === undefined) return;
    if (endMs - startS * 1000 < KEY_FRAME_FIRST_MS) {
      this.#opening = "done";
      return;
    }
    this.#opening = "showing";
    const video = this.#video;
    const goOn = () => {
      if (this.#opening !== "showing") return;
      this.#opening = "done";
      video.playbackRate = this.#controller.rate;
      this.#control(performance.now());
    };
    video.playbackRate = 0; // nobody should hear the old sound
    video.currentTime = startS;
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(goOn);
    else (video as HTMLVideoElement).addEventListener("seeked", goOn, { once: true });
    setTimeout(goOn, KEY_FRAME_WAIT_MS);
  }

  #perform(action: PlaybackAction): void {
    switch (action.kind) {
      case "rate":
        this.#video.playbackRate = action.rate;
        return;
      case "seek":
        this.#seek(action.toS);
        return;
      case "trim":
        this.#sink?.trim(action.toS);
        return;
      case "fall-back":
        this.#events.onFailure("stalls", "Playback stalls again and again at the highest target latency");
        return;
      default:
        action satisfies never;
    }
  }

  #seek(toS: number): void {
    this.#seekCount++;
    this.#video.currentTime = toS;
  }

  #aheadS(): number {
    const last = bufferedRanges(this.#video).at(-1);
    return last === undefined ? 0 : Math.max(0, last.endS - this.#video.currentTime);
  }

  #acknowledge(nowMs: number): void {
    const appendedMs = this.#sink?.appendedMs;
    const sinceMs = nowMs - this.#ackAtMs;
    if (appendedMs === undefined || !this.#connectionHasMedia || sinceMs < ACK_AT_MOST_EVERY_MS) return;
    if (appendedMs - this.#ackedMs - sinceMs < CATCH_UP_MS && sinceMs < ACK_EVERY_MS) return;
    this.#ackAtMs = nowMs;
    this.#ackedMs = appendedMs;
    const liveMs = this.#clock.liveMediaMs(nowMs) ?? appendedMs;
    this.#connection?.sendAck(appendedMs, this.#aheadS() * 1000, liveMs - this.#video.currentTime * 1000);
  }
}
