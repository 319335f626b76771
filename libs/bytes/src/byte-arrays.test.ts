import { expect, test } from "vitest";
import { concatBytes, equalBytes } from "./byte-arrays.ts";

test("parts are joined in order, empty ones too", () => {
  expect([...concatBytes([Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)])]).toEqual([1, 2, 3]);
  expect(concatBytes([]).length).toBe(0);
});

test.each([
  { a: [], b: [], isEqual: true, why: "nothing is nothing" },
  { a: [1, 2], b: [1, 2], isEqual: true, why: "the same bytes" },
  { a: [1, 2], b: [1, 3], isEqual: false, why: "the last differs" },
  { a: [1, 2], b: [1, 2, 3], isEqual: false, why: "one is longer" },
])("equality is $isEqual: $why", ({ a, b, isEqual }) => {
  expect(equalBytes(Uint8Array.from(a), Uint8Array.from(b))).toBe(isEqual);
});
