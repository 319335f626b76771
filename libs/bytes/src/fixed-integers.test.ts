import fc from "fast-check";
import { expect, test } from "vitest";
import {
  readI24,
  readU16,
  readU24,
  readU32,
  readU64,
  writeU16,
  writeU24,
  writeU32,
  writeU64,
} from "./fixed-integers.ts";

test.each([
  { name: "16", sizeBytes: 2, max: 0xffff, read: readU16, write: writeU16 },
  { name: "24", sizeBytes: 3, max: 0xff_ffff, read: readU24, write: writeU24 },
  { name: "32", sizeBytes: 4, max: 0xffff_ffff, read: readU32, write: writeU32 },
  { name: "64", sizeBytes: 8, max: Number.MAX_SAFE_INTEGER, read: readU64, write: writeU64 },
])("$name bits are read as they were written, big-endian", ({ sizeBytes, max, read, write }) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max }), fc.integer({ min: 0, max: 5 }), (value, offset) => {
      const bytes = new Uint8Array(offset + sizeBytes);
      expect(write(bytes, offset, value)).toBe(offset + sizeBytes);
      expect(read(bytes, offset)).toBe(value);
      expect(bytes[offset]).toBe(Math.floor(value / 256 ** (sizeBytes - 1)));
    }),
  );
});

test("negative 24-bit numbers come back negative", () => {
  const bytes = new Uint8Array(3);
  for (const value of [-1, -(2 ** 23), 2 ** 23 - 1, 0]) {
    writeU24(bytes, 0, value);
    expect(readI24(bytes, 0)).toBe(value);
  }
});
