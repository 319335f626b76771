import { type Container, ValueType } from "../container.ts";
import { OBJECT_BYTES } from "../key-record.ts";

/** What a rate limiter says to one call. */
export interface RateVerdict {
  isAllowed: boolean;
  /** Units that could be taken now. */
  remaining: number;
  /** When the same call would be allowed, in ms from now; -1 if it was, or never will be. */
  retryAfterMs: number;
  /** When all units are there again, in ms from now. */
  resetAfterMs: number;
}

/**
 * A rate limiter of the generic cell rate algorithm: a debt that grows by `periodMs` a unit and falls by `limit` a ms.
 * A call is allowed if the debt then is at most `burst * periodMs`. In these units everything is a whole number, so no
 * rounding adds up.
 *
 * @see ITU-T I.371, annex A (GCRA); the reply is that of redis-cell's CL.THROTTLE, in ms instead of s
 */
export class RateLimiter implements Container {
  readonly type = ValueType.limiter;
  readonly size = 1;
  readonly encoding = "gcra";
  readonly usedBytes = OBJECT_BYTES;
  #debt = 0;
  #limit = 1;
  #atMs = 0;
  readonly #verdict: RateVerdict = { isAllowed: false, remaining: 0, retryAfterMs: -1, resetAfterMs: 0 };

  /**
   * Takes `cost` units if they are there. A limit that has changed since keeps the time at which the debt is paid.
   *
   * @param periodMs Times `burst` and times `cost` at most 2^53.
   * @returns The same object each time.
   */
  take(nowMs: number, limit: number, periodMs: number, burst: number, cost: number): RateVerdict {
    const before = this.debtAt(nowMs, limit);
    const after = before + cost * periodMs;
    const most = burst * periodMs;
    const verdict = this.#verdict;
    verdict.isAllowed = after <= most;
    const debt = verdict.isAllowed ? after : before;
    verdict.remaining = Math.max(0, Math.floor((most - debt) / periodMs));
    verdict.retryAfterMs = verdict.isAllowed || cost > burst ? -1 : Math.ceil((after - most) / limit);
    verdict.resetAfterMs = Math.ceil(debt / limit);
    // Who only asks changes nothing, not even how the debt is rounded.
    if (!verdict.isAllowed || cost === 0) return verdict;
    this.#debt = debt;
    this.#limit = limit;
    this.#atMs = nowMs;
    return verdict;
  }

  /** The debt at a time, in units of 1 / `limit` ms. */
  debtAt(nowMs: number, limit: number): number {
    const left = Math.max(0, this.#debt - this.#limit * Math.max(0, nowMs - this.#atMs));
    return limit === this.#limit ? left : Math.round((left * limit) / this.#limit);
  }

  /** The state as numbers, for rebuilds. */
  get state(): readonly [debt: number, limit: number, atMs: number] {
    return [this.#debt, this.#limit, this.#atMs];
  }

  set state([debt, limit, atMs]: readonly [number, number, number]) {
    this.#debt = debt;
    this.#limit = limit;
    this.#atMs = atMs;
  }

  copy(): RateLimiter {
    const copy = new RateLimiter();
    copy.state = this.state;
    return copy;
  }

  release(): boolean {
    return true;
  }
}
