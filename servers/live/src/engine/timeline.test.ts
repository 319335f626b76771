import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Timeline } from "./timeline.ts";

const FRAME_MS = 33;

/** Feeds `count` video frames from `startMs` and returns the positions. */
function feed(timeline: Timeline, startMs: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const wireMs = (startMs + i * FRAME_MS) % 2 ** 32;
    return timeline.map("video", wireMs).dtsUs;
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
    const video = timeline.map("video", 0);
    const audio = timeline.map("audio", 5);
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
      timeline.map("video", startMs + i * FRAME_MS);
      timeline.map("audio", startMs + i * FRAME_MS + 4);
    }
    const beforeUs = timeline.endUs;
    const video = timeline.map("video", startMs + jumpMs);
    // Audio of the old clock is still on its way when the picture has jumped.
    const late = timeline.map("audio", startMs + 10 * FRAME_MS + 4);
    const audio = timeline.map("audio", startMs + jumpMs + 4);
    expect(video.wasRebased).toBe(true);
    expect(video.dtsUs).toBe(beforeUs + 40_000);
    expect(late).toEqual({ dtsUs: 334_000, wasRebased: false });
    expect(audio).toEqual({ dtsUs: video.dtsUs + 4_000, wasRebased: false });
  });

  test("a pause of both tracks is closed up, so that viewers need not seek", () => {
    const timeline = new Timeline();
    timeline.map("video", 0);
    expect(timeline.map("video", 8_000)).toEqual({ dtsUs: 40_000, wasRebased: true });
  });

  test("a picture that stands still while the sound goes on keeps its time", () => {
    const timeline = new Timeline();
    timeline.map("video", 0);
    for (let ms = 0; ms <= 8_000; ms += 20) timeline.map("audio", ms);
    expect(timeline.map("video", 8_010)).toEqual({ dtsUs: 8_010_000, wasRebased: false });
  });

  test("small steps back are held at the last position", () => {
    const timeline = new Timeline();
    timeline.map("video", 1_000);
    timeline.map("video", 1_100);
    expect(timeline.map("video", 1_050)).toEqual({ dtsUs: 100_000, wasRebased: false });
  });

  test("no track ever goes back, whatever timestamps arrive", () => {
    const message = fc.record({
      kind: fc.constantFrom("video" as const, "audio" as const),
      timestampMs: fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 5_000 })),
      restarts: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
        const timeline = new Timeline();
        const last = { video: 0, audio: 0 };
        for (const { kind, timestampMs, restarts } of messages) {
          if (restarts) timeline.restart();
          const { dtsUs } = timeline.map(kind, timestampMs);
          expect(Number.isSafeInteger(dtsUs)).toBe(true);
          expect(dtsUs).toBeGreaterThanOrEqual(last[kind]);
          last[kind] = dtsUs;
        }
      }),
    );
  });
});
