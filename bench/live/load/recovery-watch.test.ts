import { expect, test } from "vitest";
import type { MarkerKind } from "./marker.ts";
import { RecoveryWatch } from "./recovery-watch.ts";

/** Feeds pictures as `[kind, sequence, age in ms, arrival in ms]`; the viewer reads again at 1,000 ms. */
function watch(pictures: readonly (readonly [MarkerKind, number, number, number])[]) {
  const recovery = new RecoveryWatch();
  recovery.onMarked({ kind: "K", sequence: 0, sentUs: 0, followingBytes: 0 }, 0);
  recovery.begin(1_000_000);
  for (const [kind, sequence, ageMs, atMs] of pictures) {
    recovery.onMarked({ kind, sequence, sentUs: (atMs - ageMs) * 1000, followingBytes: 0 }, atMs * 1000);
  }
  return recovery.recovery;
}

test.each([
  {
    why: "pictures of the past are not live",
    pictures: [["V", 1, 900, 1_010]] as const,
    expected: { keyFrameMs: null, liveMs: null, missedCount: 0, brokenCount: 0 },
  },
  {
    why: "without a gap the first recent picture is live",
    pictures: [["V", 1, 900, 1_010], ["V", 2, 200, 1_020]] as const, // biome-ignore format: a row
    expected: { keyFrameMs: null, liveMs: 20, missedCount: 0, brokenCount: 0 },
  },
  {
    why: "after a gap only a key frame mends the picture",
    pictures: [["V", 31, 10, 1_030], ["V", 32, 10, 1_060], ["K", 33, 10, 1_090]] as const, // biome-ignore format: a row
    expected: { keyFrameMs: 90, liveMs: 90, missedCount: 30, brokenCount: 2 },
  },
  {
    why: "a key frame of the past begins the way to the live edge",
    pictures: [["K", 31, 800, 1_030], ["V", 32, 767, 1_030], ["V", 33, 100, 1_040]] as const, // biome-ignore format: a row
    expected: { keyFrameMs: 30, liveMs: 40, missedCount: 30, brokenCount: 0 },
  },
])("recovery: $why", ({ pictures, expected }) => {
  expect(watch(pictures)).toEqual(expected);
});
