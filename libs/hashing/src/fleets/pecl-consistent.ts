import { HashRing, type RingPoints } from "../hash-ring.ts";
import type { KeyHash } from "../key-hashes/key-hash.ts";
import type { Selector } from "../selector.ts";
import type { RingServer } from "./ketama.ts";

const POINTS_PER_WEIGHT = 160;
const BUCKET_COUNT = 1_024;

/**
 * The PHP extension memcache with `memcache.hash_strategy=consistent`: a ring, sampled at 1,024 places evenly apart; a
 * key takes the server of the sample that its hash modulo 1,024 names. Hence shares are multiples of 1/1,024.
 */
export function peclConsistent(servers: readonly RingServer[], hash: KeyHash): Selector {
  const encoder = new TextEncoder();
  const ring: RingPoints = { points: [], owners: [] };
  for (const [position, { ringName, weight }] of servers.entries()) {
    for (let k = 0; k < weight * POINTS_PER_WEIGHT; k++) {
      const text = encoder.encode(`${ringName}-${k}`);
      ring.points.push(hash(text, 0, text.length));
      ring.owners.push(position);
    }
  }
  const circle = new HashRing(servers.length, hash, ring);
  const bucketWidth = Math.floor(0xffff_ffff / BUCKET_COUNT);
  const buckets = Uint16Array.from({ length: BUCKET_COUNT }, (_, bucket) => circle.ownerOf(bucket * bucketWidth));
  return {
    nodeCount: servers.length,
    select: (key, start, end) => buckets[hash(key, start, end) % BUCKET_COUNT] as number,
  };
}
