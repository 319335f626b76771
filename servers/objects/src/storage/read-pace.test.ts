import { expect, test } from "vitest";
import { ReadPace } from "./read-pace.ts";

const FAST_MS = 0.02;
const SLOW_MS = 5;

/** Reads so many times, each as long as told; says how many were not on this thread. */
function readMany(pace: ReadPace, count: number, tookMs: (index: number) => number): number {
  let elsewhere = 0;
  for (let i = 0; i < count; i++) {
    if (pace.isHere()) pace.onRead(tookMs(i));
    else elsewhere++;
  }
  return elsewhere;
}

test("reads that the page cache answers stay on this thread, also when one of many is slow", () => {
  expect(readMany(new ReadPace(false), 10_000, (i) => (i % 100 === 0 ? SLOW_MS : FAST_MS))).toBe(0);
});

test("after the second slow read nearly all are on other threads, while reads here stay slow", () => {
  const pace = new ReadPace(false);
  expect(readMany(pace, 2, () => SLOW_MS)).toBe(0);
  expect(readMany(pace, 10_000, () => SLOW_MS)).toBeGreaterThan(9_900);
});

test("a device that reads ahead is slow now and then, and its reads go to other threads too", () => {
  expect(readMany(new ReadPace(false), 10_000, (i) => (i % 4 === 0 ? SLOW_MS : FAST_MS))).toBeGreaterThan(8_000);
});

test("once reads are fast again they come back", () => {
  const pace = new ReadPace(false);
  readMany(pace, 1_000, () => SLOW_MS);
  readMany(pace, 1_000, () => FAST_MS);
  expect(readMany(pace, 1_000, () => FAST_MS)).toBe(0);
});

test("nothing is read on this thread from a device that is known to be slow", () => {
  expect(readMany(new ReadPace(true), 100, () => FAST_MS)).toBe(100);
});
