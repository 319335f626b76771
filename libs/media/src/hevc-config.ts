import { BitReader, readU16, readU32, writeU16 } from "@kagami/bytes";
import { removeEmulationPrevention } from "./emulation-prevention.ts";
import { type Malformed, malformed } from "./malformed.ts";
import type { VideoConfig } from "./sample.ts";

/** One list of an `hvcC`: the NAL units of one type. */
export interface HevcNalArray {
  readonly nalType: number;
  readonly isComplete: boolean;
  readonly nals: readonly Uint8Array[];
}

/** The payload of an `hvcC` box, taken apart. The arrays alias the record. */
export interface HevcRecord {
  /** The first 22 bytes: profile, level, formats. */
  readonly head: Uint8Array;
  readonly lengthSizeBytes: 1 | 2 | 4;
  readonly arrays: readonly HevcNalArray[];
}

/** A sequence parameter set, as far as a server needs it. */
export interface HevcSps {
  readonly id: number;
  readonly chromaFormatIdc: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  /** Pixels, after the conformance window. */
  readonly width: number;
  readonly height: number;
  readonly maxSubLayersMinus1: number;
  readonly isTemporalIdNested: boolean;
  /** general_profile_space to general_level_idc: the twelve bytes that `hvcC` repeats. */
  readonly profileTierLevel: Uint8Array;
}

const HEAD_BYTES = 22;
const SIDE_LIMIT = 16_384;
export const HEVC_NAL_VPS = 32;
export const HEVC_NAL_SPS = 33;
export const HEVC_NAL_PPS = 34;

/**
 * Takes an HEVCDecoderConfigurationRecord apart.
 *
 * @returns A refusal with code `HEVC_CONFIG` if it is cut short or has an impossible length size.
 * @see ISO 14496-15 §8.3.3.1
 */
export function parseHevcRecord(record: Uint8Array): HevcRecord | Malformed {
  if (record.length < HEAD_BYTES + 1)
    return malformed("HEVC_CONFIG", `hvcC has ${record.length} bytes; 23 is the least`);
  if (record[0] !== 1) return malformed("HEVC_CONFIG", `hvcC has version ${record[0]}; send version 1`);
  const lengthSizeBytes = ((record[21] as number) & 3) + 1;
  if (lengthSizeBytes === 3) return malformed("HEVC_CONFIG", "NAL lengths of 3 bytes do not exist; send 1, 2 or 4");
  const arrays: HevcNalArray[] = [];
  const arrayCount = record[HEAD_BYTES] as number;
  let offset = HEAD_BYTES + 1;
  for (let i = 0; i < arrayCount; i++) {
    if (offset + 3 > record.length) return malformed("HEVC_CONFIG", `hvcC ends inside list ${i}`);
    const type = record[offset] as number;
    const nalCount = readU16(record, offset + 1);
    offset += 3;
    const nals: Uint8Array[] = [];
    for (let n = 0; n < nalCount; n++) {
      const end = offset + 2 + (offset + 2 <= record.length ? readU16(record, offset) : 0);
      if (end > record.length || end <= offset + 2) return malformed("HEVC_CONFIG", `hvcC ends inside list ${i}`);
      nals.push(record.subarray(offset + 2, end));
      offset = end;
    }
    arrays.push({ nalType: type & 0x3f, isComplete: type >= 0x80, nals });
  }
  return { head: record.subarray(0, HEAD_BYTES), lengthSizeBytes: lengthSizeBytes as 1 | 2 | 4, arrays };
}

/**
 * Puts an HEVCDecoderConfigurationRecord together, with 4-byte NAL lengths. Profile, level and formats are taken from
 * the first SPS; frame rate and segmentation are left unsaid.
 *
 * @returns A refusal if there is no SPS or it cannot be read.
 */
export function buildHevcRecord(
  vps: readonly Uint8Array[],
  sps: readonly Uint8Array[],
  pps: readonly Uint8Array[],
): Uint8Array | Malformed {
  const [firstSps] = sps;
  if (firstSps === undefined) return malformed("HEVC_CONFIG", "An hvcC needs at least one SPS");
  const fields = parseHevcSps(firstSps);
  if ("kind" in fields) return fields;
  const lists = [
    { nalType: HEVC_NAL_VPS, nals: vps },
    { nalType: HEVC_NAL_SPS, nals: sps },
    { nalType: HEVC_NAL_PPS, nals: pps },
  ].filter((list) => list.nals.length > 0);
  let sizeBytes = HEAD_BYTES + 1;
  for (const { nals } of lists) for (const nal of nals) sizeBytes += 2 + nal.length;
  const out = new Uint8Array(sizeBytes + 3 * lists.length);
  out[0] = 1;
  out.set(fields.profileTierLevel, 1);
  out.set([0xf0, 0, 0xfc, 0xfc | fields.chromaFormatIdc], 13);
  out.set([0xf8 | (fields.bitDepthLuma - 8), 0xf8 | (fields.bitDepthChroma - 8), 0, 0], 17);
  out[21] = ((fields.maxSubLayersMinus1 + 1) << 3) | (fields.isTemporalIdNested ? 4 : 0) | 3;
  out[HEAD_BYTES] = lists.length;
  let offset = HEAD_BYTES + 1;
  for (const { nalType, nals } of lists) {
    out[offset] = 0x80 | nalType;
    offset = writeU16(out, offset + 1, nals.length);
    for (const nal of nals) {
      offset = writeU16(out, offset, nal.length);
      out.set(nal, offset);
      offset += nal.length;
    }
  }
  return out;
}

/**
 * Reads a sequence parameter set up to the bit depths.
 *
 * @param nal The NAL unit with its two header bytes.
 * @see H.265 §7.3.2.2.1
 */
export function parseHevcSps(nal: Uint8Array): HevcSps | Malformed {
  if (nal.length < 15 || (((nal[0] as number) >>> 1) & 0x3f) !== HEVC_NAL_SPS) {
    return malformed("HEVC_SPS", `Not a sequence parameter set: ${nal.length} bytes; send NAL type 33`);
  }
  const rbsp = removeEmulationPrevention(nal);
  const reader = new BitReader(rbsp);
  reader.skip(16 + 4); // NAL header, sps_video_parameter_set_id
  const maxSubLayersMinus1 = reader.bits(3);
  const isTemporalIdNested = reader.flag();
  const profileTierLevel = rbsp.slice(3, 15);
  reader.skip(96);
  skipSubLayers(reader, maxSubLayersMinus1);
  const id = reader.ue();
  const chromaFormatIdc = reader.ue();
  const hasSeparateColourPlanes = chromaFormatIdc === 3 && reader.flag();
  let width = reader.ue();
  let height = reader.ue();
  const isUncropped = width <= SIDE_LIMIT && height <= SIDE_LIMIT;
  if (reader.flag()) {
    const isMono = chromaFormatIdc === 0 || hasSeparateColourPlanes;
    width -= (!isMono && chromaFormatIdc < 3 ? 2 : 1) * (reader.ue() + reader.ue());
    height -= (!isMono && chromaFormatIdc === 1 ? 2 : 1) * (reader.ue() + reader.ue());
  }
  const bitDepthLuma = 8 + reader.ue();
  const bitDepthChroma = 8 + reader.ue();
  if (reader.isOverrun) return malformed("HEVC_SPS", `The sequence parameter set ends early, at byte ${nal.length}`);
  if (id > 15 || chromaFormatIdc > 3 || bitDepthLuma > 16 || bitDepthChroma > 16 || maxSubLayersMinus1 > 6) {
    return malformed("HEVC_SPS", "A field of the sequence parameter set is out of range; check the encoder");
  }
  if (!isUncropped || width < 1 || height < 1) {
    return malformed("HEVC_SPS", `A picture of ${width}x${height} is impossible; send up to ${SIDE_LIMIT} a side`);
  }
  return {
    ...{ id, chromaFormatIdc, bitDepthLuma, bitDepthChroma, width, height },
    ...{ maxSubLayersMinus1, isTemporalIdNested, profileTierLevel },
  };
}

/**
 * The configuration that viewers get from a publisher's record, with 4-byte NAL lengths announced.
 * The record must hold an SPS.
 */
export function hevcConfigFromRecord(record: Uint8Array): VideoConfig | Malformed {
  const parsed = parseHevcRecord(record);
  if ("kind" in parsed) return parsed;
  const firstSps = parsed.arrays.find((list) => list.nalType === HEVC_NAL_SPS)?.nals[0];
  if (firstSps === undefined) return malformed("HEVC_CONFIG", "hvcC has no SPS; send the parameter sets in the record");
  const sps = parseHevcSps(firstSps);
  if ("kind" in sps) return sps;
  const out = record.slice();
  out[21] = (out[21] as number) | 3;
  markComplete(out);
  return {
    kind: "video",
    codec: "h265",
    codecString: hevcCodecString(out),
    width: sps.width,
    height: sps.height,
    record: out,
  };
}

/**
 * Sets `array_completeness` of the parameter set lists: `hvc1` demands it, and the normalized samples have none.
 * The record was read before, so every list is whole.
 *
 * @see ISO 14496-15 §8.3.3.1.3
 */
function markComplete(record: Uint8Array): void {
  let offset = HEAD_BYTES + 1;
  for (let i = 0; i < (record[HEAD_BYTES] as number); i++) {
    const type = (record[offset] as number) & 0x3f;
    if (type >= HEVC_NAL_VPS && type <= HEVC_NAL_PPS) record[offset] = 0x80 | type;
    const nalCount = readU16(record, offset + 1);
    offset += 3;
    for (let n = 0; n < nalCount; n++) offset += 2 + readU16(record, offset);
  }
}

/**
 * Such as `hvc1.1.6.L93.B0`.
 *
 * @see ISO 14496-15 §E.3
 */
export function hevcCodecString(record: Uint8Array): string {
  const first = record[1] as number;
  const space = ["", "A", "B", "C"][first >>> 6] as string;
  const tier = (first & 0x20) === 0 ? "L" : "H";
  const compatibility = reverse32(readU32(record, 2)).toString(16).toUpperCase();
  const parts = [`hvc1.${space}${first & 0x1f}`, compatibility, `${tier}${record[12]}`];
  let last = 11;
  while (last >= 6 && record[last] === 0) last--; // trailing zero bytes of the constraints are left out
  for (let i = 6; i <= last; i++) parts.push((record[i] as number).toString(16).toUpperCase());
  return parts.join(".");
}

function skipSubLayers(reader: BitReader, maxSubLayersMinus1: number): void {
  if (maxSubLayersMinus1 === 0) return;
  const flags = reader.bits(16);
  for (let i = 0; i < maxSubLayersMinus1; i++) {
    if ((flags >>> (15 - 2 * i)) & 1) reader.skip(88);
    if ((flags >>> (14 - 2 * i)) & 1) reader.skip(8);
  }
}

function reverse32(value: number): number {
  let out = 0;
  for (let i = 0; i < 32; i++) out = out * 2 + ((value >>> i) & 1);
  return out;
}
