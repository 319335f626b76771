import { readFileSync } from "node:fs";
import { concatBytes, fromHex, toHex, writeU16, writeU32 } from "@kagami/bytes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAvcRecord } from "./avc-config.ts";
import { parseHevcRecord } from "./hevc-config.ts";
import { parseFragment, parseInit } from "./mp4-reader.ts";
import type { NormalizedSample, VideoTrack } from "./normalized-sample.ts";
import type { VideoCodec } from "./sample.ts";
import { openVideoTrack } from "./video-track.ts";

const records: { codec: VideoCodec; name: string; record: string; width: number; height: number }[] = JSON.parse(
  readFileSync(new URL("../testdata/records.json", import.meta.url), "utf8"),
);
const recordOf = (name: string) => fromHex(records.find((row) => row.name === name)!.record);

function open(codec: VideoCodec, record: Uint8Array): VideoTrack {
  const track = openVideoTrack(codec, record);
  if (track.kind === "malformed") throw new Error(track.message);
  return track;
}

function normalize(track: VideoTrack, data: Uint8Array): NormalizedSample {
  const sample = track.normalize(data);
  if (sample.kind === "malformed") throw new Error(sample.message);
  return sample;
}

function prefixed(nals: readonly (Uint8Array | string)[], sizeBytes = 4): Uint8Array {
  return concatBytes(
    nals.flatMap((item) => {
      const nal = typeof item === "string" ? fromHex(item) : item;
      const length = new Uint8Array(sizeBytes);
      if (sizeBytes === 4) writeU32(length, 0, nal.length);
      else if (sizeBytes === 2) writeU16(length, 0, nal.length);
      else length[0] = nal.length;
      return [length, nal];
    }),
  );
}

const avcSets = (name: string) => {
  const parsed = parseAvcRecord(recordOf(name));
  if ("kind" in parsed) throw new Error(parsed.message);
  return { sps: parsed.sps[0]!, pps: parsed.pps[0]! };
};
const IDR = "65 88 84";
const INTER = "41 9a 02";
const AUD = "09 f0";
const FILLER = "0c ff ff 80";
const RECOVERY_SEI = "06 06 01 c4 80";
const USER_DATA_SEI = "06 05 02 06 06 80";

test.each([
  { nals: [IDR], kept: [IDR], isKey: true, copies: "same", why: "nothing to do" },
  { nals: [INTER], kept: [INTER], isKey: false, copies: "same", why: "an inter picture" },
  { nals: [AUD, INTER], kept: [INTER], isKey: false, copies: "view", why: "a delimiter in front costs no copy" },
  { nals: [AUD, IDR, FILLER], kept: [IDR], isKey: true, copies: "view", why: "nor does filler behind" },
  { nals: [IDR, FILLER, IDR], kept: [IDR, IDR], isKey: true, copies: "copy", why: "filler between slices does" },
  { nals: [USER_DATA_SEI, INTER], kept: [USER_DATA_SEI, INTER], isKey: false, copies: "same", why: "SEI stays" },
  { nals: [AUD], kept: [], isKey: false, copies: "view", why: "no picture at all" },
  { nals: ["", INTER], kept: [INTER], isKey: false, copies: "view", why: "an empty NAL unit goes" },
])("H.264 $nals: $why", ({ nals, kept, isKey, copies }) => {
  const data = prefixed(nals);
  const sample = normalize(open("h264", recordOf("baseline")), data);
  expect(toHex(sample.data)).toBe(toHex(prefixed(kept)));
  expect(sample).toMatchObject({ isKey, changedConfig: undefined });
  expect(sample.data === data ? "same" : sample.data.buffer === data.buffer ? "view" : "copy").toBe(copies);
});

test.each([1, 2])("NAL lengths of %i bytes become lengths of 4", (sizeBytes) => {
  const record = recordOf("baseline");
  record[4] = 0xfc | (sizeBytes - 1);
  const track = open("h264", record);
  const sample = normalize(track, prefixed([AUD, IDR, FILLER, IDR], sizeBytes));
  expect(toHex(sample.data)).toBe(toHex(prefixed([IDR, IDR])));
  expect(track.config.record[4]! & 3).toBe(3);
});

test("filler that makes up for shorter lengths does not fool the copy", () => {
  const record = recordOf("baseline");
  record[4] = 0xfc | 1;
  const sample = normalize(open("h264", record), prefixed([IDR, "0c 80", IDR], 2)); // as long as the result
  expect(toHex(sample.data)).toBe(toHex(prefixed([IDR, IDR])));
});

test("a recovery point is reported apart from key frames", () => {
  const track = open("h264", recordOf("baseline"));
  expect(normalize(track, prefixed([RECOVERY_SEI, INTER]))).toMatchObject({ isKey: false, hasRecoveryPoint: true });
  // The payload of this message has the bytes of a recovery point, but its type is another.
  expect(normalize(track, prefixed([USER_DATA_SEI, INTER]))).toMatchObject({ hasRecoveryPoint: false });
});

test("parameter sets in the stream that repeat the configuration are left out", () => {
  const { sps, pps } = avcSets("baseline");
  const sample = normalize(open("h264", recordOf("baseline")), prefixed([sps, pps, IDR]));
  expect(toHex(sample.data)).toBe(toHex(prefixed([IDR])));
  expect(sample.changedConfig).toBeUndefined();
});

test("other parameter sets are a new configuration, once", () => {
  const track = open("h264", recordOf("baseline"));
  const { sps, pps } = avcSets("high-odd-crop");
  const data = prefixed([AUD, sps, pps, IDR]);
  const sample = normalize(track, data);
  expect(sample.changedConfig).toMatchObject({ codec: "h264", width: 130, height: 74, codecString: "avc1.64000a" });
  expect(track.config).toBe(sample.changedConfig);
  expect(toHex(sample.data)).toBe(toHex(prefixed([IDR])));
  expect(normalize(track, data).changedConfig).toBeUndefined();
  data.fill(0); // the track must not have kept views into the message
  expect(normalize(track, prefixed([sps, pps, IDR])).changedConfig).toBeUndefined();
});

test("a PPS of another id joins the ones there are", () => {
  const track = open("h264", recordOf("baseline"));
  const { changedConfig } = normalize(track, prefixed(["68 47 11 22", IDR])); // 0100 0111: id 1
  const parsed = parseAvcRecord(changedConfig!.record);
  expect("pps" in parsed && parsed.pps).toHaveLength(2);
});

test("H.265 is treated alike", () => {
  const record = recordOf("hevc-main");
  const track = open("h265", record);
  const parsed = parseHevcRecord(recordOf("hevc-odd-crop"));
  if ("kind" in parsed) throw new Error(parsed.message);
  const others = parsed.arrays.filter((list) => list.nalType <= 34).flatMap((list) => list.nals);
  const idr = "28 01 af";
  const cra = "2a 01 af";
  const inter = "02 01 d0";
  expect(normalize(track, prefixed([inter]))).toMatchObject({ isKey: false, hasRecoveryPoint: false });
  expect(normalize(track, prefixed([cra]))).toMatchObject({ isKey: true });
  expect(normalize(track, prefixed(["4e 01 06 01 c4 80", inter]))).toMatchObject({ hasRecoveryPoint: true });
  const sample = normalize(track, prefixed(["46 01 50", ...others, idr, "4c 01 ff 80"]));
  expect(toHex(sample.data)).toBe(toHex(prefixed([idr])));
  expect(sample).toMatchObject({ isKey: true, changedConfig: { codec: "h265", width: 134, height: 78 } });
  expect(normalize(track, prefixed([...others, idr])).changedConfig).toBeUndefined();
});

test.each([
  { data: "000000ff 65", code: "NAL_LENGTH", why: "a length past the end" },
  { data: "0000", code: "NAL_LENGTH", why: "cut inside a length" },
  { data: "00000001 65 00000001 41 9a", code: "NAL_ANNEX_B", why: "start codes of four bytes" },
  { data: "000001 65 88 84", code: "NAL_ANNEX_B", why: "start codes of three bytes" },
  { data: "00000001 67", code: "AVC_SPS", why: "a broken SPS" },
  { data: "00".repeat(4 * 4097), code: "NAL_LENGTH", why: "more NAL units than any level allows" },
])("$code: $why", ({ data, code }) => {
  const track = open("h264", recordOf("baseline"));
  expect(track.normalize(fromHex(data))).toMatchObject({ kind: "malformed", code });
  expect(normalize(track, prefixed([IDR])).isKey).toBe(true); // the next picture is good
});

function videoSamples(file: string) {
  const bytes = new Uint8Array(readFileSync(new URL(`../testdata/${file}`, import.meta.url)));
  const init = parseInit(bytes);
  if (init.kind === "malformed") throw new Error(init.message);
  const video = init.tracks.find((track) => track.config.kind === "video")!;
  const fragment = parseFragment(bytes, init);
  if (fragment.kind === "malformed") throw new Error(fragment.message);
  return { config: video.config, samples: fragment.samples.filter((sample) => sample.trackId === video.trackId) };
}

test.each(["avc.mp4", "hevc.mp4", "av1.mp4", "av1-10bit.mp4", "vp9-opus.mp4"])(
  "key frames are found in the bytes of %s where ffmpeg marked them",
  (file) => {
    const { config, samples } = videoSamples(file);
    const track = open(config.codec as VideoCodec, config.record);
    expect(samples.length).toBeGreaterThan(5);
    for (const { data, isKey } of samples) {
      const sample = normalize(track, data);
      expect(sample.isKey).toBe(isKey);
      // ffmpeg's samples are in form already: nothing is copied. VP9 tells its size in its first picture.
      expect(sample.data).toBe(data);
      if (sample.changedConfig) expect(sample.changedConfig).toMatchObject({ codec: "vp9", width: 128, height: 72 });
    }
  },
);

test("AV1 temporal delimiters and padding go, without a copy where they are in front", () => {
  const { config, samples } = videoSamples("av1.mp4");
  const track = open("av1", config.record);
  const { data } = samples[0]!;
  const delimited = concatBytes([fromHex("1200"), data]);
  const sample = normalize(track, delimited);
  expect(toHex(sample.data)).toBe(toHex(data));
  expect(sample.data.buffer).toBe(delimited.buffer);
  const between = concatBytes([data, fromHex("7a01ff"), samples[1]!.data]);
  expect(toHex(normalize(track, between).data)).toBe(toHex(concatBytes([data, samples[1]!.data])));
});

test.each([
  { frame: "32 01 10", isKey: true, why: "a key frame that is shown" },
  { frame: "32 01 00", isKey: false, why: "a key frame kept for later" },
  { frame: "32 01 30", isKey: false, why: "an inter frame" },
  { frame: "1a 01 80", isKey: false, why: "an old frame shown again" },
])("AV1 frame $frame: $why", ({ frame, isKey }) => {
  expect(normalize(open("av1", recordOf("av1-svt")), fromHex(frame))).toMatchObject({ isKey });
});

test("another AV1 sequence header is a new configuration, once", () => {
  const track = open("av1", recordOf("av1-svt"));
  const { data } = videoSamples("av1-10bit.mp4").samples[0]!;
  expect(normalize(track, data).changedConfig).toMatchObject({ codecString: "av01.0.00M.10", width: 128, height: 72 });
  expect(normalize(track, data).changedConfig).toBeUndefined();
});

test("AV1 that is cut short is refused", () => {
  const track = open("av1", recordOf("av1-svt"));
  expect(track.normalize(fromHex("320a00"))).toMatchObject({ code: "AV1_OBU" });
});

test("any bytes are a sample or a refusal for every codec", () => {
  const tracks = ["baseline", "hevc-main", "av1-svt", "vp9"].map((name) => {
    const row = records.find((candidate) => candidate.name === name)!;
    return open(row.codec, fromHex(row.record));
  });
  const nals = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 6 }).map((list) => prefixed(list));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), nals), (data) => {
      for (const track of tracks) expect(["sample", "malformed"]).toContain(track.normalize(data).kind);
    }),
    { numRuns: 2000 },
  );
});
