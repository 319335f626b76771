import { type AvcRecord, buildAvcRecord, parseAvcPps, parseAvcRecord } from "./avc-config.ts";
import { type AvcSps, parseAvcSps } from "./avc-sps.ts";
import { type Malformed, malformed } from "./malformed.ts";

// Pictures of two encoders can follow one another in one track if each names its own parameter sets: a picture's slices
// carry the id of a PPS, that one the id of an SPS, and a decoder activates the SPS at the IDR picture that asks for it
// (H.264 §7.4.1.2.1). So one record with both needs no new initialization segment at a switch.

const LEVEL_OFFSET = 3;
const SPS_ID_LIMIT = 32;

/**
 * One AVCDecoderConfigurationRecord for the pictures of two encoders of one picture size. Profile and level of the
 * record, and of the SPS that comes first, are enough for both: the higher profile's SPS comes first, and its level is
 * raised to the other's.
 *
 * @returns A refusal with code `AVC_CONFIG` or `AVC_SPS` if one of them cannot be read or they use an id both.
 */
export function mergeAvcRecords(one: Uint8Array, other: Uint8Array): Uint8Array | Malformed {
  const first = readSets(one);
  if ("kind" in first) return first;
  const second = readSets(other);
  if ("kind" in second) return second;
  if ((first.usedIds & second.usedIds) !== 0) {
    return malformed("AVC_CONFIG", "Two records with parameter sets of one id cannot be merged; give one another id");
  }
  const [high, low] = second.sps.profileIdc > first.sps.profileIdc ? [second, first] : [first, second];
  const [highest, ...rest] = high.record.sps;
  const raised = withLevel(highest as Uint8Array, Math.max(high.sps.levelIdc, low.sps.levelIdc));
  const tail = high.record.tail.length > 0 ? high.record.tail : undefined;
  return buildAvcRecord([raised, ...rest, ...low.record.sps], [...high.record.pps, ...low.record.pps], tail);
}

/**
 * An id, 0 to 31, that no SPS and no PPS of a record has; for an encoder whose pictures shall go into one track with
 * those of the record.
 *
 * @returns `undefined` if all are taken; a refusal if the record cannot be read.
 */
export function freeAvcParameterSetId(record: Uint8Array): number | undefined | Malformed {
  const sets = readSets(record);
  if ("kind" in sets) return sets;
  for (let id = SPS_ID_LIMIT - 1; id >= 0; id--) {
    if (((sets.usedIds >>> id) & 1) === 0) return id;
  }
  return undefined;
}

interface ParameterSets {
  readonly record: AvcRecord;
  /** The first one. */
  readonly sps: AvcSps;
  /** Bit n: an SPS or PPS has the id n. Ids over 31 need no bit: only a PPS can have one. */
  readonly usedIds: number;
}

function readSets(bytes: Uint8Array): ParameterSets | Malformed {
  const record = parseAvcRecord(bytes);
  if ("kind" in record) return record;
  let first: AvcSps | undefined;
  let usedIds = 0;
  for (const nal of record.sps) {
    const sps = parseAvcSps(nal);
    if ("kind" in sps) return sps;
    first ??= sps;
    usedIds |= 1 << sps.id;
  }
  for (const nal of record.pps) {
    const pps = parseAvcPps(nal);
    if (pps === undefined) return malformed("AVC_CONFIG", "A picture parameter set of the avcC is cut short");
    if (pps.id < SPS_ID_LIMIT) usedIds |= 1 << pps.id;
  }
  // parseAvcRecord refuses a record without SPS.
  return { record, sps: first as AvcSps, usedIds: usedIds };
}

/** The level stands in a byte of its own, before anything coded, and cannot make a start code: it is never below 9. */
function withLevel(nal: Uint8Array, levelIdc: number): Uint8Array {
  if (nal[LEVEL_OFFSET] === levelIdc) return nal;
  const raised = nal.slice();
  raised[LEVEL_OFFSET] = levelIdc;
  return raised;
}
