import { type RateLimits, RateState } from "../engine/limits/rate-limits.ts";

interface Entry {
  limits: RateLimits;
  readonly state: RateState;
}

/**
 * The rates of users and buckets by name. Who has no limits has no entry, so the table holds at most as many entries as
 * limits were set.
 */
export class RateRegistry {
  readonly #entries = new Map<string, Entry>();

  /** The state of one user or bucket, with these limits in force; undefined if it has none. */
  get(kind: "user" | "bucket", of: string, limits: RateLimits | undefined, nowMs: number): RateState | undefined {
    if (this.#entries.size === 0 && (limits === undefined || isEmpty(limits))) return undefined;
    const name = `${kind} ${of}`;
    const entry = this.#entries.get(name);
    if (limits === undefined || isEmpty(limits)) {
      if (entry) this.#entries.delete(name);
      return undefined;
    }
    if (!entry) return this.#add(name, limits, nowMs);
    if (entry.limits !== limits) {
      entry.limits = limits;
      entry.state.setLimits(limits, nowMs);
    }
    return entry.state;
  }

  #add(name: string, limits: RateLimits, nowMs: number): RateState {
    const state = new RateState();
    state.setLimits(limits, nowMs);
    this.#entries.set(name, { limits, state });
    return state;
  }
}

function isEmpty({ requestsPerSecond, bytesInPerSecond, bytesOutPerSecond }: RateLimits): boolean {
  return requestsPerSecond === undefined && bytesInPerSecond === undefined && bytesOutPerSecond === undefined;
}
