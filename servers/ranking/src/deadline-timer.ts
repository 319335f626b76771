/** What a timer can wait for. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Tells when a time has come that changes often. */
export class DeadlineTimer {
  readonly #nowMs: () => number;
  readonly #onDue: () => void;
  #dueMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;

  /** @param onDue Called once for each time that was set; it may come too early. */
  constructor(nowMs: () => number, onDue: () => void) {
    this.#nowMs = nowMs;
    this.#onDue = onDue;
  }

  /** The time is another now, in ms since 1970; Infinity is none. */
  set(dueMs: number): void {
    if (dueMs === this.#dueMs || this.#hasEnded) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    if (!Number.isFinite(dueMs)) return;
    const delayMs = Math.min(Math.max(0, dueMs - this.#nowMs()), LONGEST_DELAY_MS);
    this.#timer = setTimeout(() => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#onDue();
    }, delayMs);
  }

  /** Nothing is told after this, whatever is set. */
  stop(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }
}
