import type { PlayerPhase } from "./captions.ts";
import type { EngineStats } from "./engine.ts";
import type { PlayerMode } from "./ladder.ts";
import type { StreamState } from "./messages.ts";

/** Everything the figures overlay shows, and what tests read through `window.kagamiPlayer.stats()`. */
export interface PlayerStats extends EngineStats {
  readonly mode: PlayerMode | null;
  readonly phase: PlayerPhase;
  readonly streamState: StreamState | null;
  /** Server receipt to presentation over the last 300 frames as presented; `null` before, and where unknown. */
  readonly latencyP50Ms: number | null;
  readonly latencyP95Ms: number | null;
  /** From the start of the player to the first frame on screen. */
  readonly firstFrameMs: number | null;
  readonly width: number;
  readonly height: number;
  readonly decodedFrameCount: number;
  /** Frames that were decoded too late to be shown. */
  readonly droppedFrameCount: number;
  readonly viewerCount: number | null;
  /** Steps down the fall-back ladder, with the reason. */
  readonly fallBacks: readonly string[];
}

/**
 * `window.kagamiPlayer` on the watch page: the public handle for tests and for the browser console. `video` is the
 * element; `mode` is the way of playing now, `null` before one is chosen.
 */
export interface KagamiPlayer {
  readonly video: HTMLVideoElement;
  readonly mode: PlayerMode | null;
  stats(): PlayerStats;
}

/** The engine figures before an engine runs. */
export const NO_ENGINE_STATS: EngineStats = {
  latencyMs: null,
  bufferMs: 0,
  targetMs: null,
  rate: 1,
  bitrateKbps: null,
  fps: null,
  stallCount: 0,
  seekCount: 0,
  gapCount: 0,
  reconnectCount: 0,
};
