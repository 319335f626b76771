import { signedByte } from "./key-hash.ts";

/** Paul Hsieh's SuperFastHash, as twemproxy has it: 0 for no bytes, and the third byte of a rest of three is signed. */
export function hsieh(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  const wordsEnd = start + ((end - start) & ~3);
  let i = start;
  for (; i < wordsEnd; i += 4) {
    hash = (hash + pairAt(bytes, i)) | 0;
    hash = (hash << 16) ^ (pairAt(bytes, i + 2) << 11) ^ hash;
    hash = (hash + (hash >>> 11)) | 0;
  }
  switch (end - i) {
    case 3:
      hash = (hash + pairAt(bytes, i)) | 0;
      hash ^= hash << 16;
      hash ^= signedByte(bytes[i + 2] as number) << 18;
      hash = (hash + (hash >>> 11)) | 0;
      break;
    case 2:
      hash = (hash + pairAt(bytes, i)) | 0;
      hash ^= hash << 11;
      hash = (hash + (hash >>> 17)) | 0;
      break;
    case 1:
      hash = (hash + (bytes[i] as number)) | 0;
      hash ^= hash << 10;
      hash = (hash + (hash >>> 1)) | 0;
      break;
  }
  hash ^= hash << 3;
  hash = (hash + (hash >>> 5)) | 0;
  hash ^= hash << 4;
  hash = (hash + (hash >>> 17)) | 0;
  hash ^= hash << 25;
  return (hash + (hash >>> 6)) >>> 0;
}

function pairAt(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8);
}
