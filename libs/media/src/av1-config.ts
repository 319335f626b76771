import { BitReader, concatBytes } from "@kagami/bytes";
import { type Malformed, malformed } from "./malformed.ts";
import type { VideoConfig } from "./sample.ts";

/** A sequence header OBU, as far as a server needs it. */
export interface Av1SequenceHeader {
  readonly profile: number;
  readonly isReducedStillPicture: boolean;
  /** `seq_level_idx[0]`. */
  readonly levelIdx: number;
  readonly tier: number;
  readonly bitDepth: 8 | 10 | 12;
  readonly isMonochrome: boolean;
  readonly subsamplingX: number;
  readonly subsamplingY: number;
  readonly chromaSamplePosition: number;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

export const OBU_SEQUENCE_HEADER = 1;
export const OBU_TEMPORAL_DELIMITER = 2;
export const OBU_FRAME_HEADER = 3;
export const OBU_FRAME = 6;
export const OBU_PADDING = 15;

/** Where one OBU lies. */
export interface Obu {
  readonly type: number;
  readonly start: number;
  readonly payloadStart: number;
  readonly end: number;
}

/**
 * The OBU at `start`. One without a size field reaches to the end of the bytes.
 *
 * @returns `undefined` if it is cut short or its forbidden bit is set.
 * @see AV1 §5.3.2
 */
export function readObu(bytes: Uint8Array, start: number): Obu | undefined {
  const header = bytes[start];
  if (header === undefined || header >= 0x80) return undefined;
  let offset = start + ((header & 4) !== 0 ? 2 : 1);
  let end = bytes.length;
  if ((header & 2) !== 0) {
    // leb128: at most eight bytes, and a value that fits in 32 bits (§4.10.5).
    let size = 0;
    let index = 0;
    let byte = 0x80;
    while (byte >= 0x80 && index < 8) {
      if (offset >= bytes.length) return undefined;
      byte = bytes[offset++] as number;
      size += (byte & 0x7f) * 2 ** (7 * index);
      index++;
    }
    if (byte >= 0x80) return undefined;
    end = offset + size;
  }
  if (offset > end || end > bytes.length) return undefined;
  return { type: (header >>> 3) & 15, start, payloadStart: offset, end };
}

/**
 * The payload of the first sequence header OBU among `obus`, or `undefined`. Aliases the input.
 */
export function findAv1SequenceHeader(obus: Uint8Array): Uint8Array | undefined {
  let offset = 0;
  while (offset < obus.length) {
    const obu = readObu(obus, offset);
    if (obu === undefined) return undefined;
    if (obu.type === OBU_SEQUENCE_HEADER) return obus.subarray(obu.payloadStart, obu.end);
    offset = obu.end;
  }
  return undefined;
}

/**
 * Reads the payload of a sequence header OBU.
 *
 * @see AV1 §5.5
 */
export function parseAv1SequenceHeader(payload: Uint8Array): Av1SequenceHeader | Malformed {
  const reader = new BitReader(payload);
  const profile = reader.bits(3);
  reader.bit(); // still_picture
  const isReducedStillPicture = reader.flag();
  const { levelIdx, tier } = isReducedStillPicture
    ? { levelIdx: reader.bits(5), tier: 0 }
    : readOperatingPoints(reader);
  const widthBits = reader.bits(4) + 1;
  const heightBits = reader.bits(4) + 1;
  const width = reader.bits(widthBits) + 1;
  const height = reader.bits(heightBits) + 1;
  skipTools(reader, isReducedStillPicture);
  const color = readColor(reader, profile);
  if (reader.isOverrun || profile > 2) {
    return malformed("AV1_SEQUENCE_HEADER", `The sequence header of ${payload.length} bytes ends early or is unknown`);
  }
  return { profile, isReducedStillPicture, levelIdx, tier, width, height, ...color };
}

/**
 * The `av1C` payload for a sequence header OBU's payload.
 *
 * @see AV1-ISOBMFF §2.3.3
 */
export function buildAv1Record(header: Av1SequenceHeader, sequenceHeaderPayload: Uint8Array): Uint8Array {
  const bytes = Uint8Array.of(
    0x81, // marker and version
    (header.profile << 5) | header.levelIdx,
    (header.tier << 7) |
      (header.bitDepth > 8 ? 0x40 : 0) |
      (header.bitDepth === 12 ? 0x20 : 0) |
      (header.isMonochrome ? 0x10 : 0) |
      (header.subsamplingX << 3) |
      (header.subsamplingY << 2) |
      header.chromaSamplePosition,
    0, // no initial presentation delay
    (OBU_SEQUENCE_HEADER << 3) | 2, // OBU header with a size field
  );
  const size: number[] = [];
  let left = sequenceHeaderPayload.length;
  while (left >= 0x80) {
    size.push((left & 0x7f) | 0x80);
    left >>>= 7;
  }
  size.push(left);
  return concatBytes([bytes, Uint8Array.from(size), sequenceHeaderPayload]);
}

/**
 * The configuration for an `av1C` payload, which must hold a sequence header OBU: nothing else tells the size.
 */
export function av1ConfigFromRecord(record: Uint8Array): VideoConfig | Malformed {
  if (record.length < 4 || record[0] !== 0x81) {
    return malformed("AV1_CONFIG", `av1C of ${record.length} bytes has not marker 1 and version 1; send a valid av1C`);
  }
  const payload = findAv1SequenceHeader(record.subarray(4));
  if (payload === undefined) return malformed("AV1_CONFIG", "av1C has no sequence header OBU; put it into configOBUs");
  const header = parseAv1SequenceHeader(payload);
  if ("kind" in header) return header;
  return av1Config(header, record.slice());
}

/** The configuration for a parsed sequence header and its `av1C` payload, which is kept. */
export function av1Config(header: Av1SequenceHeader, record: Uint8Array): VideoConfig {
  const level = `${header.levelIdx}`.padStart(2, "0");
  return {
    kind: "video",
    codec: "av1",
    codecString: `av01.${header.profile}.${level}${header.tier === 1 ? "H" : "M"}.${`${header.bitDepth}`.padStart(2, "0")}`,
    width: header.width,
    height: header.height,
    record,
  };
}

function readOperatingPoints(reader: BitReader): { levelIdx: number; tier: number } {
  let hasDecoderModel = false;
  let delayLengthBits = 0;
  if (reader.flag()) {
    reader.skip(64); // num_units_in_display_tick, time_scale
    if (reader.flag()) reader.ue(); // num_ticks_per_picture_minus_1
    hasDecoderModel = reader.flag();
    if (hasDecoderModel) {
      delayLengthBits = reader.bits(5) + 1;
      reader.skip(32 + 5 + 5);
    }
  }
  const hasInitialDelay = reader.flag();
  const count = reader.bits(5) + 1;
  let first = { levelIdx: 0, tier: 0 };
  for (let i = 0; i < count; i++) {
    reader.skip(12); // operating_point_idc
    const levelIdx = reader.bits(5);
    const tier = levelIdx > 7 ? reader.bit() : 0;
    if (i === 0) first = { levelIdx, tier };
    if (hasDecoderModel && reader.flag()) reader.skip(2 * delayLengthBits + 1);
    if (hasInitialDelay && reader.flag()) reader.skip(4);
  }
  return first;
}

function skipTools(reader: BitReader, isReducedStillPicture: boolean): void {
  if (!isReducedStillPicture && reader.flag()) reader.skip(4 + 3); // frame id lengths
  reader.skip(3); // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
  if (!isReducedStillPicture) {
    reader.skip(4); // interintra, masked compound, warped motion, dual filter
    const hasOrderHint = reader.flag();
    if (hasOrderHint) reader.skip(2); // jnt_comp, ref_frame_mvs
    const choosesScreenContent = reader.flag();
    const forcesScreenContent = choosesScreenContent ? 2 : reader.bit();
    if (forcesScreenContent > 0) {
      const choosesIntegerMv = reader.flag();
      if (!choosesIntegerMv) reader.bit();
    }
    if (hasOrderHint) reader.skip(3);
  }
  reader.skip(3); // superres, cdef, restoration
}

/** @see AV1 §5.5.2 */
function readColor(
  reader: BitReader,
  profile: number,
): Pick<Av1SequenceHeader, "bitDepth" | "isMonochrome" | "subsamplingX" | "subsamplingY" | "chromaSamplePosition"> {
  const isHighBitDepth = reader.flag();
  const isTwelveBit = profile === 2 && isHighBitDepth && reader.flag();
  const bitDepth = isTwelveBit ? 12 : isHighBitDepth ? 10 : 8;
  const isMonochrome = profile !== 1 && reader.flag();
  let isSrgb = false;
  if (reader.flag()) {
    const primaries = reader.bits(8);
    const transfer = reader.bits(8);
    const matrix = reader.bits(8);
    isSrgb = primaries === 1 && transfer === 13 && matrix === 0;
  }
  if (isMonochrome) return { bitDepth, isMonochrome, subsamplingX: 1, subsamplingY: 1, chromaSamplePosition: 0 };
  if (isSrgb) return { bitDepth, isMonochrome, subsamplingX: 0, subsamplingY: 0, chromaSamplePosition: 0 };
  reader.bit(); // color_range
  let subsamplingX = profile === 1 ? 0 : 1;
  let subsamplingY = profile === 0 ? 1 : 0;
  if (profile === 2 && bitDepth === 12) {
    subsamplingX = reader.bit();
    subsamplingY = subsamplingX === 1 ? reader.bit() : 0;
  }
  const chromaSamplePosition = subsamplingX === 1 && subsamplingY === 1 ? reader.bits(2) : 0;
  return { bitDepth, isMonochrome, subsamplingX, subsamplingY, chromaSamplePosition };
}
