import { signedByte } from "./key-hash.ts";

/** Bob Jenkins' one-at-a-time hash, of signed bytes as libmemcached and twemproxy have it. */
export function oneAtATime(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) {
    hash = (hash + signedByte(bytes[i] as number)) | 0;
    hash = (hash + (hash << 10)) | 0;
    hash ^= hash >>> 6;
  }
  hash = (hash + (hash << 3)) | 0;
  hash ^= hash >>> 11;
  return (hash + (hash << 15)) >>> 0;
}

const INITIAL = 0xdeadbeef + 13; // libmemcached and twemproxy both seed it with 13

/** Bob Jenkins' lookup3 (`hashlittle`), seeded with 13 as libmemcached and twemproxy do. */
export function jenkins(bytes: Uint8Array, start: number, end: number): number {
  let a = (INITIAL + (end - start)) | 0;
  let b = a;
  let c = a;
  let i = start;
  for (; end - i > 12; i += 12) {
    a = (a + wordAt(bytes, i, end)) | 0;
    b = (b + wordAt(bytes, i + 4, end)) | 0;
    c = (c + wordAt(bytes, i + 8, end)) | 0;
    a = ((a - c) ^ rotated(c, 4)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotated(a, 6)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotated(b, 8)) | 0;
    b = (b + a) | 0;
    a = ((a - c) ^ rotated(c, 16)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotated(a, 19)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotated(b, 4)) | 0;
    b = (b + a) | 0;
  }
  if (i === end) return c >>> 0;
  a = (a + wordAt(bytes, i, end)) | 0;
  b = (b + wordAt(bytes, i + 4, end)) | 0;
  c = (c + wordAt(bytes, i + 8, end)) | 0;
  c = ((c ^ b) - rotated(b, 14)) | 0;
  a = ((a ^ c) - rotated(c, 11)) | 0;
  b = ((b ^ a) - rotated(a, 25)) | 0;
  c = ((c ^ b) - rotated(b, 16)) | 0;
  a = ((a ^ c) - rotated(c, 4)) | 0;
  b = ((b ^ a) - rotated(a, 14)) | 0;
  c = ((c ^ b) - rotated(b, 24)) | 0;
  return c >>> 0;
}

/** Little-endian; what lies at `end` or beyond counts as 0. */
function wordAt(bytes: Uint8Array, offset: number, end: number): number {
  if (offset + 4 <= end) {
    return (
      (bytes[offset] as number) |
      ((bytes[offset + 1] as number) << 8) |
      ((bytes[offset + 2] as number) << 16) |
      ((bytes[offset + 3] as number) << 24)
    );
  }
  let word = 0;
  for (let i = offset; i < end; i++) word |= (bytes[i] as number) << (8 * (i - offset));
  return word;
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
