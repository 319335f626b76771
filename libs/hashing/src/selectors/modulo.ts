import { checkNodes } from "../check-nodes.ts";
import type { KeyHash } from "../key-hashes/key-hash.ts";
import { keySlotHash } from "../key-hashes/key-slot-hash.ts";
import type { HashNode, Selector } from "../selector.ts";

const NODE_LIMITS = { maxNodes: 65_536, weighted: true } as const;

/**
 * Modulo: the key's hash modulo the number of places, where a node has as many places in a row as it weighs.
 *
 * The oldest way, and the best spread there is: what differs is luck alone. But the number of places is in every
 * answer, so of n nodes adding or removing any one moves all but about 1/n of the keys, where 1/n would do. For fleets
 * that never change, or whose cache may be lost as a whole. Cost: a division; 2 bytes for each unit of weight.
 */
export function modulo(nodes: readonly HashNode[]): Selector {
  checkNodes(nodes, NODE_LIMITS);
  return moduloOf(
    nodes.map(({ weight }) => weight),
    keySlotHash,
  );
}

/** Modulo with another key hash. */
export function moduloOf(weights: readonly number[], keyHash: KeyHash): Selector {
  const places = Uint16Array.from(weights.flatMap((weight, position) => new Array<number>(weight).fill(position)));
  const placeCount = places.length;
  return {
    nodeCount: weights.length,
    select: (key, start, end) => places[(keyHash(key, start, end) >>> 0) % placeCount] as number,
  };
}
