/** How many events of one name were held back in a past second. */
export interface Suppressed {
  readonly event: string;
  readonly count: number;
}

const WINDOW_MS = 1_000;
const NAMES_LIMIT = 1_000;

/**
 * Lets through so many events of one name in a second and counts the rest, so that a flood of bad peers cannot fill a
 * disk. Beyond 1,000 names in a second, further names share one allowance. Knows no clock: time comes in.
 */
export class FloodGate {
  readonly #limitPerSecond: number;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #counts = new Map<string, number>();
  #heldBackCount = 0;

  constructor(limitPerSecond: number) {
    this.#limitPerSecond = limitPerSecond;
  }

  /** Whether anything waits to be summarised. */
  get isHoldingBack(): boolean {
    return this.#heldBackCount > 0;
  }

  admit(event: string): boolean {
    const name = this.#counts.has(event) || this.#counts.size < NAMES_LIMIT ? event : "(other)";
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    if (count <= this.#limitPerSecond) return true;
    this.#heldBackCount++;
    return false;
  }

  /** Starts a new second if the last has passed, and tells what that one held back. */
  turn(nowMs: number, force = false): Suppressed[] {
    if (!force && nowMs - this.#windowStartMs < WINDOW_MS) return [];
    this.#windowStartMs = nowMs;
    const counts = this.#counts;
    this.#counts = new Map();
    if (this.#heldBackCount === 0) return [];
    this.#heldBackCount = 0;
    const suppressed: Suppressed[] = [];
    for (const [event, count] of counts) {
      if (count > this.#limitPerSecond) suppressed.push({ event, count: count - this.#limitPerSecond });
    }
    return suppressed;
  }
}
