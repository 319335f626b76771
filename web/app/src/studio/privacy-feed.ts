import { signal } from "@preact/signals";
import { ApiError, type PreviewPicture } from "../api/client.ts";

/** Four pictures a second; the server gives five at the most. */
const EVERY_MS = 250;

/** The server answers within 2 s. A request that is held up for longer is given up. */
const REQUEST_LIMIT_MS = 5_000;

const LONGEST_PAUSE_MS = 10_000;

/**
 * The pause before the next picture, in milliseconds.
 *
 * @param tookMs How long the last request took; it counts towards the quarter second.
 * @param failureCount Failures in a row: a second after the first, doubled with each.
 */
export function nextPictureMs(tookMs: number, failureCount: number): number {
  if (failureCount > 0) return Math.min(LONGEST_PAUSE_MS, 1_000 * 2 ** Math.min(failureCount - 1, 10));
  return Math.max(0, EVERY_MS - tookMs);
}

interface FeedParts {
  readonly ask: (isTest: boolean, signal: AbortSignal) => Promise<PreviewPicture>;
  /** Shows one; rejects where it is no picture. */
  readonly show: (picture: PreviewPicture) => Promise<void>;
}

/** Asks for one still picture after another while it runs: never two at once, and nothing once it was stopped. */
export class PrivacyFeed {
  /** Code of the last failure; `undefined` while pictures come. */
  readonly trouble = signal<string | undefined>(undefined);
  readonly #parts: FeedParts;
  #run: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** Starts anew, also when it runs. */
  start(isTest: boolean): void {
    this.stop();
    const run = new AbortController();
    this.#run = run;
    void this.#ask(run, isTest, 0);
  }

  /** Gives up the request under way; its picture is not shown any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#run?.abort();
    this.#run = undefined;
  }

  async #ask(run: AbortController, isTest: boolean, failureCount: number): Promise<void> {
    const startedMs = performance.now();
    const failure = await this.#once(run, isTest);
    if (run !== this.#run) return;
    this.trouble.value = failure;
    const failed = failure === undefined ? 0 : failureCount + 1;
    const pauseMs = nextPictureMs(performance.now() - startedMs, failed);
    this.#timer = setTimeout(() => void this.#ask(run, isTest, failed), pauseMs);
  }

  /** @returns the code of what went wrong. */
  async #once(run: AbortController, isTest: boolean): Promise<string | undefined> {
    const limit = new AbortController();
    const abort = () => limit.abort();
    const timer = setTimeout(abort, REQUEST_LIMIT_MS);
    run.signal.addEventListener("abort", abort);
    try {
      const picture = await this.#parts.ask(isTest, limit.signal);
      if (run === this.#run) await this.#parts.show(picture);
      return undefined;
    } catch (error) {
      return error instanceof ApiError ? error.code : "UNREADABLE";
    } finally {
      clearTimeout(timer);
      run.signal.removeEventListener("abort", abort);
    }
  }
}
