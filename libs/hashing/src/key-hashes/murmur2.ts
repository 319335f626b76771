const MULTIPLIER = 0x5bd1e995;

/** MurmurHash2 seeded with 0xdeadbeef times the length, as libmemcached and twemproxy do; their `murmur`. */
export function murmur2(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let hash = Math.imul(0xdeadbeef, length) ^ length;
  const wordsEnd = start + (length & ~3);
  let i = start;
  for (; i < wordsEnd; i += 4) {
    let word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    word = Math.imul(word, MULTIPLIER);
    word = Math.imul(word ^ (word >>> 24), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  if (i < end) {
    let rest = bytes[i] as number;
    if (i + 1 < end) rest |= (bytes[i + 1] as number) << 8;
    if (i + 2 < end) rest |= (bytes[i + 2] as number) << 16;
    hash = Math.imul(hash ^ rest, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return (hash ^ (hash >>> 15)) >>> 0;
}
