import fc from "fast-check";
import { expect, test } from "vitest";
import { describeSeries, nearestIndex, scaleLinear, valueAxis } from "./chart-scale.ts";
import { keyFrameIntervals } from "./health-series.ts";
import { parseKeyFragment } from "./session.ts";

test.each([
  { values: [30, 24], ticks: [0, 10, 20, 30], why: "a highest value on a tick needs no further step" },
  { values: [4_900], ticks: [0, 2_000, 4_000, 6_000], why: "round steps" },
  { values: [2], ticks: [0, 1, 2], why: "small values keep whole steps" },
  { values: [], ticks: [0, 0.5], why: "no values still make an axis" },
  { values: [0, 0], ticks: [0, 0.5], why: "zeros too" },
  { values: [5e-324], ticks: [0, 0.5], why: "what is too small to be seen counts as zero" },
])("axis of $values: $why", ({ values, ticks }) => {
  const axis = valueAxis(values, 3);
  expect(axis.ticks).toEqual(ticks);
  expect(axis.max).toBe(axis.ticks.at(-1));
});

test("an axis holds every value and has few ticks", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e12, noNaN: true })), (values) => {
      const axis = valueAxis(values, 3);
      expect(axis.ticks.length).toBeLessThanOrEqual(5);
      for (const value of values) expect(value).toBeLessThanOrEqual(Math.max(1e-6, axis.max * 1.001));
    }),
  );
});

test("values map linearly, and an empty stretch to its start", () => {
  expect(scaleLinear(5, 0, 10, 100, 0)).toBe(50);
  expect(scaleLinear(5, 3, 3, 7, 9)).toBe(7);
});

test("the nearest point is found, the later one of two, and none of none", () => {
  const points = [0, 1_000, 2_000].map((atMs) => ({ atMs, value: 1 }));
  expect([nearestIndex(points, 400), nearestIndex(points, 500), nearestIndex(points, 9_999)]).toEqual([0, 1, 2]);
  expect(nearestIndex([], 5)).toBe(-1);
});

test("a series can be said in words", () => {
  const points = [28, 31, 30].map((value, index) => ({ atMs: index * 1_000, value }));
  expect(describeSeries("Frame rate", "fps", points, String)).toBe(
    "Frame rate: now 30 fps, lowest 28, highest 31 in the last two minutes",
  );
  expect(describeSeries("Frame rate", "fps", [], String)).toBe("Frame rate: no values yet");
});

test("key-frame intervals come from the seconds that have key frames", () => {
  const history = [1, 0, 1, 2, 0].map((keyFrameCount, index) => ({
    atMs: index * 1_000,
    videoKbps: 0,
    audioKbps: 0,
    fps: 30,
    keyFrameCount,
  }));
  expect(keyFrameIntervals(history)).toEqual([
    { atMs: 2_000, value: 2 },
    { atMs: 3_000, value: 0.5 },
  ]);
});

test("the key is read from the fragment of the address", () => {
  expect(parseKeyFragment("#key=a%2Fb")).toBe("a/b");
  expect(parseKeyFragment("#key=")).toBeUndefined();
  expect(parseKeyFragment("#other=1")).toBeUndefined();
});
