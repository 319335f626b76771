import type { Persistence } from "./persistence.ts";

/** Redis waits as long before it tries a snapshot again that failed. */
const RETRY_MS = 5_000;

interface SaveRule {
  readonly seconds: number;
  readonly changes: number;
}

/** When a snapshot is due: `save`, as pairs of seconds since the last one and changes since then. */
export class SaveRules {
  #rules: readonly SaveRule[] = [];
  /** When a snapshot was last begun or came, in ms since 1970. */
  #lastMs: number;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /** @param value Pairs of numbers; none is never. */
  set(value: string): void {
    const numbers = value === "" ? [] : value.split(" ").map(Number);
    this.#rules = Array.from({ length: numbers.length >> 1 }, (_, i) => ({
      seconds: numbers[2 * i] as number,
      changes: numbers[2 * i + 1] as number,
    }));
  }

  /** To be asked now and then. When it says yes the caller begins a snapshot. */
  isDue(persistence: Persistence, nowMs: number): boolean {
    if (this.#rules.length === 0 || persistence.isCompacting) return false;
    this.#lastMs = Math.max(this.#lastMs, persistence.lastSnapshotMs);
    if (persistence.lastFailure !== "" && nowMs - this.#lastMs < RETRY_MS) return false;
    const changes = persistence.changesSinceSnapshot;
    const elapsedMs = nowMs - this.#lastMs;
    const isDue = this.#rules.some(
      (rule) => changes >= rule.changes && changes > 0 && elapsedMs > 1_000 * rule.seconds,
    );
    if (isDue) this.#lastMs = nowMs;
    return isDue;
  }
}
