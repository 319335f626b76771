import { createRandom } from "@kagami/clock";
import fc from "fast-check";
import { expect, test } from "vitest";
import { countHyperLogLog, countHyperLogLogs, HllEditor, mergeHyperLogLogs } from "./hyperloglog.ts";
import { murmur64 } from "./murmur64.ts";

// What the strings and counts must be is checked against Redis in conformance/ranking/hyperloglog.test.ts.

const MULTIPLIER = 0xc6a4a7935bd1e995n;
const multiply = (value: bigint): bigint => BigInt.asUintN(64, value * MULTIPLIER);

/** The hash as its author wrote it, in integers of 64 bits. */
function slowMurmur(bytes: Uint8Array, seed: number): bigint {
  let hash = BigInt(seed) ^ multiply(BigInt(bytes.length));
  for (let i = 0; i < bytes.length; i += 8) {
    const piece = bytes.subarray(i, i + 8);
    let word = 0n;
    for (let j = 0; j < piece.length; j++) word |= BigInt(piece[j]!) << BigInt(8 * j);
    if (piece.length < 8) hash = multiply(hash ^ word);
    else {
      word = multiply(word);
      hash = multiply(hash ^ multiply(word ^ (word >> 47n)));
    }
  }
  hash = multiply(hash ^ (hash >> 47n));
  return hash ^ (hash >> 47n);
}

test("the hash in halves of 32 bits is the hash in 64 bits, at any place", () => {
  const out = { low: 0, high: 0 };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.nat(9), fc.nat(0xffff_ffff), (bytes, start, seed) => {
      const shifted = new Uint8Array([...new Uint8Array(start), ...bytes, 1, 2, 3]);
      murmur64(shifted, start, start + bytes.length, seed, out);
      const joined = (BigInt(out.high >>> 0) << 32n) | BigInt(out.low >>> 0);
      expect(joined).toBe(slowMurmur(bytes, seed));
    }),
    { numRuns: 2_000 },
  );
});

function hllOf(elements: readonly Uint8Array[], sparseMaxBytes?: number): Uint8Array {
  const editor = new HllEditor(sparseMaxBytes);
  editor.open(undefined);
  for (const element of elements) editor.add(element, 0, element.length);
  editor.forgetCount();
  return editor.bytes.slice();
}

function countOf(value: Uint8Array): number {
  const result = countHyperLogLog(value);
  if ("error" in result) throw new Error(result.error);
  return result.count;
}

test("sparse and dense ones of the same elements count the same, and a kept count is used", () => {
  const random = createRandom(3);
  const elements = Array.from({ length: 700 }, () => random.bytes(12));
  const [sparse, dense] = [hllOf(elements), hllOf(elements, 0)];
  expect([sparse[4], dense[4]]).toEqual([1, 0]);
  expect(countHyperLogLog(sparse)).toEqual({ count: countOf(dense), hasChanged: true });
  expect(countHyperLogLog(sparse)).toEqual({ count: countOf(dense), hasChanged: false });
  expect(countOf(sparse)).toBeGreaterThan(670);
  expect(countOf(sparse)).toBeLessThan(730);
});

test("the union counts as if all had been added to one, in whatever order", () => {
  const random = createRandom(4);
  const parts = [10, 300, 5_000].map((count) => Array.from({ length: count }, () => random.bytes(9)));
  const all = countOf(hllOf(parts.flat()));
  const values = parts.map((part) => hllOf(part));
  const editor = new HllEditor();
  for (const order of [values, values.toReversed()]) {
    expect(countHyperLogLogs([undefined, ...order])).toEqual({ count: all });
    expect(mergeHyperLogLogs(editor, [undefined, ...order])).toBeUndefined();
    expect(countOf(editor.bytes)).toBe(all);
  }
});

test("a dense one changes in place, a sparse one in the editor's memory", () => {
  const editor = new HllEditor();
  const element = new Uint8Array([1, 2, 3]);
  for (const value of [hllOf([]), hllOf([], 0)]) {
    const isDense = value[4] === 0;
    const before = value.slice();
    editor.open(value);
    editor.add(element, 0, 3);
    expect(editor.bytes.buffer === value.buffer).toBe(isDense);
    expect(Buffer.from(before).equals(value)).toBe(!isDense);
  }
});

test("any runs behind the header are counted, changed or refused", () => {
  const editor = new HllEditor();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 9 }), (runs, element) => {
      const header = [0x48, 0x59, 0x4c, 0x4c, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80];
      const value = new Uint8Array([...header, ...runs]);
      const result = countHyperLogLogs([value]);
      expect("error" in result || result.count >= 0).toBe(true);
      expect(editor.open(value)).toBe(true);
      expect([-1, 0, 1]).toContain(editor.add(element, 0, element.length));
      expect(editor.bytes.length).toBeLessThanOrEqual(value.length + 3);
    }),
    { numRuns: 2_000 },
  );
});
