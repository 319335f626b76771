import { type Selector, SlotTable, selectorFor, slotOf } from "@kagami/hashing";
import type { Cluster, Placement, Pool } from "../engine/cluster.ts";
import { serverAddress } from "../engine/cluster-state.ts";

const SLOT_COUNT = 65_536;
const REPLICAS_SHOWN = 3;

/** Placements are replaced, never changed; building a selector takes tens of milliseconds. */
const selectors = new WeakMap<Placement, Selector>();

/** Which share of a pool's slots each server has, and what moves. Other kinds of placement have no slots of their own. */
export function describeSlots(cluster: Cluster, pool: Pool) {
  const move = cluster.moves.find((candidate) => candidate.pool === pool.name);
  return {
    pool: pool.name,
    totalSlots: SLOT_COUNT,
    placement: pool.placement.kind,
    owners: ownerCounts(pool.placement),
    moving: move && {
      doneBelow: move.doneBelow,
      movingBelow: move.movingBelow,
      ownersAfter: ownerCounts(move.to),
    },
  };
}

/** Where one key is, now and after the move. */
export function describeKeyPlace(cluster: Cluster, pool: Pool, key: string) {
  const bytes = new TextEncoder().encode(key);
  const slot = slotOf(bytes, 0, bytes.length);
  const move = cluster.moves.find((candidate) => candidate.pool === pool.name);
  const ownerOf = (placement: Placement) => {
    const server = placement.servers[selectorOf(placement).select(bytes, 0, bytes.length)];
    return server && { name: server.name, address: serverAddress(server) };
  };
  const state = !move ? "stable" : slot < move.doneBelow ? "done" : slot < move.movingBelow ? "moving" : "waiting";
  const selector = selectorOf(pool.placement);
  const ranked = selector instanceof SlotTable ? selector.replicas(slot, REPLICAS_SHOWN) : [];
  return {
    key,
    slot,
    state,
    owner: ownerOf(pool.placement),
    ownerAfter: move ? ownerOf(move.to) : undefined,
    ranking: [...ranked].map((position) => pool.placement.servers[position]?.name),
  };
}

function ownerCounts(placement: Placement) {
  const selector = selectorOf(placement);
  if (!(selector instanceof SlotTable)) return undefined;
  const counts = new Array<number>(placement.servers.length).fill(0);
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const owner = selector.owner(slot);
    counts[owner] = (counts[owner] ?? 0) + 1;
  }
  return placement.servers.map((server, position) => ({
    name: server.name,
    address: serverAddress(server),
    slots: counts[position] ?? 0,
  }));
}

function selectorOf(placement: Placement): Selector {
  const known = selectors.get(placement);
  if (known) return known;
  const made = selectorFor(placement);
  selectors.set(placement, made);
  return made;
}
