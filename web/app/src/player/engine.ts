import type { PlayerPhase } from "./captions.ts";
import type { FailureKind, PlayerMode } from "./ladder.ts";
import type { StreamState } from "./messages.ts";

/** What an engine tells the player. */
export interface EngineEvents {
  onPhase(phase: PlayerPhase): void;
  onStreamState(state: StreamState): void;
  onViewerCount(count: number): void;
  /** This way of playing did not work once; the player decides whether to try another. */
  onFailure(kind: FailureKind, detail: string): void;
  /** Media is there: `play()` may succeed now. */
  onPlayable(): void;
}

/** Figures of one engine; `null` where it cannot know. */
export interface EngineStats {
  /** By the playhead; the player prefers frames as presented. */
  readonly latencyMs: number | null;
  readonly bufferMs: number;
  readonly targetMs: number | null;
  readonly rate: number;
  /** Received, video and audio. */
  readonly bitrateKbps: number | null;
  /** Received video frames per second. */
  readonly fps: number | null;
  readonly stallCount: number;
  readonly seekCount: number;
  readonly gapCount: number;
  readonly reconnectCount: number;
}

/** One way to get a live stream into a video element. Owned by one player; not used again after `stop`. */
export interface PlaybackEngine {
  readonly mode: PlayerMode;
  start(): void;
  stop(): void;
  /** Called about ten times a second. @param nowMs `performance.now()` */
  tick(nowMs: number): void;
  goLive(): void;
  /** The network changed or the machine woke: prove the connection, or make a new one. */
  reconnect(): void;
  /** Presentation time of what reaches the server at the local instant, in ms, if known. */
  liveMediaMs(nowMs: number): number | undefined;
  stats(nowMs: number): EngineStats;
}

/** Where a channel's media is. */
export interface StreamAddress {
  readonly name: string;
  /** Play token of a private channel. */
  readonly token: string | undefined;
}

/** Path and query of one of the channel's streams. */
export function streamPath(address: StreamAddress, file: "ws" | "index.m3u8"): string {
  const token = address.token === undefined ? "" : `?token=${encodeURIComponent(address.token)}`;
  return `/live/${encodeURIComponent(address.name)}/${file}${token}`;
}

/** The element's buffered media, as the controller wants it. */
export function bufferedRanges(video: HTMLVideoElement): { startS: number; endS: number }[] {
  const ranges = [];
  for (let i = 0; i < video.buffered.length; i++) {
    ranges.push({ startS: video.buffered.start(i), endS: video.buffered.end(i) });
  }
  return ranges;
}
