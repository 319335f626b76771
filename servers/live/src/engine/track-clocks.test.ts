import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AudioClock, VideoClock } from "./track-clocks.ts";

const AAC_44100_US = (1024 / 44_100) * 1e6;

describe("VideoClock", () => {
  test("a steady stream keeps its decoding times and learns its duration", () => {
    const clock = new VideoClock();
    const timings = Array.from({ length: 40 }, (_, i) => clock.next(i * 20_000));
    expect(timings.map(({ dtsUs }) => dtsUs)).toEqual(Array.from({ length: 40 }, (_, i) => i * 20_000));
    expect(timings.at(-1)?.durationUs).toBeCloseTo(20_000, -2);
  });

  test("after a hole decoding time catches up in steps that browsers accept", () => {
    const clock = new VideoClock();
    for (let i = 0; i < 30; i++) clock.next(i * 33_333);
    const holeEndUs = 29 * 33_333 + 1_000_000;
    const after = Array.from({ length: 60 }, (_, i) => clock.next(holeEndUs + i * 33_333));
    expect(after[0]?.dtsUs).toBeLessThan(holeEndUs);
    expect(after.at(-1)?.dtsUs).toBe(holeEndUs + 59 * 33_333);
  });

  test("no step is over twice the last duration, none goes back, none is past the arrival", () => {
    const gaps = fc.array(fc.oneof(fc.constant(33_333), fc.integer({ min: 0, max: 5_000_000 })), { maxLength: 100 });
    fc.assert(
      fc.property(gaps, (deltas) => {
        const clock = new VideoClock();
        let arrivalUs = 0;
        let last = clock.next(0);
        for (const delta of deltas) {
          arrivalUs += delta;
          const timing = clock.next(arrivalUs);
          expect(timing.dtsUs).toBeLessThanOrEqual(arrivalUs);
          expect(timing.dtsUs).toBeGreaterThanOrEqual(last.dtsUs);
          expect(timing.dtsUs - last.dtsUs).toBeLessThan(2 * last.durationUs);
          last = timing;
        }
      }),
    );
  });
});

describe("AudioClock", () => {
  test("timestamps rounded to milliseconds are placed end to end", () => {
    const clock = new AudioClock(AAC_44100_US);
    for (let i = 0; i < 5_000; i++) {
      const timing = clock.next(Math.round((i * AAC_44100_US) / 1000) * 1000);
      expect(timing).toEqual({ kind: "place", dtsUs: Math.round(i * AAC_44100_US), silenceCount: 0 });
    }
  });

  test.each([
    { holeFrames: 5, silenceCount: 5, why: "a tenth of a second" },
    { holeFrames: 40, silenceCount: 40, why: "a second of lost frames" },
    { holeFrames: 200, silenceCount: 0, why: "a hole over three seconds is left open" },
  ])("a hole is filled with silence: $why", ({ holeFrames, silenceCount }) => {
    const clock = new AudioClock(AAC_44100_US);
    clock.next(0);
    const timing = clock.next((1 + holeFrames) * AAC_44100_US);
    expect(timing).toMatchObject({ kind: "place", silenceCount });
  });

  test.each([
    { why: "a lost frame is made up for by silence", skipFrames: 1, kind: "place", silenceCount: 1 },
    { why: "a doubled frame by leaving one out", skipFrames: -1, kind: "drop" },
  ])("an error of one frame that lasts is put right, once: $why", ({ skipFrames, kind, silenceCount }) => {
    const clock = new AudioClock(20_000);
    clock.next(0);
    const timings = Array.from({ length: 100 }, (_, i) => clock.next((1 + i + skipFrames) * 20_000));
    const odd = timings.filter((timing) => timing.kind === "drop" || timing.silenceCount > 0);
    expect(odd).toMatchObject([{ kind, ...(silenceCount !== undefined && { silenceCount }) }]);
    expect(timings.at(-1)).toMatchObject({ dtsUs: (100 + skipFrames) * 20_000 });
  });

  test("frames that are stamped in pairs, more than a frame off, are all placed and nothing is put in between", () => {
    const clock = new AudioClock(21_333);
    for (let i = 0; i < 1_000; i++) {
      const pairedMs = 45 + 2 * Math.floor((i - 1) / 2) * 21.333;
      const timing = clock.next(i === 0 ? 0 : Math.round(pairedMs) * 1000);
      expect(timing).toEqual({ kind: "place", dtsUs: i * 21_333, silenceCount: 0 });
    }
  });

  test("placed frames never overlap, whatever the wire says", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 10_000_000 }), { maxLength: 100 }), (wire) => {
        const clock = new AudioClock(20_000);
        let endUs = 0;
        for (const dtsUs of wire) {
          const timing = clock.next(dtsUs);
          if (timing.kind === "drop") continue;
          expect(timing.dtsUs - timing.silenceCount * 20_000).toBeGreaterThanOrEqual(endUs);
          endUs = timing.dtsUs + 20_000;
        }
      }),
    );
  });
});
