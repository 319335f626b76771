import { fromHex } from "@kagami/bytes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FLV_TRACK_LIMIT } from "./flv-event.ts";
import { parseFlvAudio, parseFlvVideo } from "./flv-tag.ts";

const AVC1 = "61 76 63 31";
const HVC1 = "68 76 63 31";
const AV01 = "61 76 30 31";
const VP09 = "76 70 30 39";
const MP4A = "6d 70 34 61";
const OPUS = "4f 70 75 73";

function frame(codec: string, data: string, fields: object = {}) {
  const base = { kind: "frame", codec, trackId: 0, isKey: true, compositionTimeMs: 0, timestampOffsetNs: 0 };
  return { ...base, data: fromHex(data), ...fields };
}

test.each([
  {
    wire: "17 00 000000 0142",
    event: { kind: "config", codec: "h264", trackId: 0, record: fromHex("0142") },
    why: "AVC sequence header",
  },
  { wire: "17 01 000000 aabb", event: frame("h264", "aabb"), why: "AVC key frame" },
  {
    wire: "27 01 000050 aabb",
    event: frame("h264", "aabb", { isKey: false, compositionTimeMs: 80 }),
    why: "an inter frame that is shown later",
  },
  {
    wire: "27 01 ffffff aa",
    event: frame("h264", "aa", { isKey: false, compositionTimeMs: -1 }),
    why: "composition time is signed",
  },
  { wire: "47 01 000000 aa", event: frame("h264", "aa"), why: "a generated key frame is a key frame" },
  { wire: "17 02 000000", event: { kind: "end", codec: "h264", trackId: 0 }, why: "AVC end of sequence" },
  { wire: "1c 01 000001 aa", event: frame("h265", "aa", { compositionTimeMs: 1 }), why: "codec 12 is H.265 by custom" },
  { wire: "", event: { kind: "ignored", reason: "empty" }, why: "some encoders send nothing" },
  { wire: "17 01 000000", event: { kind: "ignored", reason: "empty" }, why: "a frame without bytes is none" },
  { wire: "57 00", event: { kind: "ignored", reason: "command" }, why: "frame type 5 is a command" },
  { wire: "12 00", event: { kind: "ignored", reason: "unsupported-codec", codecName: "2" }, why: "Sorenson H.263" },
  { wire: "17 01 0000", event: { kind: "malformed", code: "FLV_TRUNCATED" }, why: "cut inside the composition time" },
  { wire: "17 00 000000", event: { kind: "ignored", reason: "empty" }, why: "an empty record says nothing" },
  {
    wire: "17 03 000000 aa",
    event: { kind: "malformed", code: "FLV_PACKET_TYPE" },
    why: "AVCPacketType 3 does not exist",
  },
  { wire: `90 ${HVC1} 01`, event: { kind: "config", codec: "h265", record: fromHex("01") }, why: "SequenceStart" },
  {
    wire: `91 ${HVC1} 000028 aa`,
    event: frame("h265", "aa", { compositionTimeMs: 40 }),
    why: "CodedFrames of HEVC have a composition time",
  },
  {
    wire: `a1 ${AVC1} fffffe aa`,
    event: frame("h264", "aa", { isKey: false, compositionTimeMs: -2 }),
    why: "so have those of AVC",
  },
  { wire: `91 ${AV01} aa`, event: frame("av1", "aa"), why: "CodedFrames of AV1 have none" },
  { wire: `a1 ${VP09} aa`, event: frame("vp9", "aa", { isKey: false }), why: "nor have those of VP9" },
  { wire: `a3 ${HVC1} aabb`, event: frame("h265", "aabb", { isKey: false }), why: "CodedFramesX leaves it out" },
  { wire: `90 ${AV01}`, event: { kind: "ignored", reason: "empty" }, why: "FFmpeg starts AV1 with an empty record" },
  { wire: `92 ${AV01}`, event: { kind: "end", codec: "av1" }, why: "SequenceEnd" },
  { wire: `94 ${HVC1} 0200`, event: { kind: "metadata", trackId: 0, data: fromHex("0200") }, why: "Metadata" },
  {
    wire: `d4 ${HVC1} 02`,
    event: { kind: "metadata", data: fromHex("02") },
    why: "Metadata disregards the frame type",
  },
  { wire: `95 ${AV01} 00`, event: { kind: "ignored", reason: "mpeg2ts-sequence-start" }, why: "MPEG2TSSequenceStart" },
  { wire: "d1 00", event: { kind: "ignored", reason: "command" }, why: "an enhanced command" },
  {
    wire: "91 76 76 63 31 aa",
    event: { kind: "ignored", reason: "unsupported-codec", codecName: "vvc1" },
    why: "another FourCC",
  },
  { wire: "91 00 01 0a ff aa", event: { kind: "ignored", codecName: "????" }, why: "a FourCC is made printable" },
  {
    wire: `97 02 000fff 03 ${HVC1} aa`,
    event: frame("h265", "aa", { timestampOffsetNs: 4095 }),
    why: "ModEx TimestampOffsetNano, then CodedFramesX",
  },
  {
    wire: `97 02 ffffff 03 ${HVC1} aa`,
    event: frame("h265", "aa", { timestampOffsetNs: 999_999 }),
    why: "it stays below a millisecond",
  },
  {
    wire: `97 00 55 17 02 000001 03 ${HVC1} aa`,
    event: frame("h265", "aa", { timestampOffsetNs: 1 }),
    why: "an unknown ModEx, then a known one",
  },
  { wire: "97 02 0000", event: { kind: "malformed", code: "FLV_TRUNCATED" }, why: "cut inside a ModEx" },
  { wire: "91 6876", event: { kind: "malformed", code: "FLV_TRUNCATED" }, why: "cut inside the FourCC" },
  {
    wire: `91 ${HVC1} 0000`,
    event: { kind: "malformed", code: "FLV_TRUNCATED" },
    why: "cut inside the composition time",
  },
  { wire: `98 ${HVC1} 00`, event: { kind: "malformed", code: "FLV_PACKET_TYPE" }, why: "packet type 8 is reserved" },
])("video $wire: $why", ({ wire, event }) => {
  expect(parseFlvVideo(fromHex(wire))).toMatchObject(event);
});

test("a ModEx of 256 bytes or more has a 16-bit size", () => {
  const body = fromHex(`97 ff 012b ${"00".repeat(300)} 03 ${HVC1} aa`);
  expect(parseFlvVideo(body)).toMatchObject(frame("h265", "aa"));
});

test.each([
  {
    wire: "af 00 1210",
    event: { kind: "config", codec: "aac", trackId: 0, record: fromHex("1210") },
    why: "AAC sequence header",
  },
  { wire: "af 01 21", event: frame("aac", "21"), why: "AAC frame" },
  { wire: "af 01", event: { kind: "ignored", reason: "empty" }, why: "a frame without bytes is none" },
  { wire: "", event: { kind: "ignored", reason: "empty" }, why: "some encoders send nothing" },
  { wire: "2f 00", event: { kind: "ignored", reason: "unsupported-codec", codecName: "2" }, why: "MP3" },
  { wire: "af", event: { kind: "malformed", code: "FLV_TRUNCATED" }, why: "cut after the first byte" },
  { wire: "af 02 00", event: { kind: "malformed", code: "FLV_PACKET_TYPE" }, why: "AACPacketType 2 does not exist" },
  { wire: `90 ${OPUS} 4f`, event: { kind: "config", codec: "opus", record: fromHex("4f") }, why: "SequenceStart" },
  { wire: `91 ${MP4A} 21`, event: frame("aac", "21"), why: "CodedFrames" },
  { wire: `92 ${OPUS}`, event: { kind: "end", codec: "opus" }, why: "SequenceEnd" },
  { wire: `94 ${OPUS} 00 02`, event: { kind: "ignored", reason: "multichannel-config" }, why: "MultichannelConfig" },
  {
    wire: "91 2e 6d 70 33 ff",
    event: { kind: "ignored", reason: "unsupported-codec", codecName: ".mp3" },
    why: "MP3 by FourCC",
  },
  { wire: `97 02 000001 01 ${OPUS} aa`, event: frame("opus", "aa", { timestampOffsetNs: 1 }), why: "ModEx" },
  { wire: `93 ${OPUS} aa`, event: { kind: "malformed", code: "FLV_PACKET_TYPE" }, why: "audio has no CodedFramesX" },
  {
    wire: `95 01 ${OPUS} 07 aabb`,
    event: { kind: "multitrack", tracks: [frame("opus", "aabb", { trackId: 7 })] },
    why: "OneTrack has no size",
  },
  {
    wire: `95 11 ${OPUS} 00 000001 aa 01 000002 bbcc`,
    event: { kind: "multitrack", tracks: [frame("opus", "aa"), frame("opus", "bbcc", { trackId: 1 })] },
    why: "ManyTracks share a codec",
  },
  {
    wire: `95 21 ${OPUS} 00 000001 aa ${MP4A} 01 000002 bbcc`,
    event: { kind: "multitrack", tracks: [frame("opus", "aa"), frame("aac", "bbcc", { trackId: 1 })] },
    why: "ManyTracksManyCodecs",
  },
  {
    wire: `95 11 ${OPUS} 00 000009 aa`,
    event: { kind: "malformed", code: "FLV_TRUNCATED" },
    why: "a track longer than the message",
  },
  {
    wire: `95 15 ${OPUS} 00 000001 aa`,
    event: { kind: "malformed", code: "FLV_MULTITRACK" },
    why: "multitrack in multitrack",
  },
  {
    wire: `95 31 ${OPUS} 00`,
    event: { kind: "malformed", code: "FLV_MULTITRACK" },
    why: "multitrack type 3 does not exist",
  },
])("audio $wire: $why", ({ wire, event }) => {
  expect(parseFlvAudio(fromHex(wire))).toMatchObject(event);
});

test("video tracks have composition times of their own", () => {
  const body = fromHex(`96 21 ${HVC1} 00 000004 000028aa ${AV01} 02 000001 bb`);
  expect(parseFlvVideo(body)).toEqual({
    kind: "multitrack",
    tracks: [frame("h265", "aa", { compositionTimeMs: 40 }), frame("av1", "bb", { trackId: 2 })],
  });
});

test("more tracks than the limit are refused", () => {
  const track = "00 000001 aa";
  const head = `95 11 ${OPUS}`;
  expect(parseFlvAudio(fromHex(head + track.repeat(FLV_TRACK_LIMIT)))).toMatchObject({ kind: "multitrack" });
  expect(parseFlvAudio(fromHex(head + track.repeat(FLV_TRACK_LIMIT + 1)))).toMatchObject({ code: "FLV_MULTITRACK" });
});

test("data is a view into the message, not a copy", () => {
  const body = fromHex("af 01 2122");
  const event = parseFlvAudio(body);
  expect(event.kind === "frame" && event.data.buffer === body.buffer).toBe(true);
});

test("any bytes are an event or a refusal", () => {
  const fourCc = fc.constantFrom(AVC1, HVC1, AV01, VP09, MP4A, OPUS).map((hex) => [...fromHex(hex)]);
  const likely = fc
    .tuple(fc.integer({ min: 0x80, max: 0xff }), fourCc, fc.uint8Array({ maxLength: 40 }))
    .map(([first, code, rest]) => Uint8Array.from([first, ...code, ...rest]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), likely), (body) => {
      for (const event of [parseFlvVideo(body), parseFlvAudio(body)]) {
        expect(["config", "frame", "end", "metadata", "ignored", "multitrack", "malformed"]).toContain(event.kind);
      }
    }),
    { numRuns: 2000 },
  );
});
