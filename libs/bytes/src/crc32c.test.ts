import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c } from "./crc32c.ts";
import { fromHex } from "./hex.ts";

test.each([
  { bytes: "", crc: 0, why: "nothing changes nothing" },
  { bytes: "313233343536373839", crc: 0xe306_9283, why: "the check value of the catalogues" },
  { bytes: "00".repeat(32), crc: 0x8a91_36aa, why: "RFC 3720 appendix B.4, zeros" },
  { bytes: "ff".repeat(32), crc: 0x62a8_ab43, why: "RFC 3720 appendix B.4, ones" },
  {
    bytes: Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, "0")).join(""),
    crc: 0x46dd_794e,
    why: "RFC 3720 appendix B.4, incrementing",
  },
])("the checksum of $bytes is $crc: $why", ({ bytes, crc }) => {
  const given = fromHex(bytes);
  expect(crc32c(given, 0, given.length)).toBe(crc);
});

/** One bit at a time, as the definition says. */
function plainCrc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("any bytes, whole or cut in two anywhere, have the checksum of the definition", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
      const middle = Math.min(cut, bytes.length);
      const whole = plainCrc32c(bytes);
      expect(crc32c(bytes, 0, bytes.length)).toBe(whole);
      expect(crc32c(bytes, middle, bytes.length, crc32c(bytes, 0, middle))).toBe(whole);
    }),
  );
});

test.each([
  { start: 0, end: 5 },
  { start: -1, end: 2 },
])("a range beyond the bytes is refused: $start to $end", ({ start, end }) => {
  expect(() => crc32c(new Uint8Array(4), start, end)).toThrow(RangeError);
});
