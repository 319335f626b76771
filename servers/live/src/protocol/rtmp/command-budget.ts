/**
 * How many messages that want an answer a peer may send: a burst at first, then so many a second. It bounds both the
 * work and the answers that pile up for a peer which does not read them.
 */
export class CommandBudget {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #filledAtMs: number;

  constructor(burst: number, perSecond: number, nowMs: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
    this.#filledAtMs = nowMs;
  }

  /** Takes one; false if there are none left. */
  take(nowMs: number): boolean {
    const grown = ((nowMs - this.#filledAtMs) * this.#perSecond) / 1000;
    if (grown > 0) {
      this.#left = Math.min(this.#burst, this.#left + grown);
      this.#filledAtMs = nowMs;
    }
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
