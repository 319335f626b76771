import { type Selector, SlotTable } from "@kagami/hashing";
import type { Placement, ServerSpec } from "../cluster.ts";
import type { PolicyEnvironment } from "./environment.ts";

/** A placement with its servers as the data path names them. */
export interface Owners {
  readonly servers: readonly ServerSpec[];
  /** By position in the placement. */
  readonly refs: Int32Array;
  readonly selector: Selector;
}

/** The owners of a placement, with the selector from the cache. */
export function ownersOf(placement: Placement, environment: PolicyEnvironment): Owners {
  const { servers } = placement;
  return {
    servers,
    refs: Int32Array.from(servers, (server) => environment.refOf(server)),
    selector: environment.placements.selectorOf(placement),
  };
}

/**
 * The first positions of a key's ranking, its owner first. Only a slot table ranks its servers; elsewhere those after
 * the owner in the list follow, which is the same for everyone as well.
 */
export function rankedPositions(owners: Owners, key: Uint8Array, slot: number, count: number): number[] {
  const { selector, servers } = owners;
  if (selector instanceof SlotTable) return selector.replicas(slot, count);
  const owner = selector.select(key, 0, key.length);
  return Array.from({ length: Math.min(count, servers.length) }, (_, rank) => (owner + rank) % servers.length);
}
