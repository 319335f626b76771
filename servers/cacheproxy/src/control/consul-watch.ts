import type { Random, Timer, TimerClock } from "@kagami/clock";
import type { BlockingOptions, Indexed } from "./consul-client.ts";

export interface ConsulWatchOptions<T> {
  readonly clock: TimerClock;
  readonly random: Random;
  readonly waitMs: number;
  readonly query: (options: BlockingOptions) => Promise<Indexed<T>>;
  /** Called with each answer that may differ from the one before. */
  readonly onValue: (value: T) => void;
  /** Called with each failure, and with `undefined` when an answer comes again. */
  readonly onTrouble: (error: Error | undefined) => void;
}

const FIRST_BACKOFF_MS = 100;
const BACKOFF_LIMIT_MS = 10_000;
/** However often things change, they are asked for no more often than this. */
const PAUSE_MS = 20;

/**
 * Follows something in Consul by blocking queries.
 *
 * An index that goes backwards (a restored snapshot) starts again from 0, as does an index of 0; the same index means
 * that the wait ended without a change. After failures it waits longer and longer, by chance between half and all of it.
 *
 * @see https://developer.hashicorp.com/consul/api-docs/features/blocking
 */
export class ConsulWatch<T> {
  readonly #options: ConsulWatchOptions<T>;
  readonly #abort = new AbortController();
  #index = 0n;
  #failureCount = 0;
  #timer: Timer | undefined;

  constructor(options: ConsulWatchOptions<T>) {
    this.#options = options;
    void this.#ask();
  }

  close(): void {
    this.#abort.abort();
    this.#timer?.cancel();
  }

  async #ask(): Promise<void> {
    const { query, waitMs, onValue, onTrouble, clock } = this.#options;
    const { signal } = this.#abort;
    let delayMs = PAUSE_MS;
    try {
      const { index, value } = await query({ index: this.#index, waitMs, signal });
      if (signal.aborted) return;
      if (this.#failureCount > 0) onTrouble(undefined);
      this.#failureCount = 0;
      const isSame = index === this.#index && index > 0n;
      this.#index = index < this.#index ? 0n : index;
      if (!isSame) onValue(value);
    } catch (error) {
      if (signal.aborted) return;
      delayMs = this.#backoffMs();
      this.#failureCount++;
      // Consul may have restarted with other indexes.
      this.#index = 0n;
      onTrouble(error instanceof Error ? error : new Error(String(error)));
    }
    this.#timer = clock.after(delayMs, () => void this.#ask());
  }

  #backoffMs(): number {
    const mostMs = Math.min(BACKOFF_LIMIT_MS, FIRST_BACKOFF_MS * 2 ** Math.min(20, this.#failureCount));
    return mostMs * (0.5 + 0.5 * this.#options.random.float());
  }
}
