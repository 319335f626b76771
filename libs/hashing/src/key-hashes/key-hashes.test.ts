import { createHash } from "node:crypto";
import { crc32 as zlibCrc32 } from "node:zlib";
import { fromHex } from "@kagami/bytes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { crc16, crc32 } from "./crc.ts";
import { hsieh } from "./hsieh.ts";
import { TWEMPROXY_HASHES } from "./key-hash-names.ts";
import { keySlotHash } from "./key-slot-hash.ts";
import { md5FirstWord, md5Words } from "./md5.ts";
import { murmur3 } from "./murmur3.ts";

const hashes = { ...TWEMPROXY_HASHES, keySlotHash, murmur3: seeded(0), murmur3Seeded: seeded(0x9747b28c) };

/** Golden values of the other hashes come with the vectors of whole programs; see fleets/golden-vectors.test.ts. */
test.each([
  { text: "", seed: 0, hash: 0 },
  { text: "", seed: 1, hash: 0x514e28b7 },
  { text: "", seed: 0xffffffff, hash: 0x81f16f39 },
  { text: "test", seed: 0x9747b28c, hash: 0x704b81dc },
  { text: "Hello, world!", seed: 0x9747b28c, hash: 0x24884cba },
  { text: "The quick brown fox jumps over the lazy dog", seed: 0x9747b28c, hash: 0x2fa826cd },
])("murmur3 of '$text' with seed $seed is the published value", ({ text, seed, hash }) => {
  const bytes = new TextEncoder().encode(text);
  expect(murmur3(bytes, 0, bytes.length, seed)).toBe(hash);
});

test("the slot hash stays what it is, because stored data is found by it", () => {
  const bytes = new TextEncoder().encode("session:00112233445566778899aabbccddeeff");
  expect([0, 1, 2, 3, 7, 8, 40].map((length) => keySlotHash(bytes, 0, length))).toEqual([
    2563002756, 2903583226, 2717503010, 3199581105, 2034025801, 430789486, 4143801488,
  ]);
});

test.each([
  { text: "", digest: "d41d8cd98f00b204e9800998ecf8427e" },
  { text: "a", digest: "0cc175b9c0f1b6a831c399e269772661" },
  { text: "message digest", digest: "f96b697d7cb7938d525a2f31aaf161d0" },
  { text: "1234567890".repeat(8), digest: "57edf4a22be3c955ac49da2e2107b67a" },
])("md5 of '$text' is that of RFC 1321", ({ text, digest }) => {
  const bytes = new TextEncoder().encode(text);
  const view = new DataView(fromHex(digest).buffer);
  expect(md5Words(bytes, 0, bytes.length)).toEqual([0, 4, 8, 12].map((offset) => view.getUint32(offset, true)));
});

test("md5 is what OpenSSL makes of the same bytes, whatever their length", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (bytes, start) => {
      const from = Math.min(start, bytes.length);
      const digest = createHash("md5").update(bytes.subarray(from)).digest();
      const words = [0, 4, 8, 12].map((offset) => digest.readUInt32LE(offset));
      expect(md5Words(bytes, from, bytes.length)).toEqual(words);
      expect(md5FirstWord(bytes, from, bytes.length)).toBe(words[0]);
    }),
  );
});

test("crc32 is zlib's", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(crc32(bytes, 0, bytes.length)).toBe(zlibCrc32(bytes));
    }),
  );
});

test("crc16's lower half is the check value of XMODEM", () => {
  const bytes = new TextEncoder().encode("123456789");
  expect(crc16(bytes, 0, bytes.length) & 0xffff).toBe(0x31c3);
});

test("hsieh of nothing is 0", () => {
  expect(hsieh(new Uint8Array(4), 2, 2)).toBe(0);
});

test.each(Object.entries(hashes))("%s is 0 to 2^32 - 1 and depends on nothing around the key", (_name, hash) => {
  const around = fc.uint8Array({ maxLength: 9 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), around, around, (key, before, after) => {
      const value = hash(key, 0, key.length);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(2 ** 32);
      expect(Number.isInteger(value)).toBe(true);
      const surrounded = Uint8Array.of(...before, ...key, ...after);
      expect(hash(surrounded, before.length, before.length + key.length)).toBe(value);
    }),
  );
});

test("every bit of the slot hash changes for half of the changes of one bit of a key", () => {
  const key = new TextEncoder().encode("user:1234567");
  const flips = new Uint32Array(32);
  let trials = 0;
  for (let round = 0; round < 200; round++) {
    key[5] = 0x30 + (round % 10);
    key[6] = 0x30 + Math.floor(round / 10);
    const before = keySlotHash(key, 0, key.length);
    for (let bit = 0; bit < key.length * 8; bit++, trials++) {
      flip(key, bit);
      const change = before ^ keySlotHash(key, 0, key.length);
      flip(key, bit);
      for (let i = 0; i < 32; i++) flips[i] = (flips[i] as number) + ((change >>> i) & 1);
    }
  }
  // Standard deviation of a share of 19,200 fair coins: 0.36 %; five of them.
  for (const count of flips) expect(Math.abs(count / trials - 0.5)).toBeLessThan(0.018);
});

function flip(bytes: Uint8Array, bit: number): void {
  bytes[bit >>> 3] = (bytes[bit >>> 3] as number) ^ (1 << (bit & 7));
}

function seeded(seed: number) {
  return (bytes: Uint8Array, start: number, end: number) => murmur3(bytes, start, end, seed);
}
