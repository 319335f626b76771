import { describe, expect, test } from "vitest";
import { HISTORY_SECONDS, IngestStats } from "./ingest-stats.ts";

const outline = { isLive: true, isInterrupted: false, hasVideo: true, hasAudio: true, videoCodec: "h264" };

interface Feed {
  fps?: number;
  gopFrames?: number;
  frameBytes?: number;
  seconds: number;
  fromMs?: number;
}

function feed(stats: IngestStats, { fps = 30, gopFrames = 60, frameBytes = 8_000, seconds, fromMs = 0 }: Feed): void {
  for (let i = 0; i < seconds * fps; i++) {
    const nowMs = fromMs + (i * 1000) / fps;
    const dtsUs = nowMs * 1000;
    const base = { dtsUs, ptsUs: dtsUs, durationUs: 33_000 };
    stats.onSample({ ...base, kind: "video", isKey: i % gopFrames === 0, data: new Uint8Array(frameBytes) }, nowMs);
    stats.onSample({ ...base, kind: "audio", isKey: true, data: new Uint8Array(400) }, nowMs);
  }
}

const codes = (stats: IngestStats, nowMs: number, stream = outline) =>
  stats.warnings(stream, nowMs).map((warning) => warning.code);

describe("IngestStats", () => {
  test("counts frames, bits and key frames second by second", () => {
    const stats = new IngestStats();
    feed(stats, { seconds: 4 });
    expect(stats.history(4_000)).toEqual([
      { atMs: 0, videoKbps: 1_920, audioKbps: 96, fps: 30, keyFrameCount: 1 },
      { atMs: 1_000, videoKbps: 1_920, audioKbps: 96, fps: 30, keyFrameCount: 0 },
      { atMs: 2_000, videoKbps: 1_920, audioKbps: 96, fps: 30, keyFrameCount: 1 },
      { atMs: 3_000, videoKbps: 1_920, audioKbps: 96, fps: 30, keyFrameCount: 0 },
    ]);
    expect(stats.recent(4_000)).toEqual({ fps: 30, videoKbps: 1_920, audioKbps: 96 });
    expect(stats.gopMs).toBe(2_000);
    expect(stats.keyFrameAgeMs(4_000)).toBe(2_000);
  });

  test("shows seconds in which nothing came as zeros", () => {
    const stats = new IngestStats();
    feed(stats, { seconds: 1 });
    feed(stats, { seconds: 1, fromMs: 3_000 });
    expect(stats.history(4_000).map((second) => second.fps)).toEqual([30, 0, 0, 30]);
  });

  test("keeps two minutes and no more", () => {
    const stats = new IngestStats();
    feed(stats, { seconds: 300, fps: 2, gopFrames: 2 });
    const history = stats.history(300_000);
    expect(history).toHaveLength(HISTORY_SECONDS);
    expect(history[0]?.atMs).toBe(180_000);
  });

  test("has nothing to say about a good stream", () => {
    const stats = new IngestStats();
    feed(stats, { seconds: 10 });
    expect(codes(stats, 10_000)).toEqual([]);
  });

  test.each([
    { code: "KEY_FRAMES_RARE", feed: { seconds: 25, gopFrames: 300 }, stream: outline },
    { code: "KEY_FRAMES_MISSING", feed: { seconds: 20, gopFrames: 10_000 }, stream: outline },
    { code: "BITRATE_LOW", feed: { seconds: 10, frameBytes: 500 }, stream: outline },
    { code: "BITRATE_HIGH", feed: { seconds: 10, frameBytes: 60_000 }, stream: outline },
    { code: "NO_AUDIO", feed: { seconds: 10 }, stream: { ...outline, hasAudio: false } },
    { code: "NO_VIDEO", feed: { seconds: 10 }, stream: { ...outline, hasVideo: false } },
    { code: "CODEC_NOT_UNIVERSAL", feed: { seconds: 10 }, stream: { ...outline, videoCodec: "av1" } },
    { code: "PUBLISHER_AWAY", feed: { seconds: 10 }, stream: { ...outline, isInterrupted: true } },
  ])("warns of $code, and of nothing else", ({ code, feed: input, stream }) => {
    const stats = new IngestStats();
    feed(stats, input);
    expect(codes(stats, input.seconds * 1000, stream)).toEqual([code]);
  });

  test("warns of an unsteady frame rate", () => {
    const stats = new IngestStats();
    for (let second = 0; second < 6; second++) {
      feed(stats, { seconds: 1, fps: second % 2 === 0 ? 30 : 15, gopFrames: 15, fromMs: second * 1_000 });
    }
    expect(codes(stats, 6_000)).toEqual(["FRAME_RATE_UNSTEADY"]);
  });

  test("warns of B-frames, and for a minute of a clock that jumped", () => {
    const stats = new IngestStats();
    feed(stats, { seconds: 10 });
    stats.onReordering();
    stats.onRebase(10_000);
    expect(codes(stats, 10_000)).toEqual(["REORDERING", "TIMESTAMPS_REBASED"]);
    expect(codes(stats, 71_000)).not.toContain("TIMESTAMPS_REBASED");
  });

  test("says nothing of a channel that is not live", () => {
    expect(codes(new IngestStats(), 10_000, { ...outline, isLive: false })).toEqual([]);
  });
});
