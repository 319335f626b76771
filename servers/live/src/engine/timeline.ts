import type { Sample } from "@kagami/media";

type TrackKind = Sample["kind"];

export interface TimelineLimits {
  /** A step beyond the end of both tracks by more than this, in microseconds, is a jump. */
  readonly forwardLimitUs: number;
  /** A step back beyond this, in microseconds, is a jump; a smaller one is jitter and is held at the last position. */
  readonly backwardLimitUs: number;
}

const DEFAULT_TIMELINE_LIMITS: TimelineLimits = { forwardLimitUs: 3_000_000, backwardLimitUs: 500_000 };

/** Distance kept, in microseconds, between the end of what was published before and the start of what comes after. */
const RESUME_GAP_US = 40_000;

/** RTMP carries milliseconds in 32 bits, which wrap after 49.7 days. */
const WRAP_MS = 2 ** 32;

export interface TimelinePosition {
  /** Microseconds on the broadcast's timeline; never lower than the last of the same track. */
  readonly dtsUs: number;
  /** The publisher's clock jumped, and what follows was joined on without a hole. */
  readonly wasRebased: boolean;
}

interface TrackState {
  wireUs: number;
  dtsUs: number;
}

/**
 * Maps the timestamps of one or several publishers in turn onto the one timeline that viewers see: 64-bit
 * microseconds that start at 0, never wrap and never go back within a track.
 *
 * A hole in both tracks (the publisher's clock jumped, or it sent nothing for a while) is closed up: a viewer that has
 * played to the end goes on without a seek. Both tracks share one offset, so that sound and picture stay together. A publisher whose clock jumps does so on
 * both tracks, though not in the same message; until the second track has followed, its old offset still fits it
 * better, so the two latest offsets are kept and a track uses the one that moves it least.
 */
export class Timeline {
  readonly #limits: TimelineLimits;
  readonly #tracks: Record<TrackKind, TrackState | undefined> = { video: undefined, audio: undefined };
  #offsetUs: number | undefined;
  #previousOffsetUs: number | undefined;
  readonly #floorUs: Record<TrackKind, number> = { video: 0, audio: 0 };
  #endUs = 0;

  constructor(limits: TimelineLimits = DEFAULT_TIMELINE_LIMITS) {
    this.#limits = limits;
  }

  /** The furthest position handed out on any track, in microseconds. */
  get endUs(): number {
    return this.#endUs;
  }

  /** Another publisher takes over: its first sample continues where the last publisher's ended. */
  restart(): void {
    this.#offsetUs = undefined;
    this.#previousOffsetUs = undefined;
    this.#tracks.video = undefined;
    this.#tracks.audio = undefined;
  }

  /**
   * @param timestampMs As on the wire: unsigned 32 bits, wrapping.
   */
  map(kind: TrackKind, timestampMs: number): TimelinePosition {
    // A track that starts is held against the other one: a publisher's two clocks may differ for good.
    const near = this.#tracks[kind] ?? this.#otherTrack(kind);
    const wireUs = unwrapUs(near, timestampMs);
    this.#offsetUs ??= (this.#endUs === 0 ? 0 : this.#endUs + RESUME_GAP_US) - wireUs;
    let dtsUs = wireUs + this.#offsetUs;
    let wasRebased = false;
    if (near && this.#isJump(near, dtsUs)) {
      const formerUs = wireUs + (this.#previousOffsetUs ?? Number.NaN);
      if (Number.isFinite(formerUs) && !this.#isJump(near, formerUs)) {
        dtsUs = formerUs;
      } else {
        wasRebased = true;
        dtsUs = this.#endUs + RESUME_GAP_US;
        this.#previousOffsetUs = this.#offsetUs;
        this.#offsetUs = dtsUs - wireUs;
      }
    }
    dtsUs = Math.max(dtsUs, this.#floorUs[kind]);
    this.#floorUs[kind] = dtsUs;
    this.#tracks[kind] = { wireUs, dtsUs };
    this.#endUs = Math.max(this.#endUs, dtsUs);
    return { dtsUs, wasRebased };
  }

  #otherTrack(kind: TrackKind): TrackState | undefined {
    return this.#tracks[kind === "video" ? "audio" : "video"];
  }

  /** One track may pause while the other goes on; that is no jump. When both pause, viewers are spared the hole. */
  #isJump(near: TrackState, dtsUs: number): boolean {
    return dtsUs < near.dtsUs - this.#limits.backwardLimitUs || dtsUs > this.#endUs + this.#limits.forwardLimitUs;
  }
}

/** The wire time nearest to the last one heard, counting wraps in both directions. */
function unwrapUs(near: TrackState | undefined, timestampMs: number): number {
  if (!near) return timestampMs * 1000;
  const wraps = Math.round((near.wireUs / 1000 - timestampMs) / WRAP_MS);
  return (timestampMs + wraps * WRAP_MS) * 1000;
}
