import type { Cluster, Ejection, Placement, Pool, ServerSpec } from "./cluster.ts";

/**
 * The life of an ejected server.
 *
 * ```
 *  in use ──majority says down──▶ fencing ──all know──▶ down ──majority says up, it is empty──▶ rejoining ──all know──▶ in use
 *                                    ▲                                                           │
 *                                    └──────────────────majority says down───────────────────────┘
 *  joins a pool ──▶ cleaning ──all know, it is empty──▶ in use
 * ```
 *
 * `fencing` and `rejoining` are the same to the data path (`fenced`): neither the server nor the gutter pool is used.
 * They part the time in which some proxy may still use the server from that in which some proxy may use the gutter, on
 * both sides, so that no value is written to one while another proxy reads the other. Both are over as soon as all
 * proxies know, so that changes can wait for it: a server is emptied while it is `down`, when nobody uses it.
 */
export type EjectionStage = "fencing" | "down" | "rejoining" | "cleaning";

/** What the data path needs to know of a stage. */
const SEEN_STAGES = { fencing: "fenced", down: "down", rejoining: "fenced", cleaning: "cleaning" } as const;

/** A server that is not in use, by address: the pools that name it all do without it. */
export interface EjectedServer {
  readonly address: string;
  readonly stage: EjectionStage;
  /** When it was ejected; no two ejections of a cluster have the same time, and later ones have larger times. */
  readonly sinceMs: number;
  /** The epoch in which the stage began. */
  readonly stageEpoch: number;
  /** `joined`: it was added to a pool that had keys without it, and may hold old values. `hand`: stays until told. */
  readonly reason: "votes" | "joined" | "hand";
}

/** How often a server was ejected of late. */
export interface FlapCount {
  readonly address: string;
  readonly count: number;
  readonly lastMs: number;
}

/** A pool's placement that was asked for by the admin API; holds while the configuration stays as it was then. */
export interface PlacementOverride {
  readonly pool: string;
  /** Fingerprint of the configured placement at that time. */
  readonly basis: string;
  readonly placement: Placement;
}

/**
 * All that is agreed: the cluster that the data path sees, and what its next state is decided from. Any proxy can go on
 * from it, so a leader keeps nothing that matters for itself.
 */
export interface AgreedState {
  readonly cluster: Cluster;
  readonly ejected: readonly EjectedServer[];
  readonly flaps: readonly FlapCount[];
  readonly overrides: readonly PlacementOverride[];
  /** Pools whose move stands still. */
  readonly pausedMoves: readonly string[];
  /** Pools whose move is on its way back. */
  readonly abortedMoves: readonly string[];
  /** Pools whose keys have had other owners among servers that are still used: these may hold old values of them. */
  readonly rearranged: readonly string[];
  /** Time of the latest ejection; see {@link ejectionTime}. */
  readonly lastEjectionMs: number;
}

/** The state before anything is known. */
export const EMPTY_STATE: AgreedState = {
  cluster: { epoch: 0, config: { pools: [], routes: [] }, ejections: [], moves: [] },
  ejected: [],
  flaps: [],
  overrides: [],
  pausedMoves: [],
  abortedMoves: [],
  rearranged: [],
  lastEjectionMs: 0,
};

/** `host:port` of a server, with brackets round an IPv6 host. */
export function serverAddress({ host, port }: Pick<ServerSpec, "host" | "port">): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Every server that a pool uses or moves to, each address once. */
export function serversOfPool(cluster: Cluster, pool: Pool): ServerSpec[] {
  const move = cluster.moves.find((candidate) => candidate.pool === pool.name);
  const all = [...pool.placement.servers, ...(move ? [...move.from.servers, ...move.to.servers] : [])];
  const byAddress = new Map(all.map((server) => [serverAddress(server), server]));
  return [...byAddress.values()];
}

/** Every server of the cluster by address, with the pools that name it. */
export function serversByAddress(
  cluster: Cluster,
): Map<string, { readonly server: ServerSpec; readonly pools: Pool[] }> {
  const found = new Map<string, { readonly server: ServerSpec; readonly pools: Pool[] }>();
  for (const pool of cluster.config.pools) {
    for (const server of serversOfPool(cluster, pool)) {
      const address = serverAddress(server);
      const entry = found.get(address);
      if (entry) entry.pools.push(pool);
      else found.set(address, { server, pools: [pool] });
    }
  }
  return found;
}

/**
 * Makes a draft into the next state: drops what is about servers and pools that are gone, derives what the data path sees
 * of the ejections, and counts the epoch on.
 *
 * @returns `before` itself if the draft says the same.
 */
export function commit(before: AgreedState, draft: AgreedState): AgreedState {
  const servers = serversByAddress(draft.cluster);
  const moving = new Set(draft.cluster.moves.map((move) => move.pool));
  const pools = new Set(draft.cluster.config.pools.map((pool) => pool.name));
  const kept = {
    ejected: draft.ejected.filter(({ address }) => servers.has(address)),
    flaps: draft.flaps.filter(({ address }) => servers.has(address)),
    overrides: draft.overrides.filter(({ pool }) => pools.has(pool)),
    pausedMoves: draft.pausedMoves.filter((name) => moving.has(name)),
    abortedMoves: draft.abortedMoves.filter((name) => moving.has(name)),
    rearranged: draft.rearranged.filter((name) => pools.has(name)),
    lastEjectionMs: draft.lastEjectionMs,
  };
  const moves = draft.cluster.moves.filter(({ pool }) => pools.has(pool));
  const cluster = { ...draft.cluster, epoch: before.cluster.epoch, moves };
  const ejections = deriveEjections(cluster, kept.ejected);
  const same = { ...kept, cluster: { ...cluster, ejections } };
  if (isSame(same, before)) return before;
  return { ...same, cluster: { ...same.cluster, epoch: before.cluster.epoch + 1 } };
}

function deriveEjections(cluster: Cluster, ejected: readonly EjectedServer[]): Ejection[] {
  if (ejected.length === 0) return [];
  const byAddress = new Map(ejected.map((entry) => [entry.address, entry]));
  const ejections: Ejection[] = [];
  for (const pool of cluster.config.pools) {
    const told = new Set<string>();
    const move = cluster.moves.find((candidate) => candidate.pool === pool.name);
    for (const server of [...pool.placement.servers, ...(move?.from.servers ?? []), ...(move?.to.servers ?? [])]) {
      const entry = byAddress.get(serverAddress(server));
      if (!entry || told.has(server.name)) continue;
      told.add(server.name);
      const { sinceMs } = entry;
      ejections.push({ pool: pool.name, server: server.name, sinceMs, stage: SEEN_STAGES[entry.stage] });
    }
  }
  return ejections;
}

/**
 * Whether two values of plain data say the same; what is `undefined` counts as absent. Parts that both have in common
 * cost nothing, which is most of two states that follow each other.
 */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  }
  if (Array.isArray(b)) return false;
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key in one) if (!isSame(one[key], other[key])) return false;
  for (const key in other) if (other[key] !== undefined && one[key] === undefined) return false;
  return true;
}

/** A text that is the same for equal values whatever the order of their properties. */
export function fingerprint(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    const record = part as Record<string, unknown>;
    return Object.fromEntries(
      Object.keys(record)
        .sort()
        .map((key) => [key, record[key]]),
    );
  });
}

/** Time of a new ejection: now, but later than every one before, also when the clock went back. */
export function ejectionTime(state: AgreedState, nowMs: number): number {
  return Math.max(nowMs, state.lastEjectionMs + 1);
}
