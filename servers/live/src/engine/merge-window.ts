export interface MergeLimits {
  /** The shortest time between two writes to a viewer, in milliseconds. */
  readonly mergeMs: number;
  /** The longest, under load. */
  readonly maxMergeMs: number;
  /** Writes a second to all viewers of the process that are thought cheap; more viewers than this allows merge longer. */
  readonly writesPerSecondTarget: number;
}

export const DEFAULT_MERGE_LIMITS: MergeLimits = { mergeMs: 33, maxMergeMs: 100, writesPerSecondTarget: 5_200 };

/** How long to merge for so many viewers, in milliseconds. */
export function mergeMsFor(viewerCount: number, limits: MergeLimits): number {
  const neededMs = (viewerCount * 1000) / limits.writesPerSecondTarget;
  return Math.min(limits.maxMergeMs, Math.max(limits.mergeMs, neededMs));
}

/**
 * Decides when what has come in is written out. The cost of a viewer is the number of writes, hardly their size.
 *
 * A burst ends with a picture where there is one: a picture that has just arrived is never held back for a timer that
 * runs between two pictures, so at 30 pictures a second merging for 33 ms costs the picture no time at all, and merging
 * for 66 ms delays every second one by 33. Sound waits for the picture.
 */
export class MergeWindow {
  #mergeMs: number;
  /** When the next burst is due. Windows follow on one another, so that 50 ms are kept on average at 33 ms a picture. */
  #dueMs = Number.NEGATIVE_INFINITY;
  #pendingSinceMs: number | undefined;

  constructor(mergeMs: number) {
    this.#mergeMs = mergeMs;
  }

  get mergeMs(): number {
    return this.#mergeMs;
  }

  set mergeMs(value: number) {
    this.#mergeMs = value;
  }

  /** When to flush at the latest, on the caller's clock in ms; `undefined` while nothing waits. */
  get deadlineMs(): number | undefined {
    // Twice the window: the next picture nearly always comes first and ends the burst better.
    return this.#pendingSinceMs === undefined ? undefined : this.#pendingSinceMs + 2 * this.#mergeMs;
  }

  /**
   * Notes a unit that has come in.
   *
   * @param endsBurst A picture, or sound where there is no picture.
   * @returns whether to flush now.
   */
  onUnit(endsBurst: boolean, nowMs: number): boolean {
    this.#pendingSinceMs ??= nowMs;
    return endsBurst && nowMs >= this.#earliestMs;
  }

  onFlush(nowMs: number): void {
    // Half a window at least, or a picture that was late would be followed by one that is not merged at all.
    const isOnTime = nowMs >= this.#earliestMs && this.#dueMs !== Number.NEGATIVE_INFINITY;
    this.#dueMs = isOnTime ? Math.max(this.#dueMs + this.#mergeMs, nowMs + this.#mergeMs / 2) : nowMs + this.#mergeMs;
    this.#pendingSinceMs = undefined;
  }

  /** A quarter of slack: pictures arrive with jitter, and missing one by a hair would double the wait. */
  get #earliestMs(): number {
    return this.#dueMs - this.#mergeMs * 0.25;
  }
}
