import { keySlotHash } from "@kagami/hashing";
import type { Exchange, MetaReply, MetaRequest, ServerRef } from "../meta.ts";
import { type Access, type Patience, type PoolPolicy, SLOW } from "../pool-policy.ts";
import type { Done, PolicyEnvironment } from "./environment.ts";
import type { Homes } from "./homes.ts";
import { FETCH_FLAGS, fillRequest, isLease, LEASE_PROBE, leaseRequest, releaseRequest } from "./lease.ts";
import { asAsked, hasAnyFlag, tokenOf, withFlags } from "./meta-flags.ts";
import { isError, isHit } from "./moving-key.ts";
import { ourKey } from "./our-keys.ts";
import { rankedPositions } from "./owners.ts";
import type { PoolMemory } from "./pool-memory.ts";

/** How long a copy lives. memcached counts whole seconds, so it may be one less. */
const COPY_TTL_SEC = 2;

/** A read that a copy can answer asks for nothing but these. */
const COPY_FLAGS = /^[vfsu]/;

/**
 * Reads of hot keys are spread over the first servers of the slot's ranking: a random one of them is asked, the owner
 * among them. The others hold copies, under keys of the proxy's own, that live for {@link COPY_TTL_SEC} at most and never
 * longer than the original.
 *
 * **When.** A key's copies are removed by changes as soon as it is hot, and for 5 s after; they are read and filled only
 * from a second later on, so that a change that was begun when the key was not hot yet is over.
 *
 * **How copies are filled.** By the read that misses one: it puts a lease there, asks the owner, and replaces the lease by
 * the value if it is still there. Reads that meet the lease ask the owner.
 *
 * **What changes do.** They are made at the owner; then, before the client is answered, all copies and leases are
 * removed, which also stops the copy under way of a value read before. Copies are not overwritten: two changes at the
 * same time could do so in another order than at the owner, and the older value would stay.
 *
 * **How stale a read can be.** Not at all after a change made through a worker that knows the key to be hot, as long as
 * the copies' servers answer. A worker that does not know it (each has a sketch of its own, and half of the threshold's
 * reads keep a key hot for 5 s more), or cannot reach a copy's server, leaves the copies: then a read may be stale for
 * {@link COPY_TTL_SEC}. While a change is under way readers may see the new value at the owner and still the old one in a
 * copy; when it is confirmed, they no longer do. Only reads of value, client flags and size are spread; what asks for cas numbers, exptimes or
 * recaching goes to the owner, so a compare-and-swap never starts from a stale value.
 */
export class HotKeyPolicy implements PoolPolicy {
  readonly #inner: PoolPolicy;
  readonly #homes: Homes;
  readonly #replicas: number;
  readonly #memory: PoolMemory;
  readonly #environment: PolicyEnvironment;

  constructor(inner: PoolPolicy, homes: Homes, replicas: number, memory: PoolMemory, environment: PolicyEnvironment) {
    this.#inner = inner;
    this.#homes = homes;
    this.#replicas = replicas;
    this.#memory = memory;
    this.#environment = environment;
  }

  direct(access: Access, key: Uint8Array, start: number, end: number, valueBytes: number): ServerRef | typeof SLOW {
    const ref = this.#inner.direct(access, key, start, end, valueBytes);
    if (ref !== SLOW && this.#isHot(key, start, end)) return SLOW;
    return ref;
  }

  mustWait(key: Uint8Array, start: number, end: number, patience: Patience): boolean {
    return this.#inner.mustWait(key, start, end, patience);
  }

  run(request: MetaRequest, exchange: Exchange, done: Done): void {
    const { key, verb, flags } = request;
    const copyKey = verb !== "me" && this.#isHot(key, 0, key.length) ? ourKey("h", key) : undefined;
    if (!copyKey) {
      this.#inner.run(request, exchange, done);
      return;
    }
    const places = this.#copyPlaces(key);
    if (verb === "mg" && !hasAnyFlag(flags, "TNR")) {
      const choice = Math.floor(this.#environment.random() * (places.length + 1));
      const mayAskCopy = flags.every((flag) => COPY_FLAGS.test(flag)) && this.#isSteadilyHot(key);
      const place = mayAskCopy ? places[choice] : undefined;
      if (place === undefined) this.#inner.run(request, exchange, done);
      else this.#readCopy(place, copyKey, request, exchange, done);
      return;
    }
    this.#inner.run(request, exchange, (reply) => {
      const changedNothing = reply.code === "NS" || reply.code === "NF" || reply.code === "EX" || reply.code === "EN";
      // What the owner has lost by eviction may still be copied; a delete is to end that as well.
      if (changedNothing && verb !== "md") done(reply);
      else removeCopies(places, copyKey, exchange, () => done(reply));
    });
  }

  #isHot(key: Uint8Array, start: number, end: number): boolean {
    return this.#memory.sketch.isHot(key, start, end, keySlotHash(key, start, end));
  }

  #isSteadilyHot(key: Uint8Array): boolean {
    return this.#memory.sketch.isSteadilyHot(key, 0, key.length, keySlotHash(key, 0, key.length));
  }

  /** Servers of the ranking after the owner that are in use. */
  #copyPlaces(key: Uint8Array): ServerRef[] {
    const slot = keySlotHash(key, 0, key.length) >>> 16;
    const { owners } = this.#homes;
    return rankedPositions(owners, key, slot, this.#replicas)
      .slice(1)
      .filter((position) => this.#homes.isOpen(position))
      .map((position) => owners.refs[position] as ServerRef);
  }

  #readCopy(place: ServerRef, copyKey: Uint8Array, request: MetaRequest, exchange: Exchange, done: Done): void {
    const flags = withFlags(request.flags, LEASE_PROBE);
    exchange.send(place, { verb: "mg", key: copyKey, flags }, (result) => {
      const isAnswer = result.ok && isHit(result.reply);
      if (isAnswer && !isLease(result.reply)) {
        this.#memory.counts.hotReads++;
        done(asAsked(result.reply, request.flags));
      } else if (!result.ok || isAnswer || isError(result.reply)) this.#inner.run(request, exchange, done);
      else this.#fillCopy(place, copyKey, request, exchange, done);
    });
  }

  #fillCopy(place: ServerRef, copyKey: Uint8Array, request: MetaRequest, exchange: Exchange, done: Done): void {
    exchange.send(place, leaseRequest(copyKey, this.#environment.random()), (leased) => {
      const cas = leased.ok && leased.reply.code === "HD" ? tokenOf(leased.reply.flags, "c") : undefined;
      if (cas === undefined) {
        this.#inner.run(request, exchange, done);
        return;
      }
      const flags = withFlags(request.flags, FETCH_FLAGS);
      this.#inner.run({ ...request, flags }, exchange, (reply) => {
        done(asAsked(reply, request.flags));
        const fill = isHit(reply) && !hasAnyFlag(reply.flags, "WXZ") ? copyOf(copyKey, cas, reply) : undefined;
        exchange.send(place, fill ?? releaseRequest(copyKey, cas), () => undefined);
      });
    });
  }
}

/** @returns `undefined` for a value about to expire. */
function copyOf(copyKey: Uint8Array, cas: string, original: MetaReply): MetaRequest | undefined {
  const ttlSec = Number(tokenOf(original.flags, "t") ?? "0");
  if (ttlSec === 0) return undefined;
  const copyTtlSec = ttlSec < 0 ? COPY_TTL_SEC : Math.min(ttlSec, COPY_TTL_SEC);
  const flags = original.flags.map((flag) => (flag.startsWith("t") ? `t${copyTtlSec}` : flag));
  // So short an exptime is never a Unix time.
  return fillRequest(copyKey, cas, { ...original, flags }, 0);
}

function removeCopies(places: readonly ServerRef[], copyKey: Uint8Array, exchange: Exchange, then: () => void): void {
  let waiting = places.length;
  if (waiting === 0) then();
  for (const place of places) {
    exchange.send(place, { verb: "md", key: copyKey, flags: [] }, () => {
      waiting--;
      if (waiting === 0) then();
    });
  }
}
