import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom, seeds } from "./random.ts";

/** The reference algorithm in BigInt, written from its definition, to compare 32-bit tricks against. */
function referenceXoshiro(state: bigint[]): number {
  const mask = 0xffff_ffffn;
  const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
  const [s0, s1, s2, s3] = state as [bigint, bigint, bigint, bigint];
  const result = (rotate((s1 * 5n) & mask, 7n) * 9n) & mask;
  const t = (s1 << 9n) & mask;
  let [a, b, c, d] = [s0, s1, s2 ^ s0, s3 ^ s1];
  b ^= c;
  a ^= d;
  c ^= t;
  d = rotate(d, 11n);
  state.splice(0, 4, a, b, c, d);
  return Number(result);
}

function referenceState(seed: number): bigint[] {
  const mask = 0xffff_ffffn;
  let mix = BigInt(seed >>> 0);
  return [0, 1, 2, 3].map(() => {
    mix = (mix + 0x9e37_79b9n) & mask;
    let word = mix ^ (mix >> 16n);
    word = (word * 0x85eb_ca6bn) & mask;
    word ^= word >> 13n;
    word = (word * 0xc2b2_ae35n) & mask;
    return word ^ (word >> 16n);
  });
}

test("every seed gives the numbers of xoshiro128**", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = createRandom(seed);
      const state = referenceState(seed);
      for (let i = 0; i < 20; i++) expect(random.nextU32()).toBe(referenceXoshiro(state));
    }),
  );
});

test("the same seed gives the same of everything", () => {
  const draw = (seed: number) => {
    const random = createRandom(seed);
    return [random.float(), random.int(-5, 5), [...random.bytes(7)], random.shuffle([1, 2, 3, 4]), random.chance(0.5)];
  };
  expect(draw(42)).toEqual(draw(42));
  expect(draw(42)).not.toEqual(draw(43));
});

test.each([
  { min: 0, max: 0, why: "one value" },
  { min: -3, max: 3, why: "over zero" },
  { min: 0, max: 0xffff_ffff, why: "exactly 32 bits" },
  { min: -1, max: 0xffff_ffff, why: "just more than 32 bits" },
  { min: 0, max: Number.MAX_SAFE_INTEGER, why: "53 bits" },
  { min: Number.MIN_SAFE_INTEGER, max: -1, why: "below zero" },
])("integers stay from $min to $max: $why", ({ min, max }) => {
  const random = createRandom(7);
  for (let i = 0; i < 200; i++) {
    const value = random.int(min, max);
    expect(Number.isSafeInteger(value) && value >= min && value <= max, `${value}`).toBe(true);
  }
});

test("each value of a range is about as likely as the others", () => {
  const random = createRandom(1);
  const counts = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 60_000; i++) counts[random.int(0, 5)]!++;
  // Six standard deviations of a fair die: sqrt(60000 * 1/6 * 5/6) = 91.
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(550);
});

test("a fork depends on seed and name alone, not on what was drawn before", () => {
  const fresh = createRandom(9);
  const used = createRandom(9);
  for (let i = 0; i < 10; i++) used.nextU32();
  expect(used.fork("disk").nextU32()).toBe(fresh.fork("disk").nextU32());
  expect(fresh.fork("disk").nextU32()).not.toBe(fresh.fork("network").nextU32());
  expect(fresh.fork("disk").nextU32()).not.toBe(createRandom(10).fork("disk").nextU32());
});

test("a shuffle keeps every item and leaves its input alone", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
      const before = [...items];
      const shuffled = createRandom(seed).shuffle(items);
      expect(items).toEqual(before);
      expect([...shuffled].sort((a, b) => a - b)).toEqual([...items].sort((a, b) => a - b));
    }),
  );
});

test("bytes are as many as asked for and use every value", () => {
  const bytes = createRandom(3).bytes(10_001);
  expect(bytes.length).toBe(10_001);
  expect(new Set(bytes).size).toBe(256);
});

test.each([
  { why: "no items", draw: () => createRandom(1).pick([]) },
  { why: "an empty range", draw: () => createRandom(1).int(2, 1) },
  { why: "a fraction", draw: () => createRandom(1).int(0, 0.5) },
  { why: "more than 2^53 values", draw: () => createRandom(1).int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) },
  { why: "a seed that is no integer", draw: () => createRandom(Number.NaN) },
])("drawing from what cannot be is refused: $why", ({ draw }) => {
  expect(draw).toThrow(RangeError);
});

test("seeds count on from the first, so that one can be run alone", () => {
  expect(seeds(3)).toEqual([1, 2, 3]);
  expect(seeds(1, 17)).toEqual([17]);
});
