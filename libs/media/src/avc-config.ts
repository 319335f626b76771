import { BitReader, readU16, writeU16 } from "@kagami/bytes";
import { type AvcSps, parseAvcSps } from "./avc-sps.ts";
import { removeEmulationPrevention } from "./emulation-prevention.ts";
import { type Malformed, malformed } from "./malformed.ts";
import type { VideoConfig } from "./sample.ts";

/** The payload of an `avcC` box, taken apart. The arrays alias the record. */
export interface AvcRecord {
  readonly profileIdc: number;
  readonly constraintFlags: number;
  readonly levelIdc: number;
  /** Size of the length before each NAL unit. */
  readonly lengthSizeBytes: 1 | 2 | 4;
  /** Whole NAL units, without length or start code; at least one. */
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
  /** Chroma format, bit depths and SPS extensions as they stood; empty for the profiles that have none. */
  readonly tail: Uint8Array;
}

/** Profiles whose record ends with chroma format and bit depths (ISO 14496-15 §5.3.3.1.2). */
const TAIL_PROFILES: ReadonlySet<number> = new Set([100, 110, 122, 144]);

/**
 * Takes an AVCDecoderConfigurationRecord apart. The SPS contents are not looked at.
 *
 * @returns A refusal with code `AVC_CONFIG` if it is cut short, has no SPS or PPS, or an impossible length size.
 * @see ISO 14496-15 §5.3.3.1
 */
export function parseAvcRecord(record: Uint8Array): AvcRecord | Malformed {
  if (record.length < 7) return malformed("AVC_CONFIG", `avcC has ${record.length} bytes; 7 is the least`);
  if (record[0] !== 1) return malformed("AVC_CONFIG", `avcC has version ${record[0]}; send version 1`);
  const lengthSizeBytes = ((record[4] as number) & 3) + 1;
  if (lengthSizeBytes === 3) return malformed("AVC_CONFIG", "NAL lengths of 3 bytes do not exist; send 1, 2 or 4");

  const sps = readNals(record, 6, (record[5] as number) & 0x1f);
  if (sps === undefined || sps.nals.length === 0 || sps.end >= record.length) {
    return malformed("AVC_CONFIG", "avcC ends inside its SPS list or has none; send the encoder's SPS");
  }
  const pps = readNals(record, sps.end + 1, record[sps.end] as number);
  if (pps === undefined || pps.nals.length === 0) {
    return malformed("AVC_CONFIG", "avcC ends inside its PPS list or has none; send the encoder's PPS");
  }
  return {
    profileIdc: record[1] as number,
    constraintFlags: record[2] as number,
    levelIdc: record[3] as number,
    lengthSizeBytes: lengthSizeBytes as 1 | 2 | 4,
    sps: sps.nals,
    pps: pps.nals,
    tail: record.subarray(pps.end),
  };
}

/**
 * Puts an AVCDecoderConfigurationRecord together. Profile, compatibility and level are taken from the first SPS.
 * Where the profile asks for a tail and none is given, one is made from the first SPS.
 *
 * @returns A refusal if there is no SPS or PPS, or the first SPS cannot be read.
 * @throws RangeError if there are more than 31 SPS or 255 PPS, or one is over 65 535 bytes.
 */
export function buildAvcRecord(
  sps: readonly Uint8Array[],
  pps: readonly Uint8Array[],
  tail?: Uint8Array,
): Uint8Array | Malformed {
  const [firstSps] = sps;
  if (firstSps === undefined || pps.length === 0) {
    return malformed("AVC_CONFIG", "An avcC needs at least one SPS and one PPS");
  }
  if (sps.length > 31 || pps.length > 255) {
    throw new RangeError(`Cannot build an avcC of ${sps.length} SPS and ${pps.length} PPS: 31 and 255 are the most`);
  }
  const fields = parseAvcSps(firstSps);
  if ("kind" in fields) return fields;
  const ending = tail ?? defaultTail(fields);

  let sizeBytes = 7 + ending.length;
  for (const nal of [...sps, ...pps]) {
    if (nal.length > 0xffff) throw new RangeError(`Cannot build an avcC: a parameter set has ${nal.length} bytes`);
    sizeBytes += 2 + nal.length;
  }
  const out = new Uint8Array(sizeBytes);
  out.set([1, fields.profileIdc, fields.constraintFlags, fields.levelIdc, 0xff, 0xe0 | sps.length]);
  let offset = writeNals(out, 6, sps);
  out[offset++] = pps.length;
  offset = writeNals(out, offset, pps);
  out.set(ending, offset);
  return out;
}

/**
 * The configuration that viewers get from a publisher's record. Its `record` announces 4-byte NAL lengths, because
 * `VideoTrack.normalize` writes these.
 */
export function avcConfigFromRecord(record: Uint8Array): VideoConfig | Malformed {
  const parsed = parseAvcRecord(record);
  if ("kind" in parsed) return parsed;
  const sps = parseAvcSps(parsed.sps[0] as Uint8Array);
  if ("kind" in sps) return sps;
  // From the SPS, not from the record's copy of it: some encoders leave zeros there.
  const built = buildAvcRecord(parsed.sps, parsed.pps, parsed.tail.length > 0 ? parsed.tail : undefined);
  if ("kind" in built) return built;
  return {
    kind: "video",
    codec: "h264",
    codecString: `avc1.${hexByte(sps.profileIdc)}${hexByte(sps.constraintFlags)}${hexByte(sps.levelIdc)}`,
    width: sps.width,
    height: sps.height,
    record: built,
  };
}

/** `pic_parameter_set_id` and the SPS it refers to, or `undefined` if it is cut short (H.264 §7.3.2.2). */
export function parseAvcPps(nal: Uint8Array): { readonly id: number; readonly spsId: number } | undefined {
  const reader = new BitReader(removeEmulationPrevention(nal.subarray(0, 16)));
  reader.skip(8);
  const pps = { id: reader.ue(), spsId: reader.ue() };
  return reader.isOverrun ? undefined : pps;
}

function readNals(record: Uint8Array, start: number, count: number): { nals: Uint8Array[]; end: number } | undefined {
  const nals: Uint8Array[] = [];
  let offset = start;
  for (let i = 0; i < count; i++) {
    if (offset + 2 > record.length) return undefined;
    const end = offset + 2 + readU16(record, offset);
    if (end > record.length || end === offset + 2) return undefined;
    nals.push(record.subarray(offset + 2, end));
    offset = end;
  }
  return { nals, end: offset };
}

function writeNals(out: Uint8Array, start: number, nals: readonly Uint8Array[]): number {
  let offset = start;
  for (const nal of nals) {
    offset = writeU16(out, offset, nal.length);
    out.set(nal, offset);
    offset += nal.length;
  }
  return offset;
}

function defaultTail(sps: AvcSps): Uint8Array {
  if (!TAIL_PROFILES.has(sps.profileIdc)) return new Uint8Array(0);
  return Uint8Array.of(
    0xfc | sps.chromaFormatIdc,
    0xf8 | (sps.bitDepthLuma - 8),
    0xf8 | (sps.bitDepthChroma - 8),
    0, // no SPS extension
  );
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, "0");
}
