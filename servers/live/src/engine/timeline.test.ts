import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Timeline } from "./timeline.ts";

const FRAME_MS = 33;

/** Feeds `count` video frames from `startMs` and returns the positions. */
function feed(timeline: Timeline, startMs: number, count: number, nowUs = 0): number[] {
  return Array.from({ length: count }, (_, i) => {
    const wireMs = (startMs + i * FRAME_MS) % 2 ** 32;
    return timeline.map("video", wireMs, nowUs + i * FRAME_MS * 1000).dtsUs;
  });
}

describe("Timeline", () => {
  test.each([
    { startMs: 0, why: "from zero" },
    { startMs: 0xff_ff_ff - 50, why: "across the end of the 24-bit timestamp" },
    { startMs: 2 ** 32 - 50, why: "across the end of the 32-bit timestamp" },
    { startMs: 2 ** 31 - 50, why: "across the sign bit" },
  ])("a steady publisher moves evenly, $why", ({ startMs }) => {
    const positions = feed(new Timeline(), startMs, 10);
    expect(positions).toEqual(Array.from({ length: 10 }, (_, i) => i * FRAME_MS * 1000));
  });

  test("a publisher that returns continues just after the end, on both tracks", () => {
    const timeline = new Timeline();
    feed(timeline, 50_000, 10);
    const endUs = timeline.endUs;
    timeline.restart();
    const video = timeline.map("video", 0, 9_000_000);
    const audio = timeline.map("audio", 5, 9_000_000);
    expect(video).toEqual({ dtsUs: endUs + 40_000, wasRebased: false });
    expect(audio.dtsUs).toBe(endUs + 45_000);
  });

  test.each([
    { jumpMs: 3_600_000, why: "an hour forward" },
    { jumpMs: -40_000, why: "forty seconds back" },
    { jumpMs: 2 ** 31 - 1, why: "half the range forward" },
  ])("a jump $why is joined on without a hole and keeps the tracks together", ({ jumpMs }) => {
    const timeline = new Timeline();
    const startMs = 100_000;
    for (let i = 0; i < 10; i++) {
      timeline.map("video", startMs + i * FRAME_MS, i * 33_000);
      timeline.map("audio", startMs + i * FRAME_MS + 4, i * 33_000);
    }
    const beforeUs = timeline.endUs;
    const video = timeline.map("video", startMs + jumpMs, 330_000);
    // Audio of the old clock is still on its way when the picture has jumped.
    const late = timeline.map("audio", startMs + 10 * FRAME_MS + 4, 331_000);
    const audio = timeline.map("audio", startMs + jumpMs + 4, 340_000);
    expect(video.wasRebased).toBe(true);
    expect(video.dtsUs).toBe(beforeUs + 40_000);
    expect(late).toEqual({ dtsUs: 334_000, wasRebased: false });
    expect(audio).toEqual({ dtsUs: video.dtsUs + 4_000, wasRebased: false });
  });

  test("a pause as long as the clock says is kept, not closed up", () => {
    const timeline = new Timeline();
    timeline.map("video", 0, 0);
    expect(timeline.map("video", 8_000, 8_000_000)).toEqual({ dtsUs: 8_000_000, wasRebased: false });
  });

  test("small steps back are held at the last position", () => {
    const timeline = new Timeline();
    timeline.map("video", 1_000, 0);
    timeline.map("video", 1_100, 100_000);
    expect(timeline.map("video", 1_050, 110_000)).toEqual({ dtsUs: 100_000, wasRebased: false });
  });

  test("no track ever goes back, whatever timestamps arrive", () => {
    const message = fc.record({
      kind: fc.constantFrom("video" as const, "audio" as const),
      timestampMs: fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 5_000 })),
      waitUs: fc.integer({ min: 0, max: 2_000_000 }),
      restarts: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
        const timeline = new Timeline();
        const last = { video: 0, audio: 0 };
        let nowUs = 0;
        for (const { kind, timestampMs, waitUs, restarts } of messages) {
          if (restarts) timeline.restart();
          nowUs += waitUs;
          const { dtsUs } = timeline.map(kind, timestampMs, nowUs);
          expect(Number.isSafeInteger(dtsUs)).toBe(true);
          expect(dtsUs).toBeGreaterThanOrEqual(last[kind]);
          last[kind] = dtsUs;
        }
      }),
    );
  });
});
