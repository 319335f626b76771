// Fields that no encoder at hand writes, put together bit by bit from the specifications.
import { BitWriter } from "@kagami/bytes";
import { expect, test } from "vitest";
import { parseAacSpecificConfig } from "./aac-config.ts";
import { parseAv1SequenceHeader } from "./av1-config.ts";
import { addEmulationPrevention } from "./emulation-prevention.ts";
import { parseHevcSps } from "./hevc-config.ts";
import { parseVp9FrameHeader } from "./vp9-config.ts";

/** Each field is `[value, bits]`; `"ue"` for an Exp-Golomb code. */
function bitsOf(fields: readonly (readonly [number, number | "ue"])[]): Uint8Array {
  const writer = new BitWriter();
  for (const [value, size] of fields) {
    if (size === "ue") writer.ue(value);
    else writer.bits(value, size);
  }
  return writer.toBytes();
}

test("an H.265 SPS with profiles and levels of sub-layers is read behind them", () => {
  const rbsp = bitsOf([
    [0x4201, 16],
    [0, 4],
    [2, 3], // sps_max_sub_layers_minus1
    [1, 1],
    ...Array.from({ length: 12 }, (_, index) => [index === 11 ? 93 : index + 1, 8] as const),
    [0b11_01, 4], // the first sub-layer has both, the second a level
    [0, 12],
    ...Array.from({ length: 12 }, () => [0xff, 8] as const), // 88 + 8 bits
    [0xff, 8],
    [0, "ue"],
    [2, "ue"], // 4:2:2
    [640, "ue"],
    [368, "ue"],
    [1, 1],
    [0, "ue"],
    [1, "ue"], // two pixels on the right
    [0, "ue"],
    [8, "ue"], // eight below
    [2, "ue"],
    [2, "ue"],
    [1, 1],
  ]);
  const sps = parseHevcSps(addEmulationPrevention(rbsp));
  expect(sps).toMatchObject({ width: 638, height: 360, chromaFormatIdc: 2, bitDepthLuma: 10, maxSubLayersMinus1: 2 });
  expect("profileTierLevel" in sps && sps.profileTierLevel[11]).toBe(93);
});

test("an AV1 sequence header with timing, decoder model and delays is read behind them", () => {
  const payload = bitsOf([
    [0, 3],
    [0, 2],
    [1, 1], // timing_info_present_flag
    [1, 32],
    [60, 32],
    [1, 1], // equal_picture_interval
    [0, "ue"],
    [1, 1], // decoder_model_info_present_flag
    [9, 5], // delays have ten bits
    [1000, 32],
    [9, 5],
    [9, 5],
    [1, 1], // initial_display_delay_present_flag
    [1, 5], // two operating points
    [0, 12],
    [8, 5], // level 4.0
    [1, 1], // high tier
    [1, 1],
    [0x3ff, 10],
    [0x3ff, 10],
    [1, 1],
    [1, 1],
    [3, 4],
    [1, 12],
    [5, 5],
    [0, 1],
    [0, 1],
    [10, 4],
    [10, 4],
    [1279, 11],
    [719, 11],
    [1, 1], // frame_id_numbers_present_flag
    [0, 7],
    [0, 3],
    [0, 4],
    [1, 1], // enable_order_hint
    [0, 2],
    [0, 1],
    [1, 1], // seq_force_screen_content_tools
    [0, 1],
    [1, 1], // seq_force_integer_mv
    [6, 3],
    [0, 3],
    [1, 1], // high_bitdepth
    [0, 1],
    [1, 1], // color_description_present_flag
    [9, 8],
    [16, 8],
    [9, 8],
    [0, 1],
    [2, 2], // chroma_sample_position
    [0, 2],
  ]);
  expect(parseAv1SequenceHeader(payload)).toEqual({
    ...{ profile: 0, isReducedStillPicture: false, levelIdx: 8, tier: 1, bitDepth: 10, isMonochrome: false },
    ...{ subsamplingX: 1, subsamplingY: 1, chromaSamplePosition: 2, width: 1280, height: 720 },
  });
});

test.each([
  { profile: 0, color: [[2, 4]], why: "profile 0 has a color space and a range" },
  {
    profile: 1,
    color: [
      [2, 4],
      [0, 3],
    ],
    why: "profile 1 adds its subsampling",
  },
  {
    profile: 1,
    color: [
      [7, 3],
      [0, 1],
    ],
    why: "RGB has a reserved bit alone",
  },
  {
    profile: 2,
    color: [
      [1, 1],
      [2, 4],
    ],
    why: "profile 2 adds its bit depth",
  },
  {
    profile: 3,
    color: [
      [1, 1],
      [2, 4],
      [0, 3],
    ],
    why: "profile 3 adds both",
  },
] as const)("a VP9 key frame's size stands behind its color: $why", ({ profile, color }) => {
  const data = bitsOf([
    [2, 2],
    [profile & 1, 1],
    [profile >> 1, 1],
    ...(profile === 3 ? [[0, 1] as const] : []),
    [0, 1],
    [0, 1], // key frame
    [1, 1],
    [0, 1],
    [0x498342, 24],
    ...color,
    [1919, 16],
    [1079, 16],
  ]);
  expect(parseVp9FrameHeader(data)).toEqual({ isKey: true, width: 1920, height: 1080 });
});

test("an AAC core coder's delay and extension flag stand before backward compatible SBR", () => {
  const record = bitsOf([
    [2, 5],
    [7, 4],
    [2, 4],
    [0, 1],
    [1, 1], // dependsOnCoreCoder
    [0x1234, 14],
    [1, 1], // extensionFlag
    [0, 1],
    [0x2b7, 11],
    [5, 5],
    [1, 1],
    [4, 4],
  ]);
  expect(parseAacSpecificConfig(record)).toMatchObject({ hasSbr: true, sampleRate: 22_050, outputSampleRate: 44_100 });
});

test("AAC channels may be spelt out in a program config element", () => {
  const record = bitsOf([
    [2, 5],
    [3, 4],
    [0, 4], // channel configuration 0
    [0, 3],
    [0, 10],
    [2, 4], // a single channel and a pair in front
    [0, 4],
    [1, 4], // a pair behind
    [1, 2], // one LFE
    [0, 3],
    [0, 4],
    [0, 3],
    [0, 5],
    [0b1_0001, 5],
    [0b1_0010, 5],
    [0, 4],
    [0, 7], // up to the next byte
    [2, 8],
    [0x4142, 16],
  ]);
  expect(parseAacSpecificConfig(record)).toMatchObject({ sampleRate: 48_000, outputChannelCount: 6 });
});
