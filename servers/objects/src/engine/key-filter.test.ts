import { createRandom } from "@kagami/clock";
import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyFilter } from "./key-filter.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

test("what was added is never denied", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(u32, u32)), (keys) => {
      const filter = new KeyFilter();
      for (const [a, b] of keys) filter.add(a, b);
      expect(keys.every(([a, b]) => filter.mayHave(a, b))).toBe(true);
    }),
  );
});

test("few of the keys that were not added are taken for one, and memory stays in proportion", () => {
  const random = createRandom(1);
  const filter = new KeyFilter();
  const count = 100_000;
  expect(filter.mayHave(1, 2)).toBe(false);
  for (let i = 0; i < count; i++) filter.add(random.nextU32(), random.nextU32());
  let falseCount = 0;
  for (let i = 0; i < count; i++) if (filter.mayHave(random.nextU32(), random.nextU32())) falseCount++;
  expect(falseCount).toBeLessThan(0.05 * count);
  expect(filter.sizeBytes).toBeLessThan((2.5 * count * 10) / 8);
});
