/**
 * MurmurHash3, the x86 32-bit variant (Austin Appleby's MurmurHash3.cpp).
 *
 * @param seed Any 32-bit integer; other seeds give unrelated hashes.
 * @returns 0 to 2^32 - 1.
 */
export function murmur3(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed;
  const wordsEnd = start + ((end - start) & ~3);
  let i = start;
  for (; i < wordsEnd; i += 4) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    const mixed = Math.imul(word, 0xcc9e2d51);
    hash ^= Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  if (i < end) {
    let word = bytes[i] as number;
    if (i + 1 < end) word |= (bytes[i + 1] as number) << 8;
    if (i + 2 < end) word |= (bytes[i + 2] as number) << 16;
    const mixed = Math.imul(word, 0xcc9e2d51);
    hash ^= Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
  }
  return mix32(hash ^ (end - start)) >>> 0;
}

/** Murmur's finalizer: a permutation of the 32-bit integers in which every bit depends on every other. */
export function mix32(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
