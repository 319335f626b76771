/**
 * Says whether a turn goes on for another look at the sockets: while requests come, a few more may share what the log
 * makes every turn wait. At most as long as that is gathered.
 */
export class TurnGathering {
  readonly #clockUs: () => number;
  #sinceUs = 0;
  #lastReadCount = 0;

  /** @param clockUs Time in µs from any beginning. */
  constructor(clockUs: () => number) {
    this.#clockUs = clockUs;
  }

  /**
   * @param readCount Reads so far: when there were none since the last look, nobody else is coming.
   * @param flushMs What the log makes a turn wait.
   */
  goesOn(readCount: number, flushMs: number): boolean {
    if (readCount === this.#lastReadCount) return false;
    this.#lastReadCount = readCount;
    const nowUs = this.#clockUs();
    if (this.#sinceUs === 0) this.#sinceUs = nowUs;
    return nowUs - this.#sinceUs < 1_000 * flushMs;
  }

  /** The turn is over. */
  end(): void {
    this.#sinceUs = 0;
  }
}
