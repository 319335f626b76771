const PING_EVERY_MS = 2_000;
/** Right after connecting pings come faster, for a good clock from the start. */
const EARLY_PING_MS = 150;
const EARLY_COUNT = 4;
const SILENCE_MS = 5_000;
/** Timers never pause this long unless the machine slept or the page was frozen. */
const SLEEP_MS = 15_000;

export type WatchdogAction = "ping" | "reconnect";

/**
 * Notices a dead connection. Silence alone proves nothing while nobody streams, and timers are slow in hidden tabs, so
 * only an unanswered ping counts; and a tick that comes much too late means the machine slept. Owns no clock.
 */
export class Watchdog {
  #heardMs: number;
  #tickMs: number;
  #pingMs = Number.NEGATIVE_INFINITY;
  #pingCount = 0;
  #unansweredSinceMs: number | undefined;

  constructor(nowMs: number) {
    this.#heardMs = nowMs;
    this.#tickMs = nowMs;
  }

  /** Any message arrived. */
  onMessage(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#unansweredSinceMs = undefined;
  }

  onTick(nowMs: number): WatchdogAction | undefined {
    const sinceTickMs = nowMs - this.#tickMs;
    this.#tickMs = nowMs;
    if (sinceTickMs > SLEEP_MS && nowMs - this.#heardMs > SILENCE_MS) return "reconnect";
    if (this.#unansweredSinceMs !== undefined && nowMs - this.#unansweredSinceMs > SILENCE_MS) return "reconnect";
    const everyMs = this.#pingCount < EARLY_COUNT ? EARLY_PING_MS : PING_EVERY_MS;
    if (nowMs - this.#pingMs < everyMs) return undefined;
    this.#pingMs = nowMs;
    this.#pingCount++;
    this.#unansweredSinceMs ??= nowMs;
    return "ping";
  }
}
