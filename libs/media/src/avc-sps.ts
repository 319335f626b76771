import { BitReader } from "@kagami/bytes";
import { type AvcVui, type AvcVuiWithPosition, readAvcVui } from "./avc-vui.ts";
import { removeEmulationPrevention } from "./emulation-prevention.ts";
import { type Malformed, malformed } from "./malformed.ts";

/** A sequence parameter set, as far as a server needs it. */
export interface AvcSps {
  readonly profileIdc: number;
  /** The byte of the six `constraint_set` flags, first flag in the highest bit. */
  readonly constraintFlags: number;
  readonly levelIdc: number;
  readonly id: number;
  readonly chromaFormatIdc: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  readonly picOrderCntType: number;
  readonly maxNumRefFrames: number;
  readonly hasFrameMbsOnly: boolean;
  /** In macroblocks, before cropping. */
  readonly widthMbs: number;
  readonly heightMbs: number;
  /** Pixels, after cropping. */
  readonly width: number;
  readonly height: number;
  readonly vui: AvcVui | undefined;
}

/** What the rewriter needs beside the fields. */
export interface AvcSpsLayout {
  readonly sps: AvcSps;
  readonly rbsp: Uint8Array;
  /** Position of `vui_parameters_present_flag` in the RBSP, in bits. */
  readonly vuiFlagBits: number;
  /** Position of `bitstream_restriction_flag`, if there is a VUI. */
  readonly restrictionFlagBits: number | undefined;
}

const NAL_SPS = 7;
/** Profiles that carry chroma format, bit depth and scaling lists (§7.3.2.1.1). */
const HIGH_PROFILES: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** A side of more macroblocks than this (16 384 pixels) is refused: no level allows it. */
const SIDE_LIMIT_MBS = 1024;

/**
 * Reads a sequence parameter set.
 *
 * @param nal The NAL unit with its header byte, without start code or length.
 * @returns A refusal with code `AVC_SPS` if it is cut short or says something impossible.
 * @see H.264 §7.3.2.1.1
 */
export function parseAvcSps(nal: Uint8Array): AvcSps | Malformed {
  const layout = parseAvcSpsLayout(nal);
  return "sps" in layout ? layout.sps : layout;
}

/** As `parseAvcSps`, with the positions that `rewriteAvcSps` cuts at. */
export function parseAvcSpsLayout(nal: Uint8Array): AvcSpsLayout | Malformed {
  if (nal.length < 4 || ((nal[0] as number) & 0x1f) !== NAL_SPS) {
    return malformed("AVC_SPS", `Not a sequence parameter set: ${nal.length} bytes; send NAL type 7`);
  }
  const rbsp = removeEmulationPrevention(nal);
  const reader = new BitReader(rbsp);
  reader.skip(8);
  const profileIdc = reader.bits(8);
  const constraintFlags = reader.bits(8);
  const levelIdc = reader.bits(8);
  const id = reader.ue();
  const format = readFormat(reader, profileIdc);
  reader.ue(); // log2_max_frame_num_minus4
  const picOrderCntType = readPicOrderCnt(reader);
  const maxNumRefFrames = reader.ue();
  reader.bit(); // gaps_in_frame_num_value_allowed_flag
  const size = readSize(reader, format.chromaFormatIdc, format.hasSeparateColourPlanes);
  const vuiFlagBits = reader.positionBits;
  const withPosition: AvcVuiWithPosition | undefined = reader.flag() ? readAvcVui(reader) : undefined;

  if (reader.isOverrun) return malformed("AVC_SPS", `The sequence parameter set ends early, at byte ${nal.length}`);
  if (id > 31 || picOrderCntType > 2 || maxNumRefFrames > 16 || format.chromaFormatIdc > 3) {
    return malformed("AVC_SPS", "A field of the sequence parameter set is out of range; check the encoder");
  }
  if (size.widthMbs > SIDE_LIMIT_MBS || size.heightMbs > SIDE_LIMIT_MBS || size.width < 1 || size.height < 1) {
    return malformed("AVC_SPS", `A picture of ${size.width}x${size.height} is impossible; send up to 16384 a side`);
  }
  const { chromaFormatIdc, bitDepthLuma, bitDepthChroma } = format;
  const vui = withPosition?.vui;
  const sps: AvcSps = {
    ...{ profileIdc, constraintFlags, levelIdc, id, chromaFormatIdc, bitDepthLuma, bitDepthChroma },
    ...{ picOrderCntType, maxNumRefFrames, ...size, vui },
  };
  return { sps, rbsp, vuiFlagBits, restrictionFlagBits: withPosition?.restrictionFlagBits };
}

/**
 * The most pictures a decoder may have to hold back for reordering: what the stream says, else 0 where the profile or
 * the picture order rules reordering out, else the size of the decoded picture buffer.
 *
 * @see H.264 §E.2.1, max_num_reorder_frames
 */
export function avcReorderLimit(sps: AvcSps): number {
  const restriction = sps.vui?.bitstreamRestriction;
  if (restriction !== undefined) return restriction.maxNumReorderFrames;
  if (sps.picOrderCntType === 2 || sps.profileIdc === 66) return 0;
  const isIntraOnly = [44, 86, 100, 110, 122, 244].includes(sps.profileIdc) && (sps.constraintFlags & 0x10) !== 0;
  return isIntraOnly ? 0 : avcMaxDpbFrames(sps);
}

// Table A-1, MaxDpbMbs by level_idc.
const MAX_DPB_MBS: Readonly<Record<number, number>> = {
  9: 396,
  10: 396,
  11: 900,
  12: 2_376,
  13: 2_376,
  20: 2_376,
  21: 4_752,
  22: 8_100,
  30: 8_100,
  31: 18_000,
  32: 20_480,
  40: 32_768,
  41: 32_768,
  42: 34_816,
  50: 110_400,
  51: 184_320,
  52: 184_320,
  60: 696_320,
  61: 696_320,
  62: 696_320,
};

/**
 * Frames that the level lets a decoder keep, 1 to 16; 16 for a level that is not in the table.
 *
 * @see H.264 §A.3.1, MaxDpbFrames
 */
export function avcMaxDpbFrames(sps: AvcSps): number {
  // Level 1b of the old profiles is level_idc 11 with constraint_set3_flag.
  const is1b = sps.levelIdc === 11 && (sps.constraintFlags & 0x10) !== 0 && sps.profileIdc < 100;
  const maxDpbMbs = is1b ? 396 : MAX_DPB_MBS[sps.levelIdc];
  if (maxDpbMbs === undefined) return 16;
  return Math.max(1, Math.min(16, Math.floor(maxDpbMbs / (sps.widthMbs * sps.heightMbs))));
}

function readFormat(
  reader: BitReader,
  profileIdc: number,
): { chromaFormatIdc: number; hasSeparateColourPlanes: boolean; bitDepthLuma: number; bitDepthChroma: number } {
  if (!HIGH_PROFILES.has(profileIdc)) {
    return { chromaFormatIdc: 1, hasSeparateColourPlanes: false, bitDepthLuma: 8, bitDepthChroma: 8 };
  }
  const chromaFormatIdc = reader.ue();
  const hasSeparateColourPlanes = chromaFormatIdc === 3 && reader.flag();
  const bitDepthLuma = 8 + reader.ue();
  const bitDepthChroma = 8 + reader.ue();
  reader.bit(); // qpprime_y_zero_transform_bypass_flag
  if (reader.flag()) {
    const listCount = chromaFormatIdc === 3 ? 12 : 8;
    for (let i = 0; i < listCount; i++) {
      if (reader.flag()) skipScalingList(reader, i < 6 ? 16 : 64);
    }
  }
  return { chromaFormatIdc, hasSeparateColourPlanes, bitDepthLuma, bitDepthChroma };
}

/** @see H.264 §7.3.2.1.1.1 */
function skipScalingList(reader: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i++) {
    if (next !== 0) next = (last + reader.se() + 256) & 255;
    if (next !== 0) last = next;
  }
}

function readPicOrderCnt(reader: BitReader): number {
  const type = reader.ue();
  if (type === 0) {
    reader.ue(); // log2_max_pic_order_cnt_lsb_minus4
  } else if (type === 1) {
    reader.bit(); // delta_pic_order_always_zero_flag
    reader.se();
    reader.se();
    const cycleLength = reader.ue();
    for (let i = 0; i < cycleLength && !reader.isOverrun; i++) reader.se();
  }
  return type;
}

function readSize(
  reader: BitReader,
  chromaFormatIdc: number,
  hasSeparateColourPlanes: boolean,
): Pick<AvcSps, "hasFrameMbsOnly" | "widthMbs" | "heightMbs" | "width" | "height"> {
  const widthMbs = reader.ue() + 1;
  const heightMapUnits = reader.ue() + 1;
  const hasFrameMbsOnly = reader.flag();
  if (!hasFrameMbsOnly) reader.bit(); // mb_adaptive_frame_field_flag
  reader.bit(); // direct_8x8_inference_flag
  const heightMbs = hasFrameMbsOnly ? heightMapUnits : heightMapUnits * 2;
  let width = widthMbs * 16;
  let height = heightMbs * 16;
  if (reader.flag()) {
    // Table 6-1: chroma samples are the unit, luma ones where there is no subsampled chroma.
    const isMono = chromaFormatIdc === 0 || hasSeparateColourPlanes;
    const unitX = !isMono && chromaFormatIdc < 3 ? 2 : 1;
    const unitY = (!isMono && chromaFormatIdc === 1 ? 2 : 1) * (hasFrameMbsOnly ? 1 : 2);
    width -= unitX * (reader.ue() + reader.ue());
    height -= unitY * (reader.ue() + reader.ue());
  }
  return { hasFrameMbsOnly, widthMbs, heightMbs, width, height };
}
