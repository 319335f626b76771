import fc from "fast-check";
import { expect, test } from "vitest";
import { BitReader } from "./bit-reader.ts";
import { BitWriter } from "./bit-writer.ts";

test.each([
  { wire: [0b1000_0000], value: 0, why: "one bit is zero" },
  { wire: [0b0100_0000], value: 1, why: "one leading zero, then one bit" },
  { wire: [0b0110_0000], value: 2, why: "the second code of that length" },
  { wire: [0b0010_0000], value: 3, why: "two leading zeros" },
  { wire: [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe], value: 2 ** 32 - 2, why: "31 leading zeros are the longest code" },
])("unsigned Exp-Golomb $value: $why", ({ wire, value }) => {
  const reader = new BitReader(Uint8Array.from(wire));
  expect(reader.ue()).toBe(value);
  expect(reader.isOverrun).toBe(false);
});

test("what is written is read, whatever the mix", () => {
  const field = fc.oneof(
    fc.integer({ min: 1, max: 32 }).chain((count) =>
      fc.record({
        kind: fc.constant("bits"),
        count: fc.constant(count),
        value: fc.integer({ min: 0, max: 2 ** count - 1 }),
      }),
    ),
    fc.record({ kind: fc.constant("ue"), count: fc.constant(0), value: fc.integer({ min: 0, max: 2 ** 32 - 2 }) }),
    fc.record({
      kind: fc.constant("se"),
      count: fc.constant(0),
      value: fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }),
    }),
  );
  fc.assert(
    fc.property(fc.array(field, { maxLength: 40 }), (fields) => {
      const writer = new BitWriter();
      for (const { kind, count, value } of fields) {
        if (kind === "bits") writer.bits(value, count);
        else if (kind === "ue") writer.ue(value);
        else writer.se(value);
      }
      const reader = new BitReader(writer.toBytes());
      for (const { kind, count, value } of fields) {
        const read = kind === "bits" ? reader.bits(count) : kind === "ue" ? reader.ue() : reader.se();
        expect(read).toBe(value);
      }
      expect(reader.positionBits).toBe(writer.positionBits);
      expect(reader.isOverrun).toBe(false);
    }),
  );
});

test("reading past the end yields zeros and says so", () => {
  const reader = new BitReader(Uint8Array.of(0xff));
  expect(reader.bits(9)).toBe(0);
  expect(reader.isOverrun).toBe(true);
  expect(reader.leftBits).toBe(0);
});

test("an Exp-Golomb code of 32 leading zeros is an overrun, not an endless loop", () => {
  const reader = new BitReader(new Uint8Array(100));
  expect(reader.ue()).toBe(0);
  expect(reader.isOverrun).toBe(true);
});

test("a range of bits is copied to any alignment", () => {
  const writer = new BitWriter();
  writer.bits(0b101, 3);
  writer.copy(Uint8Array.of(0b0001_1110, 0b1000_0000), 3, 9);
  expect([...writer.toBytes()]).toEqual([0b1011_1110, 0b1000_0000]);
  expect(writer.positionBits).toBe(9);
  expect(() => writer.copy(new Uint8Array(1), 0, 9)).toThrow(RangeError);
});

test("numbers that have no Exp-Golomb code are refused", () => {
  const writer = new BitWriter();
  for (const value of [-1, 1.5, 2 ** 32 - 1]) expect(() => writer.ue(value)).toThrow(RangeError);
});
