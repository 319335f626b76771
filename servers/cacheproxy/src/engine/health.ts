/** What a proxy says about a server: `unknown` until it has probed it often enough since it began. */
export type Vote = "up" | "down" | "unknown";

/**
 * One server as one proxy's probes see it. A vote changes only after so many results in a row, so that a single lost
 * probe says nothing, and a server that answers every other probe stays what it was.
 */
export class ServerHealth {
  #vote: Vote = "unknown";
  #failures = 0;
  #successes = 0;

  get vote(): Vote {
    return this.#vote;
  }

  /** Failed probes in a row. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Counts the result of a probe.
   *
   * @param limits How many results in a row change the vote, each at least 1.
   * @returns Whether the vote changed.
   */
  onProbe(isGood: boolean, limits: HealthLimits): boolean {
    this.#failures = isGood ? 0 : this.#failures + 1;
    this.#successes = isGood ? this.#successes + 1 : 0;
    const before = this.#vote;
    if (this.#failures >= limits.failureLimit) this.#vote = "down";
    else if (this.#successes >= limits.recoveryLimit) this.#vote = "up";
    return this.#vote !== before;
  }
}

/** Results in a row that change a vote. */
export interface HealthLimits {
  readonly failureLimit: number;
  readonly recoveryLimit: number;
}
