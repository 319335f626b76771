import type { Timer, TimerClock } from "@kagami/clock";

/** When a log is synced: before any reply, about once a second, or when a segment is full only. */
export type SyncPolicy = "always" | "everysec" | "no";

const INTERVAL_MS = 1_000;
const SLOW_MS = 2_000;

export interface LogSyncerOptions {
  readonly policy: SyncPolicy;
  readonly clock: TimerClock;
  /** Syncs all that is written when it is called, off the thread; never calls back within the call. */
  readonly sync: (onDone: (error: unknown) => void) => void;
  /** The same and waits, if that is one file's sync and no more; otherwise does nothing. Returns whether it did. Throws the system's error. */
  readonly syncNow: () => boolean;
  /** While syncs take less than this on average, `always` waits for them on the thread; 0 is never. */
  readonly inlineLimitMs: number;
  readonly onSynced: (position: number) => void;
  /** Nothing is synced after this. */
  readonly onFailed: (error: unknown) => void;
  readonly onSlow: (elapsedMs: number) => void;
}

/** How much the last sync counts in their average duration. */
const LAST_SHARE = 1 / 8;

/**
 * Decides when to sync. There is one sync under way at most: with `always` what is written meanwhile goes into the next
 * one (group commit), with `everysec` a sync begins a second after the one before began, or when that ends if later.
 *
 * On a quick disk the hop to another thread costs more than the wait, so `always` then waits where it is. A disk that is
 * slow, or was so once, is left to the other thread until the average is low again: nobody else waits for it.
 *
 * A sync that failed is never tried again: the kernel may have dropped the pages and call the next one a success.
 */
export class LogSyncer {
  readonly #options: LogSyncerOptions;
  #policy: SyncPolicy;
  #writtenPosition: number;
  #syncedPosition: number;
  #targetPosition = 0;
  #startedMs = Number.NEGATIVE_INFINITY;
  #isUnderWay = false;
  #isForced = false;
  #hasEnded = false;
  #hasToldSlow = false;
  #timer: Timer | undefined;
  #watch: Timer | undefined;
  #syncCount = 0;
  #slowCount = 0;
  #endedMs = Number.NaN;
  /** Average duration of a sync; what is not known is slow. */
  #averageMs = Number.POSITIVE_INFINITY;

  /** @param position What is written and synced already. */
  constructor(position: number, options: LogSyncerOptions) {
    this.#options = options;
    this.#policy = options.policy;
    this.#writtenPosition = position;
    this.#syncedPosition = position;
  }

  get syncedPosition(): number {
    return this.#syncedPosition;
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  get syncCount(): number {
    return this.#syncCount;
  }

  /** How long ago the last sync ended, in ms; NaN if there was none. */
  get ageMs(): number {
    return this.#nowMs() - this.#endedMs;
  }

  /** Syncs that took longer than 2 s. */
  get slowCount(): number {
    return this.#slowCount;
  }

  /** Positions up to this one are written. */
  onWritten(position: number): void {
    this.#writtenPosition = position;
    if (!this.#isUnderWay) this.#plan();
  }

  /** Goes on under another policy. */
  setPolicy(policy: SyncPolicy): void {
    this.#policy = policy;
    this.#plan();
  }

  /** Syncs now whatever the policy, or right after the sync under way. */
  force(): void {
    this.#isForced = true;
    this.#plan();
  }

  /** Begins no further sync. One that is under way still calls back. */
  stop(): void {
    this.#hasEnded = true;
    this.#timer?.cancel();
    this.#watch?.cancel();
    this.#timer = undefined;
    this.#watch = undefined;
  }

  #plan(): void {
    if (this.#isUnderWay || this.#hasEnded) return;
    const isBehind = this.#writtenPosition > this.#syncedPosition;
    if (this.#isForced) this.#start();
    else if (isBehind && this.#policy === "always") {
      const isQuick = this.#averageMs < this.#options.inlineLimitMs;
      if (!isQuick || !this.#syncInline()) this.#start();
    } else if (isBehind && this.#policy === "everysec") this.#startInTime();
  }

  #startInTime(): void {
    if (this.#timer) return;
    const delayMs = Math.max(0, this.#startedMs + INTERVAL_MS - this.#nowMs());
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#timer = undefined;
      if (!this.#isUnderWay && !this.#hasEnded && this.#writtenPosition > this.#syncedPosition) this.#start();
    });
  }

  /** Returns whether it could be done so; that it failed is told too. */
  #syncInline(): boolean {
    const startedMs = this.#nowMs();
    try {
      if (!this.#options.syncNow()) return false;
    } catch (error) {
      this.stop();
      this.#options.onFailed(error);
      return true;
    }
    const elapsedMs = this.#nowMs() - startedMs;
    this.#syncCount++;
    if (elapsedMs >= SLOW_MS) {
      this.#slowCount++;
      this.#options.onSlow(elapsedMs);
    }
    this.#onSynced(this.#writtenPosition, elapsedMs);
    return true;
  }

  #onSynced(position: number, elapsedMs: number): void {
    const isFirst = this.#averageMs === Number.POSITIVE_INFINITY;
    this.#averageMs = isFirst ? elapsedMs : this.#averageMs + (elapsedMs - this.#averageMs) * LAST_SHARE;
    this.#syncedPosition = position;
    this.#endedMs = this.#nowMs();
    this.#options.onSynced(position);
  }

  #start(): void {
    this.#isUnderWay = true;
    this.#isForced = false;
    this.#hasToldSlow = false;
    this.#targetPosition = this.#writtenPosition;
    this.#startedMs = this.#nowMs();
    this.#syncCount++;
    this.#watchOver(SLOW_MS);
    this.#options.sync((error) => this.#onDone(error));
  }

  #onDone(error: unknown): void {
    this.#isUnderWay = false;
    if (error !== undefined) {
      this.stop();
      this.#options.onFailed(error);
      return;
    }
    this.#onSynced(this.#targetPosition, this.#nowMs() - this.#startedMs);
    this.#plan();
  }

  /** One timer serves many quick syncs: it is set once, and looks how long the one of its moment has taken. */
  #watchOver(delayMs: number): void {
    if (this.#watch) return;
    this.#watch = this.#options.clock.after(delayMs, () => {
      this.#watch = undefined;
      if (!this.#isUnderWay || this.#hasToldSlow) return;
      const elapsedMs = this.#nowMs() - this.#startedMs;
      if (elapsedMs < SLOW_MS) {
        this.#watchOver(SLOW_MS - elapsedMs);
        return;
      }
      this.#hasToldSlow = true;
      this.#slowCount++;
      this.#options.onSlow(elapsedMs);
    });
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}
