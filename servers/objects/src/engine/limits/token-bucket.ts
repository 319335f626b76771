/**
 * A rate with a burst, without a clock of its own. Takers never wait in it: they are told how long to wait, and what
 * they took is debt that later takers see, so order is first come, first served.
 *
 * Invariant: `#level` is at most the burst; a debt (negative level) is at most what was taken at once.
 */
export class TokenBucket {
  #perSecond: number;
  #burst: number;
  #level: number;
  #atMs: number;

  /** @param burst What may be taken at once after a rest; at least 1. */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#burst = Math.max(burst, 1);
    this.#level = this.#burst;
    this.#atMs = nowMs;
  }

  /** Takes `amount` in any case, and tells for how many ms the taker must wait before it goes on; 0 is at once. */
  take(amount: number, nowMs: number): number {
    this.#refill(nowMs);
    this.#level -= amount;
    return this.#level >= 0 ? 0 : Math.ceil((-this.#level * 1_000) / this.#perSecond);
  }

  /** Takes `amount` if it is there. */
  tryTake(amount: number, nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#level < amount) return false;
    this.#level -= amount;
    return true;
  }

  /** Changes the rate from now on; a debt stays. */
  setRate(perSecond: number, burst: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#perSecond = perSecond;
    this.#burst = Math.max(burst, 1);
    this.#level = Math.min(this.#level, this.#burst);
  }

  #refill(nowMs: number): void {
    // A clock that was set back gives nothing and takes nothing.
    const elapsedMs = Math.max(nowMs - this.#atMs, 0);
    this.#atMs = nowMs;
    this.#level = Math.min(this.#burst, this.#level + (elapsedMs * this.#perSecond) / 1_000);
  }
}
