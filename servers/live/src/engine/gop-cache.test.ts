import { describe, expect, test } from "vitest";
import { GopCache } from "./gop-cache.ts";
import type { MediaUnit } from "./media-unit.ts";

function unit(kind: "video" | "audio", dtsMs: number, isKey: boolean, byteCount = 10): MediaUnit {
  const dtsUs = dtsMs * 1000;
  const sample = { kind, dtsUs, ptsUs: dtsUs, durationUs: 33_000, isKey, data: new Uint8Array(byteCount) };
  return { sample, fragment: new Uint8Array(byteCount) };
}

const roomy = { maxBytes: 1_000_000, maxUnits: 1_000 };
const times = (cache: GopCache) => cache.units.map(({ sample }) => sample.dtsUs / 1000);

describe("GopCache", () => {
  test("starts at the last key frame and keeps the sound that belongs after it", () => {
    const cache = new GopCache(roomy);
    for (const each of [
      unit("video", 0, true),
      unit("audio", 10, true),
      unit("video", 33, false),
      unit("audio", 70, true),
      unit("video", 66, true),
      unit("video", 99, false),
    ]) {
      cache.add(each);
    }
    expect(times(cache)).toEqual([70, 66, 99]);
    expect(cache.keyPtsUs).toBe(66_000);
    expect(cache.byteCount).toBe(30);
  });

  test("holds nothing of a group of pictures whose start it never saw", () => {
    const cache = new GopCache(roomy);
    cache.add(unit("video", 0, false));
    cache.add(unit("audio", 5, true));
    expect(cache.units).toEqual([]);
  });

  test.each([
    { limits: { maxBytes: 25, maxUnits: 1_000 }, why: "bytes" },
    { limits: { maxBytes: 1_000_000, maxUnits: 2 }, why: "units" },
  ])("lets a group that outgrows its $why go whole, and starts again at the next key frame", ({ limits }) => {
    const cache = new GopCache(limits);
    cache.add(unit("video", 0, true));
    cache.add(unit("video", 33, false));
    cache.add(unit("video", 66, false));
    expect(cache.units).toEqual([]);
    expect(cache.overflowCount).toBe(1);
    cache.add(unit("video", 99, false));
    expect(cache.units).toEqual([]);
    cache.add(unit("video", 132, true));
    expect(times(cache)).toEqual([132]);
  });

  test("of a stream without picture keeps the last second of sound", () => {
    const cache = new GopCache(roomy);
    for (let ms = 0; ms <= 3_000; ms += 20) cache.add(unit("audio", ms, true));
    expect(times(cache)[0]).toBe(2_000);
    expect(times(cache).at(-1)).toBe(3_000);
  });
});
