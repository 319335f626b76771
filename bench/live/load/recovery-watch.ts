import type { Marker } from "./marker.ts";

/** How one viewer got its picture back after a stall; times in ms since it read again, `null` if it has not happened. */
export interface Recovery {
  /** The first key frame that follows pictures which were left out; `null` too if none were. */
  readonly keyFrameMs: number | null;
  /** The first picture that can be decoded and is no older than {@link LIVE_EDGE_MS}. */
  readonly liveMs: number | null;
  /** Pictures that were left out. */
  readonly missedCount: number;
  /** Pictures that arrived without those that they depend on: what a person sees as a broken picture. */
  readonly brokenCount: number;
}

/** A picture that is older is the past, which a viewer that reads again is catching up with. */
const LIVE_EDGE_MS = 300;

/** Watches the pictures of one viewer. */
export class RecoveryWatch {
  #beganUs = Number.POSITIVE_INFINITY;
  #nextSequence: number | undefined;
  #isBroken = false;
  #keyFrameMs: number | null = null;
  #liveMs: number | null = null;
  #missedCount = 0;
  #brokenCount = 0;

  /** The viewer reads again; what it had received before still counts as the picture's past. */
  begin(nowUs: number): void {
    this.#beganUs = nowUs;
    this.#keyFrameMs = null;
    this.#liveMs = null;
    this.#missedCount = 0;
    this.#brokenCount = 0;
  }

  onMarked(marker: Marker, arrivedUs: number): void {
    if (marker.kind === "A") return;
    const missed = this.#nextSequence === undefined ? 0 : marker.sequence - this.#nextSequence;
    this.#nextSequence = marker.sequence + 1;
    if (missed > 0) {
      this.#missedCount += missed;
      this.#isBroken = true;
    }
    if (marker.kind === "K") this.#isBroken = false;
    if (this.#isBroken) this.#brokenCount++;
    if (arrivedUs < this.#beganUs) return;
    const sinceMs = (arrivedUs - this.#beganUs) / 1000;
    if (marker.kind === "K" && this.#missedCount > 0) this.#keyFrameMs ??= sinceMs;
    const ageMs = (arrivedUs - marker.sentUs) / 1000;
    if (!this.#isBroken && ageMs <= LIVE_EDGE_MS) this.#liveMs ??= sinceMs;
  }

  get recovery(): Recovery {
    return {
      keyFrameMs: this.#keyFrameMs,
      liveMs: this.#liveMs,
      missedCount: this.#missedCount,
      brokenCount: this.#brokenCount,
    };
  }
}
