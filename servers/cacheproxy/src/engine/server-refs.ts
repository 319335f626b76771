import type { Cluster, ServerSpec } from "./cluster.ts";
import type { ServerRef } from "./meta.ts";
import type { ServerAddress } from "./server-address.ts";

/** One server of a cluster, with what all pools that name it agree on. */
export interface ReachedServer {
  readonly address: ServerAddress;
  /** The shortest timeout of the pools that name it. */
  readonly timeoutMs: number;
}

/** All servers of a cluster, each address once, in the order in which they are named. */
export interface ServerRefs {
  readonly servers: readonly ReachedServer[];
  /** Position in `servers`. Throws RangeError for a server that the cluster does not name. */
  refOf(server: ServerSpec): ServerRef;
}

/** Numbers the servers of a cluster: of its pools, and of both ends of its moves. */
export function serverRefsOf(cluster: Cluster): ServerRefs {
  const servers: ReachedServer[] = [];
  const refs = new Map<string, ServerRef>();
  const timeouts = new Map(cluster.config.pools.map(({ name, options }) => [name, options.timeoutMs]));
  const add = (named: readonly ServerSpec[], timeoutMs: number): void => {
    for (const { host, port, tls } of named) {
      const key = addressKey({ host, port, tls });
      const known = refs.get(key);
      const other = known === undefined ? undefined : servers[known];
      if (known === undefined || !other) {
        refs.set(key, servers.length);
        servers.push({ address: { host, port, tls }, timeoutMs });
      } else if (timeoutMs < other.timeoutMs) {
        servers[known] = { ...other, timeoutMs };
      }
    }
  };
  for (const { placement, options } of cluster.config.pools) add(placement.servers, options.timeoutMs);
  for (const { pool, from, to } of cluster.moves) {
    const timeoutMs = timeouts.get(pool);
    if (timeoutMs === undefined) continue;
    add(from.servers, timeoutMs);
    add(to.servers, timeoutMs);
  }
  return {
    servers,
    refOf: (server) => {
      const ref = refs.get(addressKey(server));
      if (ref === undefined) throw new RangeError(`Server ${server.name} is not of this cluster`);
      return ref;
    },
  };
}

/** Tells servers apart as connections do. */
export function addressKey({ host, port, tls }: ServerAddress): string {
  return `${tls ? "tls" : "tcp"}:${host}:${port}`;
}
