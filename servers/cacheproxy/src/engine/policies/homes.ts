import { keySlotHash } from "@kagami/hashing";
import type { Cluster, Ejection, Placement, Pool } from "../cluster.ts";
import type { Exchange, ExchangeResult, MetaReply, MetaRequest, ServerRef } from "../meta.ts";
import type { Patience } from "../pool-policy.ts";
import type { PolicyEnvironment } from "./environment.ts";
import { gutterKey } from "./gutter-key.ts";
import { withCappedExptime } from "./meta-flags.ts";
import { type Owners, ownersOf } from "./owners.ts";
import type { PolicyCounts } from "./pool-memory.ts";
import { missReply } from "./replies.ts";

/**
 * Where a key lives, its owner's ejection taken into account.
 *
 * - `server`: at its owner.
 * - `gutter`: the owner is down; in the gutter pool, or with another server of a pool that is its own gutter, under a key of
 *   this ejection, for a short time at most.
 * - `nowhere`: the owner is down and there is no gutter (or the gutter's own server is down): reads are misses, writes
 *   are not stored, and deletes are done, because the owner comes back empty.
 * - `fenced`: the owner is about to be given up, or about to rejoin; another proxy may still use it, or its gutter.
 *   Reads are misses, writes are not stored, which changes nothing; deletes are passed to both and must reach both. That
 *   is what is left when a change has waited for the next stage in vain.
 *
 * The agreed order is in use, fenced, down, fenced, in use, and all proxies have applied a stage before the next begins. It
 * is emptied while it is down.
 * So no proxy ever uses the server while another one uses the gutter, and a value read is never older than a write that
 * was confirmed before. What remains:
 * - A proxy that is cut off from the agreement, yet reaches the servers, must stop by itself (control/).
 * - A request on its way to a server that hangs may be executed after its client was told of an error. It cannot outlive
 *   the flush, unless its bytes are still in the network when the server rejoins; connections that timed out are reset
 *   for that reason.
 * - If the gutter pool's own placement changes during an ejection, its entries are looked for at the new place.
 *   A proxy that lags behind by an epoch may write at the old one; bounded by the gutter's exptime.
 * - Cas numbers of the gutter mean nothing to the owner. After the rejoin they fail, but for the chance that the new
 *   item has the same number; the same holds for every restart of a memcached.
 */
export type Home =
  | { readonly kind: "server"; readonly ref: ServerRef }
  | { readonly kind: "gutter"; readonly ref: ServerRef; readonly key: Uint8Array }
  | { readonly kind: "nowhere" }
  | { readonly kind: "fenced"; readonly places: readonly Place[]; readonly isShort: boolean };

interface Place {
  readonly ref: ServerRef;
  readonly key: Uint8Array;
}

interface GutterPlace extends Place {
  /** Of the gutter's server, if it is not in use itself. */
  readonly fence: "fenced" | "cleaning" | undefined;
}

interface Gutter {
  readonly owners: Owners;
  /** By position; `undefined` for a server in use. */
  readonly ejections: readonly (Ejection | undefined)[];
  readonly ttlSec: number;
}

/** The homes of all keys under one placement of a pool. */
export class Homes {
  readonly owners: Owners;
  /** By position; `undefined` for a server in use. */
  readonly #ejections: readonly (Ejection | undefined)[];
  readonly #gutter: Gutter | undefined;
  readonly #environment: PolicyEnvironment;
  readonly #counts: PolicyCounts;

  constructor(
    cluster: Cluster,
    pool: Pool,
    placement: Placement,
    environment: PolicyEnvironment,
    counts: PolicyCounts,
  ) {
    this.owners = ownersOf(placement, environment);
    this.#ejections = ejectionsOf(cluster, pool.name, placement);
    this.#gutter = gutterOf(cluster, pool, environment);
    this.#environment = environment;
    this.#counts = counts;
  }

  get hasEjections(): boolean {
    return this.#ejections.some((ejection) => ejection !== undefined);
  }

  /** The owner of a key; -1 if it is not in use. */
  openRef(key: Uint8Array, start: number, end: number): ServerRef | -1 {
    const position = this.owners.selector.select(key, start, end);
    return this.#ejections[position] === undefined ? (this.owners.refs[position] as ServerRef) : -1;
  }

  /** The owner of a key, in use or not. */
  ownerRef(key: Uint8Array, start: number, end: number): ServerRef {
    return this.owners.refs[this.owners.selector.select(key, start, end)] as ServerRef;
  }

  /** Whether the server at a position is in use. */
  isOpen(position: number): boolean {
    return this.#ejections[position] === undefined;
  }

  /** See PoolPolicy. A key that lives nowhere waits for nothing. */
  mustWait(key: Uint8Array, start: number, end: number, patience: Patience): boolean {
    const home = this.homeOf(key.subarray(start, end));
    if (home.kind === "fenced") return home.isShort && patience.forEpoch;
    return home.kind !== "nowhere" && patience.forServer(home.ref);
  }

  homeOf(key: Uint8Array): Home {
    const position = this.owners.selector.select(key, 0, key.length);
    const ref = this.owners.refs[position] as ServerRef;
    const ejection = this.#ejections[position];
    if (!ejection) return { kind: "server", ref };
    const place = this.#gutterPlace(key, ejection, ref);
    if (ejection.stage !== "down") {
      const places = [{ ref, key }, ...(place ? [place] : [])];
      return { kind: "fenced", places, isShort: ejection.stage === "fenced" };
    }
    if (!place) return { kind: "nowhere" };
    if (place.fence === undefined) return { kind: "gutter", ref: place.ref, key: place.key };
    return { kind: "fenced", places: [place], isShort: place.fence === "fenced" };
  }

  /**
   * Sends a request to where the key lives. `done` is called once; at once if nobody need be asked.
   */
  send(home: Home, request: MetaRequest, exchange: Exchange, done: (result: ExchangeResult) => void): void {
    switch (home.kind) {
      case "server":
        exchange.send(home.ref, request, done);
        return;
      case "gutter":
        this.#sendToGutter(home, request, exchange, done);
        return;
      case "nowhere":
        done({ ok: true, reply: missReply(request) });
        return;
      case "fenced":
        if (request.verb === "md") sendToAll(home.places, request, exchange, done);
        else done({ ok: true, reply: missReply(request) });
        return;
      default:
        home satisfies never;
    }
  }

  /** @returns `undefined` without a gutter, or if all proxies know that its server is down. */
  #gutterPlace(key: Uint8Array, ejection: Ejection, owner: ServerRef): GutterPlace | undefined {
    if (!this.#gutter) return undefined;
    const derived = gutterKey(key, ejection.sinceMs);
    if (!derived) return undefined;
    const { owners, ejections } = this.#gutter;
    const position = gutterPosition(owners, derived, owner);
    if (position === undefined) return undefined;
    const fence = ejections[position]?.stage;
    return fence === "down" ? undefined : { ref: owners.refs[position] as ServerRef, key: derived, fence };
  }

  #sendToGutter(place: Place, request: MetaRequest, exchange: Exchange, done: (result: ExchangeResult) => void): void {
    const ttlSec = this.#gutter?.ttlSec ?? 1;
    const isRead = request.verb === "mg";
    if (isRead) this.#counts.gutterReads++;
    else this.#counts.gutterWrites++;
    const capped = withCappedExptime(request, ttlSec, this.#environment.nowMs());
    exchange.send(place.ref, { ...capped, key: place.key }, (result) => {
      if (isRead && result.ok && (result.reply.code === "VA" || result.reply.code === "HD")) this.#counts.gutterHits++;
      done(result);
    });
  }
}

/**
 * The server of the gutter that has a key: another one than the owner, which is in the same list where a pool is its own
 * gutter. It depends on nobody else's ejection, so that a key has one place throughout.
 */
function gutterPosition({ selector, refs }: Owners, derived: Uint8Array, owner: ServerRef): number | undefined {
  const position = selector.select(derived, 0, derived.length);
  if (refs[position] !== owner) return position;
  if (refs.length === 1) return undefined;
  const step = 1 + ((keySlotHash(derived, 0, derived.length) & 0xffff) % (refs.length - 1));
  return (position + step) % refs.length;
}

/** Sends a delete to several places, one after the other; the first failure ends it, for then it is not sure. */
function sendToAll(
  places: readonly Place[],
  request: MetaRequest,
  exchange: Exchange,
  done: (result: ExchangeResult) => void,
): void {
  let best: MetaReply = missReply(request);
  const next = (index: number): void => {
    const place = places[index];
    if (!place) {
      done({ ok: true, reply: best });
      return;
    }
    exchange.send(place.ref, { ...request, key: place.key }, (result) => {
      if (!result.ok) {
        done(result);
        return;
      }
      if (result.reply.code !== "NF") best = result.reply;
      next(index + 1);
    });
  };
  next(0);
}

function ejectionsOf(cluster: Cluster, pool: string, placement: Placement): (Ejection | undefined)[] {
  return placement.servers.map((server) =>
    cluster.ejections.find((ejection) => ejection.pool === pool && ejection.server === server.name),
  );
}

function gutterOf(cluster: Cluster, pool: Pool, environment: PolicyEnvironment): Gutter | undefined {
  const options = pool.options.gutter;
  const gutterPool = options && cluster.config.pools.find(({ name }) => name === options.pool);
  if (!gutterPool) return undefined;
  // A placement's change takes effect here when it is complete.
  const { placement } = gutterPool;
  return {
    owners: ownersOf(placement, environment),
    ejections: ejectionsOf(cluster, gutterPool.name, placement),
    ttlSec: options.ttlSec,
  };
}
