/**
 * A 32-bit hash of `bytes[start, end)`: MurmurHash3 x86_32, whose top bits are as good as its low ones.
 *
 * @param seed Secret of the store, so that nobody can prepare keys that collide.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed;
  let at = start;
  for (const last = end - 3; at < last; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash ^= rotate(Math.imul(word, 0xcc9e2d51), 15, 0x1b873593);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let shift = 0; at < end; at++, shift += 8) tail |= bytes[at]! << shift;
  if (((end - start) & 3) !== 0) hash ^= rotate(Math.imul(tail, 0xcc9e2d51), 15, 0x1b873593);
  hash ^= end - start;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function rotate(word: number, bits: number, factor: number): number {
  return Math.imul((word << bits) | (word >>> (32 - bits)), factor);
}
