import type { PlacementKind } from "@kagami/hashing";

/** One memcached server. */
export interface ServerSpec {
  /** Tells servers of a pool apart and, for the slot table, is what is hashed: it stays when the address changes. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** 1 to 1,000. */
  readonly weight: number;
  readonly tls: boolean;
}

/** One layout: servers, and what chooses among them. Two of them make a move. */
export interface Placement {
  readonly kind: PlacementKind;
  /** Key hash of the kinds that can be told one (twemproxy), by its name there, such as `fnv1a_64`. */
  readonly hash?: string;
  readonly servers: readonly ServerSpec[];
}

/** How a pool behaves. The limits are per worker. */
export interface PoolOptions {
  /** An answer that takes longer fails the request and counts against the server. */
  readonly timeoutMs: number;
  /** Where keys of an ejected server live meanwhile, and for how long at most; without it they are misses. */
  readonly gutter?: { readonly pool: string; readonly ttlSec: number };
  /** Keys asked for more often than this in a second are read from the first `replicas` servers of their slot. */
  readonly hotKeys?: { readonly perSecond: number; readonly replicas: number };
  /** Share of the keys, 0 to 1, whose requests are also sent to another pool, whose replies are dropped. */
  readonly shadow?: { readonly pool: string; readonly fraction: number };
  /** Values longer than this are stored in pieces of this size. */
  readonly bigValueBytes?: number;
  /** After so many failed probes or requests in a row a server is voted out, and after so many good ones in again. */
  readonly failureLimit: number;
  readonly recoveryLimit: number;
}

export interface Pool {
  /** Letters, digits, `-` and `_`; at most 64. */
  readonly name: string;
  readonly placement: Placement;
  readonly options: PoolOptions;
}

/** Keys that begin with `prefix` belong to `pool`; the longest prefix wins, the empty one catches the rest. */
export interface Route {
  readonly prefix: string;
  readonly pool: string;
}

/** What operators write: pools and routes. */
export interface ClusterConfig {
  readonly pools: readonly Pool[];
  readonly routes: readonly Route[];
}

/** A server that gets no requests. */
export interface Ejection {
  readonly pool: string;
  readonly server: string;
  readonly sinceMs: number;
  /**
   * `fenced`: not all proxies know yet that it is given up, or that it is about to rejoin; over soon. `down`: all know that
   * it is given up. `cleaning`: it is new to the pool, and is emptied.
   */
  readonly stage: "fenced" | "down" | "cleaning";
}

/**
 * A pool on its way from one placement to another, slot by slot of our table (of the key's slot hash, whatever the
 * placements are): slots below `doneBelow` belong to `to`, those below `movingBelow` are moving, the others belong to
 * `from`. Two numbers, so that a move survives any restart.
 */
export interface Move {
  readonly pool: string;
  readonly from: Placement;
  readonly to: Placement;
  /** 0 to 65,536. */
  readonly doneBelow: number;
  readonly movingBelow: number;
  /** When the window between the two began to move. */
  readonly windowSinceMs: number;
}

/** All that proxies agree on. Replaced as a whole; a larger epoch replaces a smaller one, never the other way. */
export interface Cluster {
  readonly epoch: number;
  readonly config: ClusterConfig;
  readonly ejections: readonly Ejection[];
  readonly moves: readonly Move[];
}
