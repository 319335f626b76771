import { murmur3 } from "./murmur3.ts";

/**
 * Not 0 and not memcached's own 0xdeadbeef, so that the keys of one slot are spread evenly over the hash table inside a
 * memcached server, and over the proxies by clients such as pymemcache, that use the same function.
 */
const SEED = 0x6b616761;

/**
 * The hash all our own placements and key counts use: MurmurHash3 with a seed of its own. Allocates nothing.
 *
 * @param key The bytes `[start, end)` are the key; they must be in range.
 * @returns 0 to 2^32 - 1; any 16 or more of its bits are fit to be used alone.
 */
export function keySlotHash(key: Uint8Array, start: number, end: number): number {
  return murmur3(key, start, end, SEED);
}
