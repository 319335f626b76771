import type { KeyHash } from "../key-hashes/key-hash.ts";
import type { Selector } from "../selector.ts";

/**
 * Hash modulo the number of places, where every server has as many places in a row as it weighs. libmemcached's default
 * knows no weights: give it 1 for all.
 */
export function modula(weights: readonly number[], keyHash: KeyHash): Selector {
  const places = Uint16Array.from(weights.flatMap((weight, position) => new Array<number>(weight).fill(position)));
  const placeCount = places.length;
  return {
    nodeCount: weights.length,
    select: (key, start, end) => places[(keyHash(key, start, end) >>> 0) % placeCount] as number,
  };
}
