import type { ClusterConfig, Move, Placement, Pool, ServerSpec } from "./cluster.ts";
import {
  type AgreedState,
  type EjectedServer,
  ejectionTime,
  fingerprint,
  isSame,
  serverAddress,
  serversByAddress,
} from "./cluster-state.ts";

/** A pool as operators want it; the agreed one may be on its way there. */
export interface DesiredPool extends Pool {
  /** Whether a change of servers or placement is moved slot by slot; otherwise it is made at once, with misses. */
  readonly move: boolean;
  /** Name of the Consul service whose instances are the servers; `placement.servers` is empty until they are known. */
  readonly service: string | undefined;
}

/** Pools and routes as operators want them. */
export interface DesiredCluster extends ClusterConfig {
  readonly pools: readonly DesiredPool[];
}

/** A draft, and what must wait. */
export interface DesiredOutcome {
  readonly draft: AgreedState;
  /** For people: what was asked for and cannot be done yet, by pool. */
  readonly pending: readonly string[];
}

/**
 * Brings the agreed state nearer to what operators want. The result is a draft to be committed.
 *
 * A server that joins a pool which had keys without it may hold values from an earlier time, as one does that was taken
 * out and put back; so it starts ejected, and comes into use like one that recovers. Pools that are new are taken as they
 * are: they may be a fleet with its data, which must not be flushed.
 */
export function applyDesired(state: AgreedState, desired: DesiredCluster, nowMs: number): DesiredOutcome {
  const pending: string[] = [];
  const rearranged = new Set(state.rearranged);
  const moves: Move[] = [];
  const overrides = [...state.overrides];
  const pools = desired.pools.map((wanted): Pool => {
    const present = state.cluster.config.pools.find((pool) => pool.name === wanted.name);
    const move = state.cluster.moves.find((candidate) => candidate.pool === wanted.name);
    const placement = effectivePlacement(wanted, overrides);
    const { name, options } = wanted;
    if (!present) return { name, options, placement };
    const step = stepPlacement({
      present,
      move,
      wanted: placement,
      isMoved: wanted.move || hasOverride(wanted, overrides),
      nowMs,
    });
    if (step.pending !== undefined) pending.push(`pool "${name}": ${step.pending}`);
    if (step.move) moves.push(step.move);
    if (!isSameLayout(present.placement, step.placement)) rearranged.add(name);
    return { name, options, placement: step.placement };
  });
  const cluster = { ...state.cluster, config: { pools, routes: desired.routes }, moves };
  const draft = {
    ...state,
    cluster,
    rearranged: [...rearranged],
    overrides: overrides.filter((entry) => isCurrent(entry, desired)),
  };
  return { draft: withJoined(state, draft, nowMs), pending };
}

/** The placement that is wanted: that of the admin API as long as the configured one has not changed since. */
function effectivePlacement(wanted: DesiredPool, overrides: readonly AgreedState["overrides"][number][]): Placement {
  const override = overrides.find((entry) => entry.pool === wanted.name);
  return override && override.basis === fingerprint(wanted.placement) ? override.placement : wanted.placement;
}

function hasOverride(wanted: DesiredPool, overrides: AgreedState["overrides"]): boolean {
  return overrides.some((entry) => entry.pool === wanted.name && entry.basis === fingerprint(wanted.placement));
}

function isCurrent(entry: AgreedState["overrides"][number], desired: DesiredCluster): boolean {
  const pool = desired.pools.find(({ name }) => name === entry.pool);
  return pool !== undefined && entry.basis === fingerprint(pool.placement);
}

interface PlacementInput {
  readonly present: Pool;
  readonly move: Move | undefined;
  readonly wanted: Placement;
  readonly isMoved: boolean;
  readonly nowMs: number;
}

interface PlacementStep {
  readonly placement: Placement;
  readonly move?: Move;
  readonly pending?: string;
}

function stepPlacement({ present, move, wanted, isMoved, nowMs }: PlacementInput): PlacementStep {
  // A name stays when an address changes: no key moves, so it is done at once, also in the middle of a move.
  const placement = withAddressesOf(present.placement, wanted);
  if (move) {
    const readdressed = { ...move, from: withAddressesOf(move.from, wanted), to: withAddressesOf(move.to, wanted) };
    const isThere = isSame(readdressed.to, wanted);
    const blocked = "its placement changed while a move is under way; it is taken up when the move is done or aborted";
    return { placement, move: readdressed, ...(isThere ? {} : { pending: blocked }) };
  }
  if (isSame(placement, wanted)) return { placement: wanted };
  if (!isMoved || isSameLayout(placement, wanted)) return { placement: wanted };
  const started: Move = {
    pool: present.name,
    from: placement,
    to: wanted,
    doneBelow: 0,
    movingBelow: 0,
    windowSinceMs: nowMs,
  };
  return { placement, move: started };
}

/** Whether no key has another owner: all that differs is how servers are spoken to. */
function isSameLayout(a: Placement, b: Placement): boolean {
  if (a.kind !== b.kind || a.hash !== b.hash || a.servers.length !== b.servers.length) return false;
  return a.servers.every((server, i) => {
    const other = b.servers[i];
    if (!other || server.name !== other.name || server.weight !== other.weight) return false;
    // Other kinds hash the address.
    return a.kind === "slots" || serverAddress(server) === serverAddress(other);
  });
}

function withAddressesOf(placement: Placement, wanted: Placement): Placement {
  // Other kinds hash the address, so a new one moves keys.
  if (placement.kind !== "slots") return placement;
  const byName = new Map(wanted.servers.map((server) => [server.name, server]));
  const servers = placement.servers.map((server): ServerSpec => {
    const now = byName.get(server.name);
    if (!now || (now.host === server.host && now.port === server.port && now.tls === server.tls)) return server;
    return { ...server, host: now.host, port: now.port, tls: now.tls };
  });
  return { ...placement, servers };
}

function withJoined(before: AgreedState, draft: AgreedState, nowMs: number): AgreedState {
  const known = serversByAddress(before.cluster);
  const oldPools = new Set(before.cluster.config.pools.map((pool) => pool.name));
  const ejected: EjectedServer[] = [...draft.ejected];
  let lastEjectionMs = draft.lastEjectionMs;
  for (const [address, { pools }] of serversByAddress(draft.cluster)) {
    // One that serves already, in whatever pool, has keys that a flush would take from it.
    const isJoining = !known.has(address) && pools.every((pool) => oldPools.has(pool.name));
    if (!isJoining || ejected.some((entry) => entry.address === address)) continue;
    const sinceMs = ejectionTime({ ...draft, lastEjectionMs }, nowMs);
    lastEjectionMs = sinceMs;
    ejected.push({ address, stage: "cleaning", sinceMs, stageEpoch: before.cluster.epoch + 1, reason: "joined" });
  }
  return { ...draft, ejected, lastEjectionMs };
}
