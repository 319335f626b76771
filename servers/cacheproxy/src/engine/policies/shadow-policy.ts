import { keySlotHash } from "@kagami/hashing";
import type { Exchange, MetaRequest, ServerRef } from "../meta.ts";
import { type Access, type Patience, type PoolPolicy, SLOW } from "../pool-policy.ts";
import type { Done } from "./environment.ts";
import type { Homes } from "./homes.ts";
import type { PoolMemory } from "./pool-memory.ts";

/** Copies the shadow pool may owe an answer to, per pool and worker; beyond it requests are not copied. */
const SHADOW_IN_FLIGHT_LIMIT = 1_024;

/**
 * Sends a share of the requests to another pool as well, whose answers are dropped.
 *
 * Which ones, the key's hash decides: the same keys always, so that the other pool's hit rate is that of a cache, and a
 * share of it can be warmed up. All requests about those keys are copied, of all workers and proxies alike.
 *
 * The client's request goes first and waits for nothing. A copy is no copy of bytes, but for the wire; at most
 * {@link SHADOW_IN_FLIGHT_LIMIT} are under way, and a server of the other pool that is slow, full or out of use costs
 * nothing but a count (`shadowFailed`). Cas numbers differ between the pools, so copied `cas` requests mostly fail there.
 */
export class ShadowPolicy implements PoolPolicy {
  readonly #inner: PoolPolicy;
  readonly #target: Homes;
  readonly #memory: PoolMemory;
  /** Of the lower half of the key's hash, which the slot does not depend on. */
  readonly #below: number;

  constructor(inner: PoolPolicy, target: Homes, fraction: number, memory: PoolMemory) {
    this.#inner = inner;
    this.#target = target;
    this.#memory = memory;
    this.#below = Math.round(fraction * 0x1_0000);
  }

  direct(access: Access, key: Uint8Array, start: number, end: number, valueBytes: number): ServerRef | typeof SLOW {
    if (this.#isChosen(key, start, end)) return SLOW;
    return this.#inner.direct(access, key, start, end, valueBytes);
  }

  get isStandIn(): PoolPolicy["isStandIn"] {
    return this.#inner.isStandIn;
  }

  mustWait(key: Uint8Array, start: number, end: number, patience: Patience): boolean {
    return this.#inner.mustWait(key, start, end, patience);
  }

  run(request: MetaRequest, exchange: Exchange, done: Done): void {
    this.#inner.run(request, exchange, done);
    const { key } = request;
    if (!this.#isChosen(key, 0, key.length)) return;
    const ref = this.#target.openRef(key, 0, key.length);
    const memory = this.#memory;
    if (ref < 0 || memory.shadowInFlight >= SHADOW_IN_FLIGHT_LIMIT) {
      memory.counts.shadowFailed++;
      return;
    }
    memory.shadowInFlight++;
    memory.counts.shadowSent++;
    exchange.send(ref, request, (result) => {
      memory.shadowInFlight--;
      if (!result.ok) memory.counts.shadowFailed++;
    });
  }

  #isChosen(key: Uint8Array, start: number, end: number): boolean {
    return (keySlotHash(key, start, end) & 0xffff) < this.#below;
  }
}
