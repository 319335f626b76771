import type { Placement, ServerSpec } from "../cluster.ts";
import type { PlacementCache } from "./placement-cache.ts";

/**
 * Whether a key found at a server, as `lru_crawler metadump` lists them, is a leftover: something the server had from a
 * time when it owned the key, before another one did. It may be older than the owner's value, so it must be removed
 * before a move gives the key back to this server.
 *
 * The time for it is when a move exists and all proxies know it, but no slot has begun to move (`movingBelow` is 0): then
 * nobody reads or stores the key there.
 */
export function isLeftover(placements: PlacementCache, from: Placement, server: ServerSpec, key: Uint8Array): boolean {
  const owner = from.servers[placements.selectorOf(from).select(key, 0, key.length)];
  return owner?.host !== server.host || owner.port !== server.port;
}
