import type { Detection } from "../engine/privacy/detection.ts";
import type { Timing } from "./channel.ts";

/** Requests that wait at once, of one channel. */
const WAITING_LIMIT = 8;
const WAIT_LIMIT_MS = 2_000;

/** Five a second at the most. */
const PICTURE_INTERVAL_MS = 200;

/** The filter makes still pictures for five seconds after it was asked. */
const ASK_INTERVAL_MS = 2_000;

/** A still picture of what the detector sees, and what it said of it. */
export interface Still {
  readonly jpeg: Uint8Array;
  readonly state: Detection["state"];
}

interface Waiting {
  readonly isTest: boolean;
  readonly settle: (still: Still | undefined) => void;
}

/** Hands the filter's still pictures to whom asked for one. Keeps none. */
export class PreviewDesk {
  readonly #timing: Timing;
  readonly #ask: (isTest: boolean) => void;
  readonly #waiting = new Set<Waiting>();
  #askedAtMs = { plain: Number.NEGATIVE_INFINITY, test: Number.NEGATIVE_INFINITY };
  #gaveAtMs = Number.NEGATIVE_INFINITY;

  /** @param ask Asks the filter for pictures. */
  constructor(timing: Timing, ask: (isTest: boolean) => void) {
    this.#timing = timing;
    this.#ask = ask;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** The next still picture; `undefined` if none comes within two seconds, or too many wait already. */
  next(isTest: boolean): Promise<Still | undefined> {
    if (this.#waiting.size >= WAITING_LIMIT) return Promise.resolve(undefined);
    const nowMs = this.#timing.monotonicMs();
    const kind = isTest ? "test" : "plain";
    if (nowMs - this.#askedAtMs[kind] >= ASK_INTERVAL_MS) {
      this.#askedAtMs[kind] = nowMs;
      this.#ask(isTest);
    }
    return new Promise((resolve) => {
      const timer = this.#timing.setTimer(() => waiting.settle(undefined), WAIT_LIMIT_MS);
      const waiting: Waiting = {
        isTest,
        settle: (still) => {
          timer.cancel();
          this.#waiting.delete(waiting);
          resolve(still);
        },
      };
      this.#waiting.add(waiting);
    });
  }

  /** The filter has made one. */
  give(isTest: boolean, still: Still): void {
    const nowMs = this.#timing.monotonicMs();
    if (nowMs - this.#gaveAtMs < PICTURE_INTERVAL_MS) return;
    for (const waiting of [...this.#waiting]) {
      if (waiting.isTest !== isTest) continue;
      this.#gaveAtMs = nowMs;
      waiting.settle(still);
    }
  }

  /** Another process knows nothing of what was asked. */
  forget(): void {
    this.#askedAtMs = { plain: Number.NEGATIVE_INFINITY, test: Number.NEGATIVE_INFINITY };
  }

  close(): void {
    for (const waiting of [...this.#waiting]) waiting.settle(undefined);
  }
}
