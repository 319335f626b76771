import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Crc64 } from "./crc64.ts";
import { asciiBytes } from "./decimal.ts";
import { decompressLzf, LzfCompressor } from "./lzf.ts";

describe("CRC-64", () => {
  test("of the nine digits is what Redis's own test expects", () => {
    const crc = new Crc64();
    crc.update(asciiBytes("123456789"), 0, 9);
    expect([crc.high, crc.low]).toEqual([0xe9c6d914, 0xc4b8d9ca]);
  });

  test("is the same however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const [whole, pieces, single] = [new Crc64(), new Crc64(), new Crc64()];
        const at = Math.min(cut, bytes.length);
        whole.update(bytes, 0, bytes.length);
        pieces.update(bytes, 0, at);
        pieces.update(bytes, at, bytes.length);
        for (let i = 0; i < bytes.length; i++) single.update(bytes, i, i + 1);
        expect([pieces.low, pieces.high]).toEqual([whole.low, whole.high]);
        expect([single.low, single.high]).toEqual([whole.low, whole.high]);
      }),
    );
  });

  test("refuses to run past the bytes", () => {
    expect(() => new Crc64().update(new Uint8Array(3), 0, 4)).toThrow("only 3 given");
  });
});

describe("LZF", () => {
  const compressor = new LzfCompressor();
  const pieces = fc.array(fc.tuple(fc.uint8Array({ maxLength: 12 }), fc.nat(400)), { maxLength: 6 });

  test("what was compressed becomes itself again, in whatever order strings come", () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const input = new Uint8Array(Buffer.concat(parts.flatMap(([piece, count]) => Array(count).fill(piece))));
        const compressed = compressor.compress(input, input.length * 2 + 2)!;
        expect(decompressLzf(compressed, 0, compressed.length, input.length)).toEqual(input);
      }),
    );
  });

  test("the same string gives the same bytes, whatever was compressed before it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (input) => {
        const text = new Uint8Array([...input, ...input]);
        const used = compressor.compress(text, 2_000)!.slice();
        expect(used).toEqual(new LzfCompressor().compress(text, 2_000));
      }),
    );
  });

  test("a repeat from 8,192 bytes back is found, and one from farther is not taken", () => {
    const random = new Uint8Array(8_500).map((_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);
    for (const distance of [8_191, 8_192, 8_193]) {
      const input = new Uint8Array([...random.subarray(0, distance), ...random.subarray(0, 100)]);
      const compressed = compressor.compress(input, 20_000)!;
      expect(decompressLzf(compressed, 0, compressed.length, input.length)).toEqual(input);
    }
  });

  test("nothing is returned if it would not be smaller than asked", () => {
    expect(compressor.compress(asciiBytes("abcdefghijklmnopqrstuvwxyz"), 22)).toBeUndefined();
    expect(compressor.compress(new Uint8Array(1_000), 20)?.length).toBeLessThanOrEqual(20);
  });

  test.each([
    { bytes: [0x05, 1], size: 6, why: "literals that are not there" },
    { bytes: [0x00, 65, 0x20, 1], size: 4, why: "a copy from before the beginning" },
    { bytes: [0x00, 65, 0xe0, 0], size: 10, why: "a long copy without its distance" },
    { bytes: [0x00, 65, 0xe0], size: 10, why: "a long copy without its length" },
    { bytes: [0x00, 65, 0x20, 0], size: 3, why: "more than was announced" },
    { bytes: [0x00, 65], size: 2, why: "less than was announced" },
    { bytes: [0x00, 65], size: 0x4000_0000, why: "a size that two bytes cannot become" },
  ])("$why is refused", ({ bytes, size }) => {
    expect(decompressLzf(new Uint8Array(bytes), 0, bytes.length, size)).toBeUndefined();
  });

  test("any bytes are refused or become just as many as announced", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(2_000), (bytes, size) => {
        const out = decompressLzf(bytes, 0, bytes.length, size);
        expect(out === undefined || out.length === size).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
