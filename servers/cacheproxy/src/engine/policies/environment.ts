import type { ServerSpec } from "../cluster.ts";
import type { MetaReply, ServerRef } from "../meta.ts";
import type { PlacementCache } from "./placement-cache.ts";

/** What policies need of the worker they run in. They keep no clock and no randomness of their own. */
export interface PolicyEnvironment {
  /** Position of a server, of any pool and placement, in the list of all servers of the cluster in use. */
  refOf(server: ServerSpec): ServerRef;
  /** Unix time in milliseconds. May jump. */
  nowMs(): number;
  /** From 0 (included) to 1 (excluded). */
  random(): number;
  /** Kept through the epochs: a slot table takes up to 0.2 s to be built anew. */
  readonly placements: PlacementCache;
}

/** What a client is told, once. */
export type Done = (reply: MetaReply) => void;
