import { readFileSync } from "node:fs";
import { concatBytes, fromHex, readU32 } from "@kagami/bytes";
import fc from "fast-check";
import { createFile, MP4BoxBuffer } from "mp4box";
import { expect, test } from "vitest";
import { ticksOf, writeFragment } from "./fmp4-fragment.ts";
import { AUDIO_TRACK_ID, buildInit, mimeTypeOf, VIDEO_TIMESCALE, VIDEO_TRACK_ID } from "./fmp4-init.ts";
import { readBoxes } from "./mp4-boxes.ts";
import { type Mp4Fragment, type Mp4Init, parseFragment, parseInit } from "./mp4-reader.ts";
import type { AudioConfig, Sample, VideoCodec, VideoConfig } from "./sample.ts";
import { audioConfigFromRecord, videoConfigFromRecord } from "./track-config.ts";

const records: { codec: VideoCodec; name: string; record: string; width: number; height: number }[] = JSON.parse(
  readFileSync(new URL("../testdata/records.json", import.meta.url), "utf8"),
);

function video(name: string): VideoConfig {
  const row = records.find((candidate) => candidate.name === name)!;
  const config = videoConfigFromRecord(row.codec, fromHex(row.record));
  if (config.kind === "malformed") throw new Error(config.message);
  return { ...config, width: row.width, height: row.height };
}

function audio(codec: "aac" | "opus"): AudioConfig {
  const config = audioConfigFromRecord(codec, fromHex(codec === "aac" ? "1210" : "01 02 3801 80bb0000 0000 00"));
  if (config.kind === "malformed") throw new Error(config.message);
  return config;
}

function init(bytes: Uint8Array): Mp4Init {
  const parsed = parseInit(bytes);
  if (parsed.kind === "malformed") throw new Error(parsed.message);
  return parsed;
}

function fragment(bytes: Uint8Array, tracks: Mp4Init): Mp4Fragment {
  const parsed = parseFragment(bytes, tracks);
  if (parsed.kind === "malformed") throw new Error(parsed.message);
  return parsed;
}

const sample = (dtsMs: number, durationMs: number, isKey: boolean, size = 3, ptsMs = dtsMs): Sample => ({
  kind: "video",
  dtsUs: dtsMs * 1000,
  ptsUs: ptsMs * 1000,
  durationUs: durationMs * 1000,
  isKey,
  data: new Uint8Array(size).fill(dtsMs),
});

const STREAMS = [
  { name: "H.264 and AAC", video: video("high-odd-crop"), audio: audio("aac") },
  { name: "H.265 and Opus", video: video("hevc-main10"), audio: audio("opus") },
  { name: "AV1 alone", video: video("av1-svt"), audio: undefined },
  { name: "VP9 and Opus", video: video("vp9"), audio: audio("opus") },
  { name: "AAC alone", video: undefined, audio: audio("aac") },
];

test.each(STREAMS)("the init segment of $name reads back as it was", ({ video, audio }) => {
  const { tracks } = init(buildInit({ video, audio }));
  expect(tracks.map((track) => track.config)).toEqual([video, audio].filter((config) => config !== undefined));
  for (const { trackId, timescale, config } of tracks) {
    expect(trackId).toBe(config.kind === "video" ? VIDEO_TRACK_ID : AUDIO_TRACK_ID);
    expect(timescale).toBe(config.kind === "video" ? VIDEO_TIMESCALE : config.sampleRate);
  }
});

test.each(STREAMS)("mp4box reads the same tracks and samples of $name", ({ video, audio }) => {
  const file = createFile();
  let tracks: { id: number; codec: string; timescale: number; video?: object; audio?: object }[] = [];
  const seen: { id: number; dts: number; cts: number; duration: number; is_sync: boolean; size: number }[] = [];
  file.onReady = (info) => {
    tracks = info.tracks;
    for (const { id } of info.tracks) file.setExtractionOptions(id, undefined, { nbSamples: 1 });
    file.start();
  };
  file.onSamples = (id, _user, samples) => {
    for (const { dts, cts, duration, is_sync, size } of samples) seen.push({ id, dts, cts, duration, is_sync, size });
  };
  const timescale = audio?.sampleRate ?? 0;
  const pieces = [buildInit({ video, audio })];
  const samples = [sample(0, 40, true, 5, 80), sample(40, 40, false, 7, 40), sample(80, 20, false, 7)];
  if (video) pieces.push(writeFragment(samples, 1, VIDEO_TRACK_ID, VIDEO_TIMESCALE));
  if (audio) pieces.push(writeFragment([{ ...sample(10, 20, true), kind: "audio" }], 2, AUDIO_TRACK_ID, timescale));
  const bytes = concatBytes(pieces);
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(bytes.buffer as ArrayBuffer, 0));
  file.flush();

  const codecs = [video?.codecString, audio?.codecString].filter((codec) => codec !== undefined);
  expect(tracks.map((track) => track.codec.toLowerCase())).toEqual(codecs.map((codec) => codec.toLowerCase()));
  if (video) expect(tracks[0]?.video).toMatchObject({ width: video.width, height: video.height });
  if (audio) {
    expect(tracks.at(-1)?.audio).toMatchObject({ sample_rate: timescale, channel_count: audio.channelCount });
  }
  const ofVideo = [
    { id: 1, dts: 0, cts: 7200, duration: 3600, is_sync: true, size: 5 },
    { id: 1, dts: 3600, cts: 3600, duration: 3600, is_sync: false, size: 7 },
    { id: 1, dts: 7200, cts: 7200, duration: 1800, is_sync: false, size: 7 },
  ];
  const dts = timescale / 100;
  const ofAudio = { id: 2, dts, cts: dts, duration: timescale / 50, is_sync: true, size: 3 };
  expect(seen.sort((a, b) => a.id - b.id)).toEqual([...(video ? ofVideo : []), ...(audio ? [ofAudio] : [])]);
});

test("the MIME type names the codecs, and audio alone is audio", () => {
  expect(mimeTypeOf({ video: video("high-odd-crop"), audio: audio("aac") })).toBe(
    'video/mp4; codecs="avc1.64000a,mp4a.40.2"',
  );
  expect(mimeTypeOf({ audio: audio("opus") })).toBe('audio/mp4; codecs="opus"');
});

const tracks = init(buildInit({ video: video("high-odd-crop"), audio: audio("aac") }));

test("any samples survive a fragment: times in ticks, flags, data and offsets", () => {
  const shape = fc.record({
    stepUs: fc.integer({ min: 0, max: 100_000 }),
    compositionUs: fc.integer({ min: -100_000, max: 200_000 }),
    isKey: fc.boolean(),
    data: fc.uint8Array({ maxLength: 10 }),
  });
  const startUs = fc.integer({ min: 0, max: 1e12 });
  fc.assert(
    fc.property(startUs, fc.array(shape, { minLength: 1, maxLength: 6 }), fc.boolean(), (start, shapes, isPlain) => {
      let dtsUs = start;
      const samples: Sample[] = shapes.map(({ stepUs, compositionUs, isKey, data }) => {
        const ptsUs = dtsUs + (isPlain ? 0 : compositionUs);
        const made: Sample = { kind: "video", dtsUs, ptsUs, durationUs: stepUs, isKey, data };
        dtsUs += stepUs;
        return made;
      });
      const bytes = writeFragment(samples, 7, VIDEO_TRACK_ID, VIDEO_TIMESCALE);
      const parsed = fragment(bytes, tracks);
      expect(parsed.sequenceNumber).toBe(7);
      const ticks = (timeUs: number) => Math.round((timeUs * 90_000) / 1e6) + 0; // never -0
      expect(parsed.samples).toEqual(
        samples.map((made) => ({
          trackId: VIDEO_TRACK_ID,
          dtsTicks: ticks(made.dtsUs),
          ptsTicks: ticks(made.ptsUs),
          durationTicks: ticks(made.dtsUs + made.durationUs) - ticks(made.dtsUs),
          isKey: made.isKey,
          data: made.data,
        })),
      );
      const boxes = readBoxes(bytes);
      expect(!("kind" in boxes) && boxes.map((box) => box.type)).toEqual(["moof", "mdat"]);
    }),
    { numRuns: 500 },
  );
});

test.each([44_100, 48_000, 90_000])(
  "fragments at %i ticks a second meet exactly for days, without drift",
  (timescale) => {
    const start = fc.integer({ min: 0, max: 3 * 86_400_000_000 });
    const steps = fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(start, steps, (startUs, stepsUs) => {
        let dtsUs = startUs;
        let endTicks = ticksOf(startUs, timescale);
        for (const durationUs of stepsUs) {
          const made: Sample = { ...sample(0, 0, true), dtsUs, ptsUs: dtsUs, durationUs };
          const [read] = fragment(writeFragment([made], 1, VIDEO_TRACK_ID, timescale), tracks).samples;
          expect(read!.dtsTicks).toBe(endTicks);
          endTicks = read!.dtsTicks + read!.durationTicks;
          dtsUs += durationUs;
        }
        expect(Math.abs(endTicks - (dtsUs * timescale) / 1e6)).toBeLessThanOrEqual(0.5);
      }),
    );
  },
);

test.each([
  { samples: [sample(0, 40, true)], trunBytes: 20, why: "one sample: all its values are defaults" },
  { samples: [sample(0, 40, false, 3, 80)], trunBytes: 24, why: "a composition offset is a column" },
  {
    samples: [sample(0, 40, true), sample(40, 40, false)],
    trunBytes: 24,
    why: "a key frame, then another: first-sample flags",
  },
  { samples: [sample(0, 40, true), sample(40, 40, false, 4)], trunBytes: 32, why: "sizes differ" },
  {
    samples: [sample(0, 40, true), sample(40, 40, true), sample(80, 40, false)],
    trunBytes: 32,
    why: "flags differ later",
  },
  { samples: [sample(0, 30, false), sample(30, 40, false)], trunBytes: 28, why: "durations differ" },
])("trun has $trunBytes bytes: $why", ({ samples, trunBytes }) => {
  const bytes = writeFragment(samples, 1, VIDEO_TRACK_ID, VIDEO_TIMESCALE);
  const trunType = 0x7472756e;
  let offset = 0;
  while (readU32(bytes, offset + 4) !== trunType) offset++;
  expect(readU32(bytes, offset)).toBe(trunBytes);
});

test("no samples and no tracks are bugs of the caller", () => {
  expect(() => writeFragment([], 1, 1, 1)).toThrow(RangeError);
  expect(() => buildInit({})).toThrow(RangeError);
});

test.each([
  { file: "avc.mp4", codecs: ["h264", "aac"], counts: [15, 30] },
  { file: "hevc.mp4", codecs: ["h265"], counts: [10] },
  { file: "av1.mp4", codecs: ["av1"], counts: [10] },
  { file: "vp9-opus.mp4", codecs: ["vp9", "opus"], counts: [10, 21] },
])("ffmpeg's $file comes apart into the packets that ffprobe counts", ({ file, codecs, counts }) => {
  const bytes = new Uint8Array(readFileSync(new URL(`../testdata/${file}`, import.meta.url)));
  const parsed = init(bytes);
  expect(parsed.tracks.map((track) => track.config.codec)).toEqual(codecs);
  const top = readBoxes(bytes);
  if ("kind" in top) throw new Error(top.message);
  const found = new Map<number, number>();
  for (const [index, { type, start }] of top.entries()) {
    if (type !== "moof") continue;
    for (const { trackId } of fragment(bytes.subarray(start, top[index + 1]!.end), parsed).samples) {
      found.set(trackId, (found.get(trackId) ?? 0) + 1);
    }
  }
  expect(parsed.tracks.map((track) => found.get(track.trackId))).toEqual(counts);
});

test("a changed byte anywhere, and any bytes, are read or refused", () => {
  const wholeInit = buildInit({ video: video("high-odd-crop"), audio: audio("aac") });
  const whole = writeFragment([sample(0, 40, true), sample(40, 30, false, 9, 80)], 1, VIDEO_TRACK_ID, VIDEO_TIMESCALE);
  fc.assert(
    fc.property(fc.nat(), fc.nat(255), fc.uint8Array({ maxLength: 60 }), (at, value, noise) => {
      for (const [original, parse] of [
        [wholeInit, parseInit],
        [whole, (bytes: Uint8Array) => parseFragment(bytes, tracks)],
      ] as const) {
        const changed = original.slice();
        changed[at % changed.length] = value;
        for (const bytes of [changed, noise, original.subarray(0, at % original.length)]) {
          expect(["init", "fragment", "malformed"]).toContain(parse(bytes).kind);
        }
      }
    }),
    { numRuns: 1000 },
  );
});
