import { describe, expect, test } from "vitest";
import { DEFAULT_MERGE_LIMITS, MergeWindow, mergeMsFor } from "./merge-window.ts";

/** Runs one second of pictures at `fps`; returns the writes and how long each picture waited, in ms. */
function simulate(mergeMs: number, fps: number): { writeCount: number; waitsMs: number[] } {
  const window = new MergeWindow(mergeMs);
  const waitsMs: number[] = [];
  let pending: number[] = [];
  let writeCount = 0;
  const flush = (nowMs: number) => {
    waitsMs.push(...pending.map((atMs) => nowMs - atMs));
    pending = [];
    writeCount++;
    window.onFlush(nowMs);
  };
  for (let i = 0; i < fps; i++) {
    const nowMs = (i * 1000) / fps;
    const { deadlineMs } = window;
    if (deadlineMs !== undefined && deadlineMs <= nowMs) flush(deadlineMs);
    pending.push(nowMs);
    if (window.onUnit(true, nowMs)) flush(nowMs);
  }
  return { writeCount, waitsMs };
}

describe("MergeWindow", () => {
  test.each([
    { mergeMs: 33, fps: 30, writeCount: 30, maxWaitMs: 0, why: "one picture a write, none waits" },
    { mergeMs: 33, fps: 60, writeCount: 31, maxWaitMs: 17, why: "two pictures a write" },
    { mergeMs: 33, fps: 24, writeCount: 24, maxWaitMs: 0, why: "a slow stream is not held back" },
    {
      mergeMs: 50,
      fps: 30,
      writeCount: 20,
      maxWaitMs: 34,
      why: "one and two pictures a write in turn, 50 ms on average",
    },
    { mergeMs: 45, fps: 60, writeCount: 23, maxWaitMs: 34, why: "two and three pictures a write in turn" },
    { mergeMs: 66, fps: 30, writeCount: 15, maxWaitMs: 34, why: "two pictures a write" },
    { mergeMs: 100, fps: 30, writeCount: 10, maxWaitMs: 67, why: "three pictures a write" },
  ])("at $fps fps merging $mergeMs ms: $why", ({ mergeMs, fps, writeCount, maxWaitMs }) => {
    const result = simulate(mergeMs, fps);
    expect(result.writeCount).toBe(writeCount);
    expect(Math.max(...result.waitsMs)).toBeLessThanOrEqual(maxWaitMs);
  });

  test("a picture that comes late is not followed at once by one that is not merged", () => {
    const window = new MergeWindow(100);
    window.onFlush(0);
    expect(window.onUnit(true, 190)).toBe(true);
    window.onFlush(190);
    expect(window.onUnit(true, 200)).toBe(false);
    expect(window.onUnit(true, 220)).toBe(true);
  });

  test("sound alone is flushed by the deadline", () => {
    const window = new MergeWindow(33);
    window.onFlush(0);
    expect(window.onUnit(false, 5)).toBe(false);
    expect(window.deadlineMs).toBe(71);
    window.onFlush(71);
    expect(window.deadlineMs).toBeUndefined();
  });

  test.each([
    { viewerCount: 0, mergeMs: 33 },
    { viewerCount: 100, mergeMs: 33 },
    { viewerCount: 260, mergeMs: 50 },
    { viewerCount: 416, mergeMs: 80 },
    { viewerCount: 2_000, mergeMs: 100 },
  ])("with $viewerCount viewers merges $mergeMs ms", ({ viewerCount, mergeMs }) => {
    expect(mergeMsFor(viewerCount, DEFAULT_MERGE_LIMITS)).toBe(mergeMs);
  });
});
