import type { Timer, TimerClock } from "@kagami/clock";
import { type ConsulClient, ConsulError } from "./consul-client.ts";

export interface ConsulSessionOptions {
  readonly clock: TimerClock;
  readonly client: ConsulClient;
  readonly name: string;
  readonly ttlMs: number;
  /** Called when there is a new session or none any more. */
  readonly onChange: () => void;
  /** Called with why there is none, or it cannot be renewed; `undefined` when it was. */
  readonly onTrouble: (error: Error | undefined) => void;
}

const RETRY_MS = 1_000;

/**
 * Keeps a session alive: what is locked with it exists as long as this process does. Renewed three times per TTL. When it
 * could not be renewed for a TTL, others may have seen it end, so it counts as gone here too.
 */
export class ConsulSession {
  readonly #options: ConsulSessionOptions;
  #id: string | undefined;
  #renewedAtMs = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: ConsulSessionOptions) {
    this.#options = options;
    void this.#run();
  }

  /** `undefined` while there is none that can be trusted. */
  get id(): string | undefined {
    const { clock, ttlMs } = this.#options;
    return clock.monotonicMs() - this.#renewedAtMs < ttlMs ? this.#id : undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    const id = this.#id;
    this.#id = undefined;
    if (id === undefined) return;
    // If Consul cannot be reached, the session ends by itself.
    await this.#options.client.destroySession(id).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { clock, client, name, ttlMs, onChange, onTrouble } = this.#options;
    let delayMs = ttlMs / 3;
    // It counts from before the request: Consul may have handled it at once.
    const askedAtMs = clock.monotonicMs();
    try {
      if (this.#id === undefined) {
        const id = await client.createSession(name, ttlMs);
        if (this.#isClosed) {
          await client.destroySession(id);
          return;
        }
        this.#id = id;
        this.#renewedAtMs = askedAtMs;
        onChange();
      } else {
        await client.renewSession(this.#id);
        this.#renewedAtMs = askedAtMs;
      }
      onTrouble(undefined);
    } catch (error) {
      if (this.#isClosed) return;
      delayMs = RETRY_MS;
      if (error instanceof ConsulError && error.code === "CONSUL_SESSION_GONE") {
        this.#id = undefined;
        delayMs = 0;
        onChange();
      } else onTrouble(error instanceof Error ? error : new Error(String(error)));
    }
    if (!this.#isClosed) this.#timer = clock.after(delayMs, () => void this.#run());
  }
}
