import { type PoolCounts, TOP_KEYS_LIMIT } from "../cluster-counts.ts";
import { HotKeySketch } from "./hot-key-sketch.ts";

/** More steps than can be made while the first of them settles. */
const KEPT_STEPS = 16;

/** Counts of {@link PoolCounts}, since they were taken last. */
export interface PolicyCounts {
  gutterReads: number;
  gutterHits: number;
  gutterWrites: number;
  shadowSent: number;
  shadowFailed: number;
  hotReads: number;
  moveHitsTo: number;
  moveHitsFrom: number;
  moveMisses: number;
}

/**
 * What of a pool in one worker lives longer than an epoch: its sketch, its counts, and since when this worker knows which
 * slots to be done. Policies come and go; a policy of an old epoch that still finishes a request counts here as well.
 */
export class PoolMemory {
  readonly sketch: HotKeySketch;
  readonly counts: PolicyCounts = noCounts();
  /** Copies of requests that the shadow pool has not answered yet. */
  shadowInFlight = 0;
  #moveId = "";
  /** Each with the time from which slots below were known to be done; growing. */
  #doneSteps: { doneBelow: number; sinceMs: number }[] = [];

  /** @param nowMs Unix time; the same clock as the policies'. */
  constructor(random: () => number, nowMs: () => number) {
    this.sketch = new HotKeySketch(random, nowMs);
  }

  /**
   * Notes how far a move is.
   *
   * @param moveId Tells moves of the pool apart.
   */
  noteMove(moveId: string, doneBelow: number, nowMs: number): void {
    if (moveId !== this.#moveId) {
      this.#moveId = moveId;
      this.#doneSteps = [];
    }
    const last = this.#doneSteps.at(-1);
    if (last && doneBelow < last.doneBelow) this.#doneSteps = [];
    if (!last || doneBelow !== last.doneBelow) this.#doneSteps.push({ doneBelow, sinceMs: nowMs });
    // Of those that are old the newest says it all.
    while (this.#doneSteps.length > KEPT_STEPS) this.#doneSteps.shift();
  }

  /** Slots below this have been known to be done for `ageMs` at least. */
  settledBelow(ageMs: number, nowMs: number): number {
    let settled = 0;
    for (const { doneBelow, sinceMs } of this.#doneSteps) if (nowMs - sinceMs >= ageMs) settled = doneBelow;
    return settled;
  }

  /** The counts since the last call, with the keys asked for most. */
  takeCounts(pool: string, nowMs: number): PoolCounts {
    this.sketch.roll(nowMs);
    const topKeys = this.sketch
      .top(TOP_KEYS_LIMIT)
      .map(({ key, perSecond }) => ({ keyBase64: base64(key), perSecond }));
    const taken = { pool, ...this.counts, topKeys };
    Object.assign(this.counts, noCounts());
    return taken;
  }
}

function noCounts(): PolicyCounts {
  return {
    gutterReads: 0,
    gutterHits: 0,
    gutterWrites: 0,
    shadowSent: 0,
    shadowFailed: 0,
    hotReads: 0,
    moveHitsTo: 0,
    moveHitsFrom: 0,
    moveMisses: 0,
  };
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
