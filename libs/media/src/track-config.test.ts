import { readFileSync } from "node:fs";
import { fromHex, toHex } from "@kagami/bytes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAacSpecificConfig } from "./aac-config.ts";
import { buildAv1Record, findAv1SequenceHeader, parseAv1SequenceHeader } from "./av1-config.ts";
import { buildAvcRecord, parseAvcRecord } from "./avc-config.ts";
import { avcReorderLimit, parseAvcSps } from "./avc-sps.ts";
import { buildHevcRecord, parseHevcRecord } from "./hevc-config.ts";
import { opusHeadFromRecord, opusPacketDurationUs } from "./opus-config.ts";
import type { AudioCodec, VideoCodec } from "./sample.ts";
import { audioConfigFromRecord, audioFrameDurationUs, videoConfigFromRecord } from "./track-config.ts";

interface RecordRow {
  readonly codec: VideoCodec;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly level: number;
  readonly hasBFrames: number;
  readonly sampleAspectRatio: string;
  readonly record: string;
}
const records: RecordRow[] = JSON.parse(readFileSync(new URL("../testdata/records.json", import.meta.url), "utf8"));
const ofCodec = (codec: VideoCodec) => records.filter((row) => row.codec === codec);

const CODEC_STRINGS: Readonly<Record<string, string>> = {
  baseline: "avc1.42c00a",
  "main-bframes": "avc1.4d400a",
  "high-odd-crop": "avc1.64000a",
  "high-interlaced": "avc1.640015",
  high10: "avc1.6e000a",
  high422: "avc1.7a000a",
  high444: "avc1.f4000a",
  "level-5.2": "avc1.640034",
  "hevc-main": "hvc1.1.6.L30.90",
  "hevc-main10": "hvc1.2.4.L30.90",
  "av1-svt": "av01.0.00M.08",
  "av1-aom-10bit": "av01.0.00M.10",
  "av1-aom-444": "av01.1.00M.08",
  "av1-aom-422-12bit": "av01.2.00M.12",
  "av1-aom-gray": "av01.0.00M.08",
  vp9: "vp09.00.10.08",
};

test.each(records)("the record of $name has the size that ffprobe tells", ({ codec, name, width, height, record }) => {
  const config = videoConfigFromRecord(codec, fromHex(record));
  if (config.kind === "malformed") throw new Error(config.message);
  if (codec !== "vp9") expect([config.width, config.height]).toEqual([width, height]); // vpcC has no size
  expect(toHex(config.record)).toBe(record);
  const expected = CODEC_STRINGS[name];
  if (expected !== undefined) expect(config.codecString).toBe(expected);
});

test.each(ofCodec("h264"))("the SPS of $name has the reordering and the shape of samples that ffprobe tells", (row) => {
  const parsed = parseAvcRecord(fromHex(row.record));
  if ("kind" in parsed) throw new Error(parsed.message);
  const sps = parseAvcSps(parsed.sps[0]!);
  if ("kind" in sps) throw new Error(sps.message);
  expect(avcReorderLimit(sps)).toBe(row.hasBFrames);
  expect(sps.vui?.timing).toMatchObject({ numUnitsInTick: 1, timeScale: 50 });
  const { width, height } = sps.vui!.sampleAspectRatio;
  expect(width === 0 ? "1:1" : `${width}:${height}`).toBe(row.sampleAspectRatio);
  expect(sps.vui?.hasHrd).toBe(row.name === "high-hrd");
});

test.each(ofCodec("h264"))("the avcC of $name is built again from its parts", ({ record }) => {
  const parsed = parseAvcRecord(fromHex(record));
  if ("kind" in parsed) throw new Error(parsed.message);
  expect(toHex(buildAvcRecord(parsed.sps, parsed.pps, parsed.tail) as Uint8Array)).toBe(record);
});

test("the tail of a high profile is made where the publisher left it out", () => {
  const row = records.find(({ name }) => name === "high422")!;
  const full = fromHex(row.record);
  const config = videoConfigFromRecord("h264", full.subarray(0, full.length - 4));
  expect(config.kind === "video" && toHex(config.record)).toBe(row.record);
});

test.each(ofCodec("h265"))("the hvcC of $name, built from its parameter sets, says the same", ({ record }) => {
  const parsed = parseHevcRecord(fromHex(record));
  if ("kind" in parsed) throw new Error(parsed.message);
  const ofType = (type: number) => parsed.arrays.filter((list) => list.nalType === type).flatMap((list) => list.nals);
  const built = buildHevcRecord(ofType(32), ofType(33), ofType(34)) as Uint8Array;
  expect(toHex(built.subarray(0, 13))).toBe(toHex(parsed.head.subarray(0, 13))); // profile, tier, level
  expect(toHex(built.subarray(16, 19))).toBe(toHex(parsed.head.subarray(16, 19))); // formats
  expect(built[21]).toBe(parsed.head[21]); // layers and length size
  const again = parseHevcRecord(built);
  expect("arrays" in again && again.arrays.map((list) => list.nals)).toEqual(
    parsed.arrays.filter((list) => list.nalType <= 34).map((list) => list.nals),
  );
});

test.each(ofCodec("av1"))("the av1C of $name is built again from its sequence header", ({ record }) => {
  const bytes = fromHex(record);
  const payload = findAv1SequenceHeader(bytes.subarray(4))!;
  const header = parseAv1SequenceHeader(payload);
  if ("kind" in header) throw new Error(header.message);
  expect(toHex(buildAv1Record(header, payload))).toBe(record);
});

test("a record of 2-byte NAL lengths becomes one of 4, which is what viewers get", () => {
  for (const codec of ["h264", "h265"] as const) {
    const bytes = fromHex(ofCodec(codec)[0]!.record);
    const index = codec === "h264" ? 4 : 21;
    bytes[index] = (bytes[index]! & 0xfc) | 1;
    const config = videoConfigFromRecord(codec, bytes);
    expect(config.kind === "video" && config.record[index]! & 3).toBe(3);
  }
});

test("the lists of an hvcC are marked complete, as hvc1 demands", () => {
  const whole = fromHex(ofCodec("h265")[0]!.record);
  const marked = whole.slice();
  marked[23] = marked[23]! & 0x3f; // the first list, of the VPS
  const config = videoConfigFromRecord("h265", marked);
  expect(config.kind === "video" && config.record).toEqual(whole);
});

test.each([
  {
    wire: "1210",
    expected: { objectType: 2, outputSampleRate: 44_100, outputChannelCount: 2, samplesPerFrame: 1024 },
    codecString: "mp4a.40.2",
    why: "AAC-LC",
  },
  {
    wire: "1190",
    expected: { objectType: 2, outputSampleRate: 48_000, outputChannelCount: 2, samplesPerFrame: 1024 },
    codecString: "mp4a.40.2",
    why: "AAC-LC at 48 kHz",
  },
  {
    wire: "1214",
    expected: { objectType: 2, outputSampleRate: 44_100, outputChannelCount: 2, samplesPerFrame: 960 },
    codecString: "mp4a.40.2",
    why: "frames of 960",
  },
  {
    wire: "2b920800",
    expected: {
      objectType: 2,
      sampleRate: 22_050,
      outputSampleRate: 44_100,
      outputChannelCount: 2,
      hasSbr: true,
      hasPs: false,
      samplesPerFrame: 2048,
    },
    codecString: "mp4a.40.5",
    why: "HE-AAC in front",
  },
  {
    wire: "eb8a0800",
    expected: {
      objectType: 2,
      sampleRate: 22_050,
      channelCount: 1,
      outputSampleRate: 44_100,
      outputChannelCount: 2,
      hasSbr: true,
      hasPs: true,
      samplesPerFrame: 2048,
    },
    codecString: "mp4a.40.29",
    why: "HE-AAC v2 in front",
  },
  {
    wire: "139056e5a0",
    expected: {
      objectType: 2,
      sampleRate: 22_050,
      outputSampleRate: 44_100,
      hasSbr: true,
      hasPs: false,
      samplesPerFrame: 2048,
    },
    codecString: "mp4a.40.5",
    why: "HE-AAC behind",
  },
  {
    wire: "138856e5a54880",
    expected: { objectType: 2, sampleRate: 22_050, outputSampleRate: 44_100, outputChannelCount: 2, hasPs: true },
    codecString: "mp4a.40.29",
    why: "HE-AAC v2 behind",
  },
  {
    wire: "1780 5dc0 10",
    expected: { objectType: 2, outputSampleRate: 48_000, outputChannelCount: 2 },
    codecString: "mp4a.40.2",
    why: "index 15 spells the rate out",
  },
  { wire: "11b0", expected: { outputSampleRate: 48_000, outputChannelCount: 6 }, codecString: "mp4a.40.2", why: "5.1" },
  {
    wire: "11b8",
    expected: { outputSampleRate: 48_000, outputChannelCount: 8 },
    codecString: "mp4a.40.2",
    why: "configuration 7 is 7.1",
  },
])("AudioSpecificConfig $wire: $why", ({ wire, expected, codecString }) => {
  expect(parseAacSpecificConfig(fromHex(wire))).toMatchObject(expected);
  expect(audioConfigFromRecord("aac", fromHex(wire))).toMatchObject({ kind: "audio", codec: "aac", codecString });
});

test.each([
  { wire: "", why: "nothing" },
  { wire: "12", why: "cut inside the rate" },
  { wire: "f812 10", why: "escape object type 32 is no AAC" },
  { wire: "1690", why: "rate index 13 is reserved" },
  { wire: "0210", why: "object type 0 is null" },
])("AudioSpecificConfig $wire is refused: $why", ({ wire }) => {
  expect(parseAacSpecificConfig(fromHex(wire))).toMatchObject({ kind: "malformed", code: "AAC_CONFIG" });
});

test("an OpusHead becomes dOps and back, with or without its magic", () => {
  const head = fromHex("4f70757348656164 01 02 3801 80bb0000 0000 00");
  const config = audioConfigFromRecord("opus", head);
  if (config.kind === "malformed") throw new Error(config.message);
  expect(config).toMatchObject({ codec: "opus", codecString: "opus", sampleRate: 48_000, channelCount: 2 });
  expect(toHex(config.record)).toBe("0002" + "0138" + "0000bb80" + "0000" + "00");
  expect(audioConfigFromRecord("opus", head.subarray(8))).toEqual(config);
  expect(opusHeadFromRecord(config.record)).toEqual(head);
});

test.each([
  { packet: "fc", durationUs: 20_000, why: "CELT, one frame of 20 ms" },
  { packet: "e0", durationUs: 2_500, why: "CELT, 2.5 ms" },
  { packet: "80", durationUs: 2_500, why: "CELT begins at configuration 16" },
  { packet: "88", durationUs: 5_000, why: "CELT, 5 ms" },
  { packet: "1d", durationUs: 120_000, why: "SILK, two frames of 60 ms" },
  { packet: "60", durationUs: 10_000, why: "hybrid, 10 ms" },
  { packet: "ff03", durationUs: 60_000, why: "code 3 counts its frames" },
])("Opus packet $packet lasts $durationUs µs: $why", ({ packet, durationUs }) => {
  expect(opusPacketDurationUs(fromHex(packet))).toBe(durationUs);
});

test.each(["", "ff00", "ff07"])("Opus packet %j is refused", (packet) => {
  expect(opusPacketDurationUs(fromHex(packet))).toMatchObject({ code: "OPUS_PACKET" });
});

test("an AAC frame lasts its samples, not a rounded millisecond", () => {
  const config = audioConfigFromRecord("aac", fromHex("1210"));
  if (config.kind === "malformed") throw new Error(config.message);
  expect(audioFrameDurationUs(config, new Uint8Array(1))).toBeCloseTo((1024 * 1e6) / 44_100, 6);
});

test("every record cut short anywhere is refused or still good, never thrown at", () => {
  for (const { codec, record } of records) {
    const bytes = fromHex(record);
    for (let length = 0; length < bytes.length; length++) {
      const result = videoConfigFromRecord(codec, bytes.subarray(0, length));
      expect(["video", "malformed"]).toContain(result.kind);
    }
  }
});

test("a record with any byte changed, and any bytes, give a configuration or a refusal", () => {
  const mutated = fc.tuple(fc.constantFrom(...records), fc.nat(), fc.nat({ max: 255 })).map(([row, at, value]) => {
    const bytes = fromHex(row.record);
    bytes[at % bytes.length] = value;
    return { codec: row.codec, bytes };
  });
  fc.assert(
    fc.property(mutated, fc.uint8Array({ maxLength: 64 }), ({ codec, bytes }, noise) => {
      expect(["video", "malformed"]).toContain(videoConfigFromRecord(codec, bytes).kind);
      expect(["video", "malformed"]).toContain(videoConfigFromRecord(codec, noise).kind);
      for (const audio of ["aac", "opus"] satisfies AudioCodec[]) {
        expect(["audio", "malformed"]).toContain(audioConfigFromRecord(audio, noise).kind);
      }
    }),
    { numRuns: 1000 },
  );
});

test.each(["h264", "h265", "av1", "vp9"] as const)("a %s record over the limit is refused", (codec) => {
  expect(videoConfigFromRecord(codec, new Uint8Array(65_537)).kind).toBe("malformed");
});
