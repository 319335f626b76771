import { expect, test } from "vitest";
import { orderBurst, outlineBurst } from "./burst.ts";
import type { MediaUnit } from "./media-unit.ts";

function unit(kind: "video" | "audio", ms: number, isKey = kind === "audio", ptsMs = ms): MediaUnit {
  const sample = { kind, dtsUs: ms * 1000, ptsUs: ptsMs * 1000, durationUs: 20_000, isKey, data: new Uint8Array(1) };
  return { sample, fragment: new Uint8Array(1) };
}

test("sound goes first, and each track stays in decoding order", () => {
  const mixed = [unit("video", 0, true), unit("audio", 1), unit("video", 33), unit("audio", 22)];
  expect(orderBurst(mixed).map(({ sample }) => [sample.kind, sample.dtsUs / 1000])).toEqual([
    ["audio", 1],
    ["audio", 22],
    ["video", 0],
    ["video", 33],
  ]);
});

test.each([
  { why: "nothing", units: [], outline: { endUs: 0, hasVideo: false, startsWithKey: false } },
  { why: "sound alone", units: [unit("audio", 40)], outline: { endUs: 60_000, hasVideo: false, startsWithKey: false } },
  {
    why: "a key frame behind sound",
    units: [unit("audio", 40), unit("video", 33, true)],
    outline: { endUs: 60_000, hasVideo: true, startsWithKey: true },
  },
  {
    why: "pictures that are shown in another order",
    units: [unit("video", 0, false, 80), unit("video", 40, false, 40)],
    outline: { endUs: 100_000, hasVideo: true, startsWithKey: false },
  },
])("the outline of $why", ({ units, outline }) => {
  expect(outlineBurst(units)).toEqual(outline);
});
