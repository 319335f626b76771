import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex } from "./hex.ts";

test("hex of any bytes reads back as the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(fromHex(toHex(bytes))).toEqual(bytes);
    }),
  );
});

test("captures may have spaces, lines and comments", () => {
  expect([...fromHex("03 FF # a header\n0a")]).toEqual([3, 255, 10]);
});

test.each(["0", "0g"])("%j is refused", (text) => {
  expect(() => fromHex(text)).toThrow(RangeError);
});
