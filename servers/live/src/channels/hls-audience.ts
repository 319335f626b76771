/** A viewer that asked for nothing for this long has left, in milliseconds. */
const AWAY_MS = 12_000;

/** More than this are not told apart; the count then stands still. */
const VIEWER_LIMIT = 100_000;

/**
 * Counts the viewers of HLS, who hold no connection: everyone who asked for a playlist lately, told apart by address
 * and browser. People behind one address with the same browser count once.
 */
export class HlsAudience {
  readonly #nowMs: () => number;
  /** In order of the last request, the oldest first. */
  readonly #seenAtMs = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get count(): number {
    this.#forget();
    return this.#seenAtMs.size;
  }

  /** Whether this viewer has asked lately. */
  isWatching(address: string, userAgent: string): boolean {
    this.#forget();
    return this.#seenAtMs.has(keyOf(address, userAgent));
  }

  onRequest(address: string, userAgent: string): void {
    this.#forget();
    const key = keyOf(address, userAgent);
    const isKnown = this.#seenAtMs.delete(key);
    if (isKnown || this.#seenAtMs.size < VIEWER_LIMIT) this.#seenAtMs.set(key, this.#nowMs());
  }

  #forget(): void {
    const sinceMs = this.#nowMs() - AWAY_MS;
    for (const [key, seenAtMs] of this.#seenAtMs) {
      if (seenAtMs >= sinceMs) return;
      this.#seenAtMs.delete(key);
    }
  }
}

function keyOf(address: string, userAgent: string): string {
  return `${address} ${userAgent.slice(0, 200)}`;
}
