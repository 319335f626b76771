/** When something a client did to a key began, and when it was told of the end; infinity if it never was, or of an error. */
interface Change {
  readonly startMs: number;
  endMs: number;
  /** Absent for a delete. */
  readonly value?: string;
}

/**
 * Everything clients did to one key, to judge what they read.
 *
 * A cache may always miss. But a read must not give a value that no client stored, nor one that was over when the read
 * began: another change, begun after the value's own was confirmed, was itself confirmed, or seen by a read that ended,
 * before. This is linearizability of a register whose value may vanish at any time, but for what takes three or more
 * operations to tell; for values that are all different, as here, it is enough.
 */
export class KeyHistory {
  readonly #changes: Change[] = [];
  readonly #byValue = new Map<string, Change>();
  readonly #isSeeingEnough: boolean;
  /** The latest start of a change that was certainly over at a time; growing in both. */
  #over: { atMs: number; startMs: number }[] = [];

  /** @param isSeeingEnough Whether a change is over when it was seen; else only when it was confirmed. */
  constructor(isSeeingEnough = true) {
    this.#isSeeingEnough = isSeeingEnough;
  }

  begin(startMs: number, value?: string): Change {
    const change: Change =
      value === undefined
        ? { startMs, endMs: Number.POSITIVE_INFINITY }
        : { startMs, endMs: Number.POSITIVE_INFINITY, value };
    this.#changes.push(change);
    if (value !== undefined) this.#byValue.set(value, change);
    return change;
  }

  /** The client was told that it is done. */
  confirm(change: Change, endMs: number): void {
    change.endMs = Math.min(change.endMs, endMs);
    this.#note(endMs, change.startMs);
  }

  /** @returns What is wrong with having read this, or `undefined`. */
  judge(value: string, startMs: number, endMs: number): string | undefined {
    const change = this.#byValue.get(value);
    if (!change) return `read "${value}", which nobody stored there`;
    if (change.startMs > endMs) return `read "${value}" before it was stored`;
    const over = this.#latestOverBefore(startMs);
    if (over > change.endMs) {
      return `read "${value}" (stored ${change.startMs} to ${change.endMs}) at ${startMs}, after a change begun at ${over}`;
    }
    if (!this.#isSeeingEnough) return undefined;
    // Whoever has seen a value knows that its change has taken place.
    change.endMs = Math.min(change.endMs, endMs);
    this.#note(endMs, change.startMs);
    return undefined;
  }

  #note(atMs: number, startMs: number): void {
    const last = this.#over.at(-1);
    if (last && startMs <= last.startMs) return;
    this.#over.push({ atMs, startMs });
    if (this.#over.length > 64) this.#over = this.#over.slice(-32);
  }

  #latestOverBefore(timeMs: number): number {
    for (let i = this.#over.length - 1; i >= 0; i--) {
      const entry = this.#over[i];
      if (entry && entry.atMs < timeMs) return entry.startMs;
    }
    return Number.NEGATIVE_INFINITY;
  }
}
