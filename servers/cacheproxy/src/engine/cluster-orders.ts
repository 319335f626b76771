import type { Move, Placement } from "./cluster.ts";
import { checkClusterConfig } from "./cluster-check.ts";
import type { DesiredCluster } from "./cluster-desired.ts";
import { type AgreedState, fingerprint, serversByAddress } from "./cluster-state.ts";
import { eject, reEject } from "./health-ejection.ts";

/** What an operator tells the cluster by the admin API. */
export type Order =
  | { readonly kind: "eject"; readonly address: string }
  | { readonly kind: "readmit"; readonly address: string }
  | { readonly kind: "start-move"; readonly pool: string; readonly placement: Placement }
  | { readonly kind: "pause-move"; readonly pool: string }
  | { readonly kind: "resume-move"; readonly pool: string }
  | { readonly kind: "abort-move"; readonly pool: string };

/** `code` is API: never renamed, never reused. */
export type OrderProblemCode =
  | "SERVER_UNKNOWN"
  | "SERVER_EJECTED"
  | "SERVER_IN_USE"
  | "POOL_UNKNOWN"
  | "POOL_OF_SERVICE"
  | "PLACEMENT_INVALID"
  | "MOVE_UNDER_WAY"
  | "MOVE_UNKNOWN"
  | "MOVE_ABORTED";

export type OrderOutcome =
  | { readonly ok: true; readonly draft: AgreedState }
  | { readonly ok: false; readonly code: OrderProblemCode; readonly message: string };

/**
 * Applies an order. The result is a draft to be committed.
 *
 * @param desired What is configured; a move that is started holds until that changes.
 */
export function applyOrder(state: AgreedState, order: Order, desired: DesiredCluster, nowMs: number): OrderOutcome {
  switch (order.kind) {
    case "eject":
      return orderEject(state, order.address, nowMs);
    case "readmit":
      return orderReadmit(state, order.address);
    case "start-move":
      return orderMove(state, order.pool, order.placement, desired);
    case "pause-move":
    case "resume-move": {
      if (!findMove(state, order.pool)) return noMove(order.pool);
      if (state.abortedMoves.includes(order.pool)) {
        return refuse("MOVE_ABORTED", `The move of pool "${order.pool}" was aborted and goes back`);
      }
      const others = state.pausedMoves.filter((name) => name !== order.pool);
      const pausedMoves = order.kind === "pause-move" ? [...others, order.pool] : others;
      return { ok: true, draft: { ...state, pausedMoves } };
    }
    case "abort-move":
      return orderAbort(state, order.pool, desired);
    default:
      return order satisfies never;
  }
}

function refuse(code: OrderProblemCode, message: string): OrderOutcome {
  return { ok: false, code, message };
}

function findMove(state: AgreedState, pool: string): Move | undefined {
  return state.cluster.moves.find((move) => move.pool === pool);
}

function noMove(pool: string): OrderOutcome {
  return refuse("MOVE_UNKNOWN", `Pool "${pool}" has no move under way`);
}

function orderEject(state: AgreedState, address: string, nowMs: number): OrderOutcome {
  if (!serversByAddress(state.cluster).has(address)) return unknownServer(address);
  const present = state.ejected.find((entry) => entry.address === address);
  if (!present) return { ok: true, draft: eject(state, address, "hand", nowMs) };
  if (present.reason === "hand") return refuse("SERVER_EJECTED", `Server ${address} is ejected by hand already`);
  const byHand = { ...present, reason: "hand" as const };
  const ejected = state.ejected.map((entry) => (entry === present ? byHand : entry));
  const draft = { ...state, ejected };
  // One on its way in goes back behind the fence, so that its gutter may be used.
  const isOnItsWay = present.stage === "cleaning" || present.stage === "rejoining";
  return { ok: true, draft: isOnItsWay ? reEject(draft, byHand, nowMs) : draft };
}

function orderReadmit(state: AgreedState, address: string): OrderOutcome {
  const present = state.ejected.find((entry) => entry.address === address);
  if (!present) {
    return serversByAddress(state.cluster).has(address)
      ? refuse("SERVER_IN_USE", `Server ${address} is not ejected`)
      : unknownServer(address);
  }
  // It rejoins when the proxies' probes say it is up and it is empty; an operator cannot skip that.
  const ejected = state.ejected.map((entry) => (entry === present ? { ...entry, reason: "votes" as const } : entry));
  const flaps = state.flaps.filter((flap) => flap.address !== address);
  return { ok: true, draft: { ...state, ejected, flaps } };
}

function unknownServer(address: string): OrderOutcome {
  return refuse("SERVER_UNKNOWN", `No pool has a server at ${address}; give host:port as GET /api/pools shows it`);
}

function orderMove(state: AgreedState, name: string, placement: Placement, desired: DesiredCluster): OrderOutcome {
  const pool = desired.pools.find((candidate) => candidate.name === name);
  const present = state.cluster.config.pools.find((candidate) => candidate.name === name);
  if (!pool || !present) return refuse("POOL_UNKNOWN", `There is no pool "${name}"`);
  if (findMove(state, name)) return refuse("MOVE_UNDER_WAY", `Pool "${name}" is moving; wait for it, or abort it`);
  if (pool.service !== undefined && fingerprint(pool.placement.servers) !== fingerprint(placement.servers)) {
    return refuse("POOL_OF_SERVICE", `The servers of pool "${name}" are those of service "${pool.service}" in Consul`);
  }
  const { routes } = state.cluster.config;
  const pools = state.cluster.config.pools.map((other) => (other === present ? { ...present, placement } : other));
  const problems = checkClusterConfig({ pools, routes });
  const [problem] = problems;
  if (problem) return refuse("PLACEMENT_INVALID", `${problem.place}: ${problem.message}`);
  const override = { pool: name, basis: fingerprint(pool.placement), placement };
  const overrides = [...state.overrides.filter((entry) => entry.pool !== name), override];
  return { ok: true, draft: { ...state, overrides } };
}

function orderAbort(state: AgreedState, name: string, desired: DesiredCluster): OrderOutcome {
  const move = findMove(state, name);
  const pool = desired.pools.find((candidate) => candidate.name === name);
  if (!move || !pool) return noMove(name);
  if (state.abortedMoves.includes(name)) return refuse("MOVE_ABORTED", `The move of pool "${name}" goes back already`);
  // Without this the configuration would start it again.
  const override = { pool: name, basis: fingerprint(pool.placement), placement: move.from };
  const overrides = [...state.overrides.filter((entry) => entry.pool !== name), override];
  const pausedMoves = state.pausedMoves.filter((other) => other !== name);
  return { ok: true, draft: { ...state, overrides, pausedMoves, abortedMoves: [...state.abortedMoves, name] } };
}
