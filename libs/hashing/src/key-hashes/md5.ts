/*
 * MD5 (RFC 1321), for placements only: it has long been broken as a cryptographic hash. Our own, because for a short
 * key the way into OpenSSL and back costs several times the hash.
 */
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));
const block = new Int32Array(16);
const digest = new Int32Array(4);

/** The first four bytes of the MD5 of `bytes[start, end)` as a little-endian integer: the ketama key hash. */
export function md5FirstWord(bytes: Uint8Array, start: number, end: number): number {
  hashInto(bytes, start, end);
  return (digest[0] as number) >>> 0;
}

/** The MD5 of `bytes[start, end)` as four little-endian integers, 0 to 2^32 - 1. */
export function md5Words(bytes: Uint8Array, start: number, end: number): [number, number, number, number] {
  hashInto(bytes, start, end);
  const [a, b, c, d] = Uint32Array.from(digest);
  return [a as number, b as number, c as number, d as number];
}

function hashInto(bytes: Uint8Array, start: number, end: number): void {
  digest[0] = 0x67452301;
  digest[1] = 0xefcdab89;
  digest[2] = 0x98badcfe;
  digest[3] = 0x10325476;
  let i = start;
  for (; end - i >= 64; i += 64) {
    for (let word = 0; word < 16; word++) block[word] = wordAt(bytes, i + 4 * word);
    compress();
  }
  block.fill(0);
  let word = 0;
  for (; end - i >= 4; i += 4) block[word++] = wordAt(bytes, i);
  let rest = 0x80 << (8 * (end - i));
  for (let k = 0; k < end - i; k++) rest |= (bytes[i + k] as number) << (8 * k);
  block[word] = rest;
  if (word >= 14) {
    compress();
    block.fill(0);
  }
  block[14] = (end - start) << 3;
  block[15] = (end - start) >>> 29;
  compress();
}

function wordAt(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] as number) |
    ((bytes[offset + 1] as number) << 8) |
    ((bytes[offset + 2] as number) << 16) |
    ((bytes[offset + 3] as number) << 24)
  );
}

function compress(): void {
  let a = digest[0] as number;
  let b = digest[1] as number;
  let c = digest[2] as number;
  let d = digest[3] as number;
  for (let i = 0; i < 16; i += 4) {
    a = step(a, b, (b & c) | (~b & d), i, i, 7);
    d = step(d, a, (a & b) | (~a & c), i + 1, i + 1, 12);
    c = step(c, d, (d & a) | (~d & b), i + 2, i + 2, 17);
    b = step(b, c, (c & d) | (~c & a), i + 3, i + 3, 22);
  }
  for (let i = 16; i < 32; i += 4) {
    a = step(a, b, (d & b) | (~d & c), (5 * i + 1) & 15, i, 5);
    d = step(d, a, (c & a) | (~c & b), (5 * i + 6) & 15, i + 1, 9);
    c = step(c, d, (b & d) | (~b & a), (5 * i + 11) & 15, i + 2, 14);
    b = step(b, c, (a & c) | (~a & d), (5 * i) & 15, i + 3, 20);
  }
  for (let i = 32; i < 48; i += 4) {
    a = step(a, b, b ^ c ^ d, (3 * i + 5) & 15, i, 4);
    d = step(d, a, a ^ b ^ c, (3 * i + 8) & 15, i + 1, 11);
    c = step(c, d, d ^ a ^ b, (3 * i + 11) & 15, i + 2, 16);
    b = step(b, c, c ^ d ^ a, (3 * i + 14) & 15, i + 3, 23);
  }
  for (let i = 48; i < 64; i += 4) {
    a = step(a, b, c ^ (b | ~d), (7 * i) & 15, i, 6);
    d = step(d, a, b ^ (a | ~c), (7 * i + 7) & 15, i + 1, 10);
    c = step(c, d, a ^ (d | ~b), (7 * i + 14) & 15, i + 2, 15);
    b = step(b, c, d ^ (c | ~a), (7 * i + 5) & 15, i + 3, 21);
  }
  digest[0] = (digest[0] as number) + a;
  digest[1] = (digest[1] as number) + b;
  digest[2] = (digest[2] as number) + c;
  digest[3] = (digest[3] as number) + d;
}

function step(value: number, next: number, mixed: number, word: number, sine: number, bits: number): number {
  const sum = (value + mixed + (block[word] as number) + (SINES[sine] as number)) | 0;
  return (next + ((sum << bits) | (sum >>> (32 - bits)))) | 0;
}
