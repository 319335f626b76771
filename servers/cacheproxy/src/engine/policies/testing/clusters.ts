import type { Cluster, Ejection, Move, Placement, Pool, PoolOptions, ServerSpec } from "../../cluster.ts";

/** A server of a simulation: its port is its position there. */
function server(index: number): ServerSpec {
  return { name: `s${index}`, host: "10.0.0.1", port: index, weight: 1, tls: false };
}

/** A slot table, or another kind, of servers of a simulation. */
export function placement(indexes: readonly number[], kind: Placement["kind"] = "slots"): Placement {
  return { kind, servers: indexes.map(server) };
}

const POOL_OPTIONS: PoolOptions = { timeoutMs: 500, failureLimit: 3, recoveryLimit: 3 };

export function pool(name: string, placed: Placement, options: Partial<PoolOptions> = {}): Pool {
  return { name, placement: placed, options: { ...POOL_OPTIONS, ...options } };
}

export function cluster(
  epoch: number,
  pools: readonly Pool[],
  state: { ejections?: readonly Ejection[]; moves?: readonly Move[] } = {},
): Cluster {
  const routes = [{ prefix: "", pool: pools[0]?.name ?? "" }];
  return { epoch, config: { pools, routes }, ejections: state.ejections ?? [], moves: state.moves ?? [] };
}
