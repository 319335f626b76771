import { BitReader } from "@kagami/bytes";
import { type Malformed, malformed } from "./malformed.ts";
import type { VideoConfig } from "./sample.ts";

const FULL_BOX_BYTES = 4;
const RECORD_BYTES = 8;

/**
 * The configuration for a VPCodecConfigurationRecord, with or without the version and flags that precede it in the
 * `vpcC` box. The result's record always has them.
 *
 * The record says nothing about the size: width and height are 0 until `VideoTrack.normalize` has seen a key frame.
 *
 * @see VP Codec ISO Media File Format Binding, §"VP Codec Configuration Box"
 */
export function vp9ConfigFromRecord(record: Uint8Array): VideoConfig | Malformed {
  // A bare record that began 01 00 00 00 would be profile 1 at level 0, which does not exist.
  const hasFullBox = record[0] === 1 && record[1] === 0 && record[2] === 0 && record[3] === 0;
  const bare = hasFullBox ? record.subarray(FULL_BOX_BYTES) : record;
  if (bare.length < RECORD_BYTES) {
    return malformed("VP9_CONFIG", `vpcC has ${bare.length} bytes after its version; 8 is the least`);
  }
  const out = new Uint8Array(FULL_BOX_BYTES + bare.length);
  out[0] = 1;
  out.set(bare, FULL_BOX_BYTES);
  const profile = bare[0] as number;
  const level = bare[1] as number;
  const bitDepth = (bare[2] as number) >>> 4;
  if (profile > 3 || ![8, 10, 12].includes(bitDepth)) {
    return malformed("VP9_CONFIG", `vpcC has profile ${profile} and bit depth ${bitDepth}; check the encoder`);
  }
  const codecString = `vp09.${twoDigits(profile)}.${twoDigits(level)}.${twoDigits(bitDepth)}`;
  return { kind: "video", codec: "vp9", codecString, width: 0, height: 0, record: out };
}

/** What the first bits of a VP9 frame say. */
export interface Vp9FrameHeader {
  readonly isKey: boolean;
  /** Pixels; 0 unless it is a key frame. */
  readonly width: number;
  readonly height: number;
}

const VP9_SYNC_CODE = 0x498342;
const COLOR_SPACE_RGB = 7;

/**
 * Reads the start of a frame's uncompressed header. In a superframe that is the first frame.
 *
 * @see VP9 bitstream §6.2
 */
export function parseVp9FrameHeader(data: Uint8Array): Vp9FrameHeader | Malformed {
  const reader = new BitReader(data);
  if (reader.bits(2) !== 2) return malformed("VP9_FRAME", "The frame marker is not 2; send whole VP9 frames");
  const profile = reader.bit() + reader.bit() * 2;
  if (profile === 3) reader.bit();
  const isShowExisting = reader.flag();
  const isKey = !isShowExisting && reader.bit() === 0;
  if (!isKey) {
    return reader.isOverrun ? truncated(data) : { isKey, width: 0, height: 0 };
  }
  reader.skip(2); // show_frame, error_resilient_mode
  if (reader.bits(24) !== VP9_SYNC_CODE) return malformed("VP9_FRAME", "The key frame has no sync code 49 83 42");
  if (profile >= 2) reader.bit(); // ten_or_twelve_bit
  const isRgb = reader.bits(3) === COLOR_SPACE_RGB;
  if (!isRgb) reader.bit(); // color_range
  if (profile === 1 || profile === 3) reader.skip(isRgb ? 1 : 3);
  const width = reader.bits(16) + 1;
  const height = reader.bits(16) + 1;
  return reader.isOverrun ? truncated(data) : { isKey, width, height };
}

function truncated(data: Uint8Array): Malformed {
  return malformed("VP9_FRAME", `The frame ends inside its header, after ${data.length} bytes`);
}

function twoDigits(value: number): string {
  return `${value}`.padStart(2, "0");
}
