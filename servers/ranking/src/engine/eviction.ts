import type { EvictionPolicy } from "./config/parameters.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Store } from "./store.ts";

/** Candidates that are remembered from one eviction to the next; as Redis. */
const POOL_SIZE = 16;
/** Elements of buried values that are released at a time. */
const RELEASE_STEP = 1_024;
const EXPIRE_STEP = 64;
/** The clock is read after so many evictions. */
const CLOCK_EVERY = 16;

interface Candidate {
  readonly database: number;
  readonly key: Uint8Array;
  /** The higher, the sooner it goes. */
  readonly score: number;
}

/** What an eviction came to. */
export type EvictionOutcome = "below" | "exceeded-time" | "nothing-left";

export interface EvictionOptions {
  readonly store: Store;
  /** Removes the key for good: from the store, and on all copies. */
  readonly evict: (keyspace: Keyspace, record: number) => void;
  readonly clockUs: () => number;
}

/**
 * Makes room when memory is above `maxmemory`: samples keys of all databases, keeps the best candidates for the next time
 * in a small pool, and removes the best of them, until memory is below the limit.
 *
 * As in Redis, LRU and LFU are approximations, better with more samples and with the pool. `volatile-ttl` is exact here,
 * since the expiry index knows which key is next.
 */
export class Eviction {
  policy: EvictionPolicy = "noeviction";
  sampleCount = 5;
  /** How long one eviction may take, in µs; then it goes on at the next command or tick. */
  limitUs = 500;
  readonly #options: EvictionOptions;
  #pool: Candidate[] = [];
  #nextDatabase = 0;

  constructor(options: EvictionOptions) {
    this.#options = options;
  }

  /** Removes keys until memory is at most `maxBytes`. */
  run(maxBytes: number): EvictionOutcome {
    const { store, clockUs, evict } = this.#options;
    const endUs = clockUs() + this.limitUs;
    for (let count = 1; store.usedBytes > maxBytes; count++) {
      if (count % CLOCK_EVERY === 0 && clockUs() > endUs) return "exceeded-time";
      if (store.graveCount > 0) {
        store.releaseSome(RELEASE_STEP);
        continue;
      }
      const keyspace = this.policy === "noeviction" ? undefined : this.#chooseKeyspaceAndRecord();
      if (keyspace === undefined) return "nothing-left";
      evict(keyspace, this.#record);
    }
    return "below";
  }

  #record = 0;

  #chooseKeyspaceAndRecord(): Keyspace | undefined {
    switch (this.policy) {
      case "allkeys-random":
      case "volatile-random":
        return this.#chooseAtRandom(this.policy === "volatile-random");
      case "volatile-ttl":
        return this.#chooseNextToExpire();
      case "allkeys-lru":
      case "allkeys-lfu":
        return this.#chooseFromPool(false);
      case "volatile-lru":
      case "volatile-lfu":
        return this.#chooseFromPool(true);
      case "noeviction":
        return undefined;
      default:
        return this.policy satisfies never;
    }
  }

  #chooseAtRandom(isVolatile: boolean): Keyspace | undefined {
    const { keyspaces, access } = this.#options.store;
    for (let i = 0; i < keyspaces.length; i++) {
      const keyspace = keyspaces[this.#nextDatabase++ % keyspaces.length]!;
      this.#record = 0;
      keyspace.sample(1, isVolatile, access, (record) => {
        this.#record = record;
      });
      if (this.#record !== 0) return keyspace;
    }
    return undefined;
  }

  #chooseNextToExpire(): Keyspace | undefined {
    let best: Keyspace | undefined;
    for (const keyspace of this.#options.store.keyspaces) {
      if (keyspace.expiringCount === 0) continue;
      if (best === undefined || keyspace.nextExpiryMs < best.nextExpiryMs) best = keyspace;
    }
    if (best !== undefined) this.#record = best.nextExpiring;
    return best;
  }

  #chooseFromPool(isVolatile: boolean): Keyspace | undefined {
    const { store } = this.#options;
    for (;;) {
      let keyCount = 0;
      for (const keyspace of store.keyspaces) {
        const count = isVolatile ? keyspace.expiringCount : keyspace.size;
        if (count === 0) continue;
        keyCount += count;
        keyspace.sample(this.sampleCount, isVolatile, store.access, (record) => this.#offer(keyspace, record));
      }
      if (keyCount === 0) return undefined;
      const found = this.#takeBest(isVolatile);
      if (found !== undefined) return found;
      // Only keys whose time has come were there: without this it would look at them for ever.
      store.expire(EXPIRE_STEP);
    }
  }

  /** Puts a record into the pool, which is in order of the scores, if it is better than the worst of a full one. */
  #offer(keyspace: Keyspace, record: number): void {
    const { access } = this.#options.store;
    const word = keyspace.accessOf(record);
    const score = access.isLfu ? 255 - access.frequency(word) : access.idleSeconds(word);
    const pool = this.#pool;
    if (pool.length === POOL_SIZE && score <= pool[0]!.score) return;
    const key = keyspace.keyOf(record);
    for (const known of pool) if (known.database === keyspace.index && isSame(known.key, key)) return;
    let at = pool.length;
    while (at > 0 && pool[at - 1]!.score > score) at--;
    pool.splice(at, 0, { database: keyspace.index, key: key.slice(), score });
    if (pool.length > POOL_SIZE) pool.shift();
  }

  /** Takes candidates out of the pool until one is still there. */
  #takeBest(isVolatile: boolean): Keyspace | undefined {
    for (;;) {
      const candidate = this.#pool.pop();
      if (candidate === undefined) return undefined;
      const keyspace = this.#options.store.keyspaces[candidate.database]!;
      const record = keyspace.peek(candidate.key, 0, candidate.key.length);
      if (record === 0 || (isVolatile && keyspace.expiryOf(record) < 0)) continue;
      this.#record = record;
      return keyspace;
    }
  }

  /** The pool's scores mean nothing to another policy. */
  forgetCandidates(): void {
    this.#pool = [];
  }
}

/** How long an eviction may take for `maxmemory-eviction-tenacity`, in µs. As Redis. */
export function evictionLimitUs(tenacity: number): number {
  if (tenacity <= 10) return 50 * tenacity;
  return tenacity < 100 ? 500 * 1.15 ** (tenacity - 10) : Number.POSITIVE_INFINITY;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
