/*
 * MD5 (RFC 1321), for placements only: it has long been broken as a cryptographic hash. Our own, because for a short
 * key the way into OpenSSL and back costs several times the hash. Written out step by step, because with indices and constants
 * out of tables it takes more than twice as long.
 */
const block = new Int32Array(16);
const digest = new Int32Array(4);
/** a, b, c and d of RFC 1321 §3.4, between the rounds. */
const state = new Int32Array(4);

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
  let word = 0;
  for (; end - i >= 4; i += 4) block[word++] = wordAt(bytes, i);
  let rest = 0x80 << (8 * (end - i));
  for (let k = 0; k < end - i; k++) rest |= (bytes[i + k] as number) << (8 * k);
  block[word++] = rest;
  if (word > 14) {
    for (; word < 16; word++) block[word] = 0;
    compress();
    word = 0;
  }
  for (; word < 14; word++) block[word] = 0;
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
  for (let i = 0; i < 4; i++) state[i] = digest[i] as number;
  roundOne();
  roundTwo();
  roundThree();
  roundFour();
  for (let i = 0; i < 4; i++) digest[i] = (digest[i] as number) + (state[i] as number);
}

function roundOne(): void {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  a = (rotated((a + (d ^ (b & (c ^ d))) + (block[0] as number) - 0x28955b88) | 0, 7) + b) | 0;
  d = (rotated((d + (c ^ (a & (b ^ c))) + (block[1] as number) - 0x173848aa) | 0, 12) + a) | 0;
  c = (rotated((c + (b ^ (d & (a ^ b))) + (block[2] as number) + 0x242070db) | 0, 17) + d) | 0;
  b = (rotated((b + (a ^ (c & (d ^ a))) + (block[3] as number) - 0x3e423112) | 0, 22) + c) | 0;
  a = (rotated((a + (d ^ (b & (c ^ d))) + (block[4] as number) - 0x0a83f051) | 0, 7) + b) | 0;
  d = (rotated((d + (c ^ (a & (b ^ c))) + (block[5] as number) + 0x4787c62a) | 0, 12) + a) | 0;
  c = (rotated((c + (b ^ (d & (a ^ b))) + (block[6] as number) - 0x57cfb9ed) | 0, 17) + d) | 0;
  b = (rotated((b + (a ^ (c & (d ^ a))) + (block[7] as number) - 0x02b96aff) | 0, 22) + c) | 0;
  a = (rotated((a + (d ^ (b & (c ^ d))) + (block[8] as number) + 0x698098d8) | 0, 7) + b) | 0;
  d = (rotated((d + (c ^ (a & (b ^ c))) + (block[9] as number) - 0x74bb0851) | 0, 12) + a) | 0;
  c = (rotated((c + (b ^ (d & (a ^ b))) + (block[10] as number) - 0x0000a44f) | 0, 17) + d) | 0;
  b = (rotated((b + (a ^ (c & (d ^ a))) + (block[11] as number) - 0x76a32842) | 0, 22) + c) | 0;
  a = (rotated((a + (d ^ (b & (c ^ d))) + (block[12] as number) + 0x6b901122) | 0, 7) + b) | 0;
  d = (rotated((d + (c ^ (a & (b ^ c))) + (block[13] as number) - 0x02678e6d) | 0, 12) + a) | 0;
  c = (rotated((c + (b ^ (d & (a ^ b))) + (block[14] as number) - 0x5986bc72) | 0, 17) + d) | 0;
  b = (rotated((b + (a ^ (c & (d ^ a))) + (block[15] as number) + 0x49b40821) | 0, 22) + c) | 0;
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

function roundTwo(): void {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  a = (rotated((a + (c ^ (d & (b ^ c))) + (block[1] as number) - 0x09e1da9e) | 0, 5) + b) | 0;
  d = (rotated((d + (b ^ (c & (a ^ b))) + (block[6] as number) - 0x3fbf4cc0) | 0, 9) + a) | 0;
  c = (rotated((c + (a ^ (b & (d ^ a))) + (block[11] as number) + 0x265e5a51) | 0, 14) + d) | 0;
  b = (rotated((b + (d ^ (a & (c ^ d))) + (block[0] as number) - 0x16493856) | 0, 20) + c) | 0;
  a = (rotated((a + (c ^ (d & (b ^ c))) + (block[5] as number) - 0x29d0efa3) | 0, 5) + b) | 0;
  d = (rotated((d + (b ^ (c & (a ^ b))) + (block[10] as number) + 0x02441453) | 0, 9) + a) | 0;
  c = (rotated((c + (a ^ (b & (d ^ a))) + (block[15] as number) - 0x275e197f) | 0, 14) + d) | 0;
  b = (rotated((b + (d ^ (a & (c ^ d))) + (block[4] as number) - 0x182c0438) | 0, 20) + c) | 0;
  a = (rotated((a + (c ^ (d & (b ^ c))) + (block[9] as number) + 0x21e1cde6) | 0, 5) + b) | 0;
  d = (rotated((d + (b ^ (c & (a ^ b))) + (block[14] as number) - 0x3cc8f82a) | 0, 9) + a) | 0;
  c = (rotated((c + (a ^ (b & (d ^ a))) + (block[3] as number) - 0x0b2af279) | 0, 14) + d) | 0;
  b = (rotated((b + (d ^ (a & (c ^ d))) + (block[8] as number) + 0x455a14ed) | 0, 20) + c) | 0;
  a = (rotated((a + (c ^ (d & (b ^ c))) + (block[13] as number) - 0x561c16fb) | 0, 5) + b) | 0;
  d = (rotated((d + (b ^ (c & (a ^ b))) + (block[2] as number) - 0x03105c08) | 0, 9) + a) | 0;
  c = (rotated((c + (a ^ (b & (d ^ a))) + (block[7] as number) + 0x676f02d9) | 0, 14) + d) | 0;
  b = (rotated((b + (d ^ (a & (c ^ d))) + (block[12] as number) - 0x72d5b376) | 0, 20) + c) | 0;
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

function roundThree(): void {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  a = (rotated((a + (b ^ c ^ d) + (block[5] as number) - 0x0005c6be) | 0, 4) + b) | 0;
  d = (rotated((d + (a ^ b ^ c) + (block[8] as number) - 0x788e097f) | 0, 11) + a) | 0;
  c = (rotated((c + (d ^ a ^ b) + (block[11] as number) + 0x6d9d6122) | 0, 16) + d) | 0;
  b = (rotated((b + (c ^ d ^ a) + (block[14] as number) - 0x021ac7f4) | 0, 23) + c) | 0;
  a = (rotated((a + (b ^ c ^ d) + (block[1] as number) - 0x5b4115bc) | 0, 4) + b) | 0;
  d = (rotated((d + (a ^ b ^ c) + (block[4] as number) + 0x4bdecfa9) | 0, 11) + a) | 0;
  c = (rotated((c + (d ^ a ^ b) + (block[7] as number) - 0x0944b4a0) | 0, 16) + d) | 0;
  b = (rotated((b + (c ^ d ^ a) + (block[10] as number) - 0x41404390) | 0, 23) + c) | 0;
  a = (rotated((a + (b ^ c ^ d) + (block[13] as number) + 0x289b7ec6) | 0, 4) + b) | 0;
  d = (rotated((d + (a ^ b ^ c) + (block[0] as number) - 0x155ed806) | 0, 11) + a) | 0;
  c = (rotated((c + (d ^ a ^ b) + (block[3] as number) - 0x2b10cf7b) | 0, 16) + d) | 0;
  b = (rotated((b + (c ^ d ^ a) + (block[6] as number) + 0x04881d05) | 0, 23) + c) | 0;
  a = (rotated((a + (b ^ c ^ d) + (block[9] as number) - 0x262b2fc7) | 0, 4) + b) | 0;
  d = (rotated((d + (a ^ b ^ c) + (block[12] as number) - 0x1924661b) | 0, 11) + a) | 0;
  c = (rotated((c + (d ^ a ^ b) + (block[15] as number) + 0x1fa27cf8) | 0, 16) + d) | 0;
  b = (rotated((b + (c ^ d ^ a) + (block[2] as number) - 0x3b53a99b) | 0, 23) + c) | 0;
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

function roundFour(): void {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  a = (rotated((a + (c ^ (b | ~d)) + (block[0] as number) - 0x0bd6ddbc) | 0, 6) + b) | 0;
  d = (rotated((d + (b ^ (a | ~c)) + (block[7] as number) + 0x432aff97) | 0, 10) + a) | 0;
  c = (rotated((c + (a ^ (d | ~b)) + (block[14] as number) - 0x546bdc59) | 0, 15) + d) | 0;
  b = (rotated((b + (d ^ (c | ~a)) + (block[5] as number) - 0x036c5fc7) | 0, 21) + c) | 0;
  a = (rotated((a + (c ^ (b | ~d)) + (block[12] as number) + 0x655b59c3) | 0, 6) + b) | 0;
  d = (rotated((d + (b ^ (a | ~c)) + (block[3] as number) - 0x70f3336e) | 0, 10) + a) | 0;
  c = (rotated((c + (a ^ (d | ~b)) + (block[10] as number) - 0x00100b83) | 0, 15) + d) | 0;
  b = (rotated((b + (d ^ (c | ~a)) + (block[1] as number) - 0x7a7ba22f) | 0, 21) + c) | 0;
  a = (rotated((a + (c ^ (b | ~d)) + (block[8] as number) + 0x6fa87e4f) | 0, 6) + b) | 0;
  d = (rotated((d + (b ^ (a | ~c)) + (block[15] as number) - 0x01d31920) | 0, 10) + a) | 0;
  c = (rotated((c + (a ^ (d | ~b)) + (block[6] as number) - 0x5cfebcec) | 0, 15) + d) | 0;
  b = (rotated((b + (d ^ (c | ~a)) + (block[13] as number) + 0x4e0811a1) | 0, 21) + c) | 0;
  a = (rotated((a + (c ^ (b | ~d)) + (block[4] as number) - 0x08ac817e) | 0, 6) + b) | 0;
  d = (rotated((d + (b ^ (a | ~c)) + (block[11] as number) - 0x42c50dcb) | 0, 10) + a) | 0;
  c = (rotated((c + (a ^ (d | ~b)) + (block[2] as number) + 0x2ad7d2bb) | 0, 15) + d) | 0;
  b = (rotated((b + (d ^ (c | ~a)) + (block[9] as number) - 0x14792c6f) | 0, 21) + c) | 0;
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

/** So small that all 16 of a round are inlined. */
function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
