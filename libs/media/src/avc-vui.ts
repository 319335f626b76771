import type { BitReader, BitWriter } from "@kagami/bytes";

/** How far a decoder must look ahead before it may show a picture. */
export interface AvcBitstreamRestriction {
  readonly hasMotionVectorsOverPicBoundaries: boolean;
  readonly maxBytesPerPicDenom: number;
  readonly maxBitsPerMbDenom: number;
  readonly log2MaxMvLengthHorizontal: number;
  readonly log2MaxMvLengthVertical: number;
  /** Pictures that may precede any picture in decoding order and follow it in output order. */
  readonly maxNumReorderFrames: number;
  readonly maxDecFrameBuffering: number;
}

/** How the picture is to be shown. */
export interface AvcVui {
  /** Width to height of a sample; 0 to 0 is "not said". */
  readonly sampleAspectRatio: { readonly width: number; readonly height: number };
  readonly isFullRange: boolean;
  /** H.273 numbers; 2 is "not said". */
  readonly colourPrimaries: number;
  readonly transferCharacteristics: number;
  readonly matrixCoefficients: number;
  /** `timeScale / (2 * numUnitsInTick)` is the frame rate. */
  readonly timing:
    | { readonly numUnitsInTick: number; readonly timeScale: number; readonly isFixedRate: boolean }
    | undefined;
  readonly hasHrd: boolean;
  readonly bitstreamRestriction: AvcBitstreamRestriction | undefined;
}

// Table E-1: aspect_ratio_idc 1 to 16.
const ASPECT_RATIOS = [
  [0, 0],
  [1, 1],
  [12, 11],
  [10, 11],
  [16, 11],
  [40, 33],
  [24, 11],
  [20, 11],
  [32, 11],
  [80, 33],
  [18, 11],
  [15, 11],
  [64, 33],
  [160, 99],
  [4, 3],
  [3, 2],
  [2, 1],
] as const;
const ASPECT_EXTENDED = 255;

/** What `readAvcVui` found and where the last flag begins, which the rewriter replaces. */
export interface AvcVuiWithPosition {
  readonly vui: AvcVui;
  /** Position of `bitstream_restriction_flag` in the RBSP, in bits. */
  readonly restrictionFlagBits: number;
}

/**
 * Reads VUI parameters; the caller asks the reader for an overrun.
 *
 * @see H.264 §E.1.1
 */
export function readAvcVui(reader: BitReader): AvcVuiWithPosition {
  const sampleAspectRatio = readAspectRatio(reader);
  if (reader.flag()) reader.bit(); // overscan_info
  const colour = readColour(reader);
  if (reader.flag()) {
    reader.ue(); // chroma_sample_loc_type_top_field
    reader.ue();
  }
  let timing: AvcVui["timing"];
  if (reader.flag()) {
    timing = { numUnitsInTick: reader.bits(32), timeScale: reader.bits(32), isFixedRate: reader.flag() };
  }
  const hasNalHrd = reader.flag();
  if (hasNalHrd) skipHrd(reader);
  const hasVclHrd = reader.flag();
  if (hasVclHrd) skipHrd(reader);
  const hasHrd = hasNalHrd || hasVclHrd;
  if (hasHrd) reader.bit(); // low_delay_hrd_flag
  reader.bit(); // pic_struct_present_flag

  const restrictionFlagBits = reader.positionBits;
  const bitstreamRestriction = reader.flag() ? readRestriction(reader) : undefined;
  return { vui: { sampleAspectRatio, ...colour, timing, hasHrd, bitstreamRestriction }, restrictionFlagBits };
}

/** Writes what follows a set `bitstream_restriction_flag`. */
export function writeAvcBitstreamRestriction(writer: BitWriter, restriction: AvcBitstreamRestriction): void {
  writer.bit(restriction.hasMotionVectorsOverPicBoundaries ? 1 : 0);
  writer.ue(restriction.maxBytesPerPicDenom);
  writer.ue(restriction.maxBitsPerMbDenom);
  writer.ue(restriction.log2MaxMvLengthHorizontal);
  writer.ue(restriction.log2MaxMvLengthVertical);
  writer.ue(restriction.maxNumReorderFrames);
  writer.ue(restriction.maxDecFrameBuffering);
}

function readRestriction(reader: BitReader): AvcBitstreamRestriction {
  return {
    hasMotionVectorsOverPicBoundaries: reader.flag(),
    maxBytesPerPicDenom: reader.ue(),
    maxBitsPerMbDenom: reader.ue(),
    log2MaxMvLengthHorizontal: reader.ue(),
    log2MaxMvLengthVertical: reader.ue(),
    maxNumReorderFrames: reader.ue(),
    maxDecFrameBuffering: reader.ue(),
  };
}

function readAspectRatio(reader: BitReader): AvcVui["sampleAspectRatio"] {
  if (!reader.flag()) return { width: 0, height: 0 };
  const idc = reader.bits(8);
  if (idc === ASPECT_EXTENDED) return { width: reader.bits(16), height: reader.bits(16) };
  const [width, height] = ASPECT_RATIOS[idc] ?? ASPECT_RATIOS[0];
  return { width, height };
}

function readColour(
  reader: BitReader,
): Pick<AvcVui, "isFullRange" | "colourPrimaries" | "transferCharacteristics" | "matrixCoefficients"> {
  const colour = { isFullRange: false, colourPrimaries: 2, transferCharacteristics: 2, matrixCoefficients: 2 };
  if (!reader.flag()) return colour;
  reader.skip(3); // video_format
  colour.isFullRange = reader.flag();
  if (reader.flag()) {
    colour.colourPrimaries = reader.bits(8);
    colour.transferCharacteristics = reader.bits(8);
    colour.matrixCoefficients = reader.bits(8);
  }
  return colour;
}

/** @see H.264 §E.1.2 */
function skipHrd(reader: BitReader): void {
  const countMinus1 = reader.ue();
  reader.skip(8); // bit_rate_scale, cpb_size_scale
  for (let i = 0; i <= countMinus1 && !reader.isOverrun; i++) {
    reader.ue();
    reader.ue();
    reader.bit();
  }
  reader.skip(20); // four lengths of five bits
}
