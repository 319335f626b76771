import { createHash } from "node:crypto";
import type { Sample } from "@kagami/media";
import { expect, test } from "vitest";
import { createDemoBroadcast, type DemoBroadcastOptions } from "./broadcast.ts";

const SMALL: DemoBroadcastOptions = { width: 192, height: 320, bitrateKbps: 300 };

function take(options: DemoBroadcastOptions, seconds: number): Sample[] {
  const samples: Sample[] = [];
  for (const sample of createDemoBroadcast(options)) {
    if (sample.dtsUs >= seconds * 1_000_000) break;
    samples.push(sample);
  }
  return samples;
}

function digest(samples: readonly Sample[]): string {
  const hash = createHash("sha256");
  for (const { data, ...rest } of samples) hash.update(JSON.stringify(rest)).update(data);
  return hash.digest("hex");
}

test("the same seed gives the same bytes", () => {
  expect(digest(take({ ...SMALL, seed: 7 }, 3))).toBe(digest(take({ ...SMALL, seed: 7 }, 3)));
});

test("another seed gives another broadcast", () => {
  expect(digest(take({ ...SMALL, seed: 7 }, 3))).not.toBe(digest(take({ ...SMALL, seed: 8 }, 3)));
});

test("time never goes back, and each track is without gaps", () => {
  const samples = take(SMALL, 3);
  for (let i = 1; i < samples.length; i++) expect(samples[i]!.dtsUs).toBeGreaterThanOrEqual(samples[i - 1]!.dtsUs);
  for (const kind of ["video", "audio"] as const) {
    const track = samples.filter((sample) => sample.kind === kind);
    for (let i = 1; i < track.length; i++) expect(track[i]!.dtsUs).toBe(track[i - 1]!.dtsUs + track[i - 1]!.durationUs);
  }
});

test("key frames come every two seconds unless told otherwise", () => {
  const keys = (options: DemoBroadcastOptions) =>
    take(options, 4.5)
      .filter((s) => s.kind === "video" && s.isKey)
      .map((s) => s.dtsUs / 1_000_000);
  expect(keys(SMALL)).toEqual([0, 2, 4]);
  expect(keys({ ...SMALL, keyIntervalS: 1.5 })).toEqual([0, 1.5, 3]);
});

test("audio: false leaves sound out", () => {
  expect(createDemoBroadcast({ ...SMALL, audio: false }).audio).toBeUndefined();
  expect(take({ ...SMALL, audio: false }, 1).every((sample) => sample.kind === "video")).toBe(true);
});

test("the configurations say what decoders must know", () => {
  const { video, audio } = createDemoBroadcast(SMALL);
  expect(video).toMatchObject({ codec: "h264", codecString: "avc1.42c014", width: 192, height: 320 });
  expect(audio).toMatchObject({ codec: "aac", codecString: "mp4a.40.2", sampleRate: 48_000, channelCount: 2 });
  expect([...(audio?.record ?? [])]).toEqual([0x11, 0x90]);
});

test("a picture too small for the game is refused", () => {
  expect(() => createDemoBroadcast({ width: 160, height: 200 })).toThrow(/needs at least 176x256/);
});
