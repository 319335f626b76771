import { equalBytes, readU16, readU32, writeU32 } from "@kagami/bytes";
import { buildAvcRecord, parseAvcPps, parseAvcRecord } from "./avc-config.ts";
import { parseAvcSps } from "./avc-sps.ts";
import { removeEmulationPrevention } from "./emulation-prevention.ts";
import {
  buildHevcRecord,
  HEVC_NAL_PPS,
  HEVC_NAL_SPS,
  HEVC_NAL_VPS,
  parseHevcRecord,
  parseHevcSps,
} from "./hevc-config.ts";
import { type Malformed, malformed } from "./malformed.ts";
import type { NormalizedSample, VideoTrack } from "./normalized-sample.ts";
import type { VideoConfig } from "./sample.ts";
import { videoConfigFromRecord } from "./track-config.ts";

/** A picture may have this many NAL units; level 6.2 allows 600 slices. */
const NAL_LIMIT = 4096;
const PARAMETER_SET_LIMIT_BYTES = 0xffff;

// What becomes of a NAL unit, by type; it stays where the table has 0.
const DROP = 1;
const PARAMETER_SET = 2;
const KEY = 3;
const SEI = 4;

const AVC_NAL_SPS = 7;
const AVC_NAL_PPS = 8;
const AVC_ACTIONS = new Uint8Array(32);
AVC_ACTIONS[5] = KEY; // IDR slice
AVC_ACTIONS[6] = SEI;
AVC_ACTIONS[AVC_NAL_SPS] = PARAMETER_SET;
AVC_ACTIONS[AVC_NAL_PPS] = PARAMETER_SET;
AVC_ACTIONS[9] = DROP; // access unit delimiter
AVC_ACTIONS[12] = DROP; // filler

const HEVC_ACTIONS = new Uint8Array(64);
HEVC_ACTIONS.fill(KEY, 16, 22); // BLA, IDR, CRA
HEVC_ACTIONS.fill(PARAMETER_SET, HEVC_NAL_VPS, HEVC_NAL_PPS + 1);
HEVC_ACTIONS[35] = DROP; // access unit delimiter
HEVC_ACTIONS[38] = DROP; // filler
HEVC_ACTIONS[39] = SEI; // prefix SEI

const SEI_RECOVERY_POINT = 6;

interface ParameterSet {
  readonly nalType: number;
  readonly id: number;
  readonly nal: Uint8Array;
}

/**
 * H.264 and H.265. Two passes: the first checks every length and decides, allocating nothing; the second copies, and
 * runs only if the lengths are not of 4 bytes or something has to go from between two NAL units that stay.
 * Parameter sets never stay: `avc1` and `hvc1` have them in the configuration alone.
 */
export class NalTrack implements VideoTrack {
  readonly kind = "video-track";
  readonly #isAvc: boolean;
  readonly #lengthSizeBytes: 1 | 2 | 4;
  #config: VideoConfig;
  #known: ParameterSet[];

  private constructor(config: VideoConfig, lengthSizeBytes: 1 | 2 | 4, known: ParameterSet[]) {
    this.#isAvc = config.codec === "h264";
    this.#lengthSizeBytes = lengthSizeBytes;
    this.#config = config;
    this.#known = known;
  }

  /** See `openVideoTrack`. */
  static open(codec: "h264" | "h265", record: Uint8Array): NalTrack | Malformed {
    const config = videoConfigFromRecord(codec, record);
    if (config.kind === "malformed") return config;
    const source = codec === "h264" ? parseAvcRecord(record) : parseHevcRecord(record);
    if ("kind" in source) return source;
    return new NalTrack(config, source.lengthSizeBytes, parameterSetsOf(config));
  }

  get config(): VideoConfig {
    return this.#config;
  }

  normalize(data: Uint8Array): NormalizedSample | Malformed {
    const actions = this.#isAvc ? AVC_ACTIONS : HEVC_ACTIONS;
    const lengthSizeBytes = this.#lengthSizeBytes;
    let isKey = false;
    let hasRecoveryPoint = false;
    let changed: Uint8Array[] | undefined;
    let keptBytes = 0; // with 4-byte lengths
    let firstKept = -1;
    let lastKept = 0;
    let nalCount = 0;
    for (let offset = 0; offset < data.length; ) {
      const start = offset + lengthSizeBytes;
      const end = start + (start <= data.length ? readLength(data, offset, lengthSizeBytes) : 0);
      nalCount++;
      if (start > data.length || end > data.length || nalCount > NAL_LIMIT) return badLength(data, offset, nalCount);
      const action = end === start ? DROP : (actions[this.#nalType(data[start] as number)] as number);
      if (action === DROP) {
        offset = end;
        continue;
      }
      if (action === PARAMETER_SET) {
        const nal = data.subarray(start, end);
        if (!this.#isKnown(nal)) changed = append(changed, nal);
        offset = end;
        continue;
      }
      if (action === KEY) isKey = true;
      else if (action === SEI) hasRecoveryPoint ||= hasRecoveryPointMessage(data.subarray(start, end), this.#isAvc);
      if (firstKept < 0) firstKept = offset;
      lastKept = end;
      keptBytes += 4 + end - start;
      offset = end;
    }
    let changedConfig: VideoConfig | undefined;
    if (changed !== undefined) {
      const result = this.#change(changed);
      if (result.kind === "malformed") return result;
      changedConfig = result;
    }
    return {
      kind: "sample",
      data: this.#keep(data, firstKept, lastKept, keptBytes),
      isKey,
      hasRecoveryPoint,
      changedConfig,
    };
  }

  #nalType(header: number): number {
    return this.#isAvc ? header & 0x1f : (header >>> 1) & 0x3f;
  }

  #isKnown(nal: Uint8Array): boolean {
    for (const set of this.#known) {
      if (equalBytes(set.nal, nal)) return true;
    }
    return false;
  }

  #keep(data: Uint8Array, firstKept: number, lastKept: number, keptBytes: number): Uint8Array {
    if (firstKept < 0) return data.subarray(0, 0);
    if (this.#lengthSizeBytes === 4 && lastKept - firstKept === keptBytes) {
      return keptBytes === data.length ? data : data.subarray(firstKept, lastKept);
    }
    const actions = this.#isAvc ? AVC_ACTIONS : HEVC_ACTIONS;
    const out = new Uint8Array(keptBytes);
    let size = 0;
    for (let offset = firstKept; offset < lastKept; ) {
      const start = offset + this.#lengthSizeBytes;
      offset = start + readLength(data, offset, this.#lengthSizeBytes);
      if (offset === start) continue;
      const action = actions[this.#nalType(data[start] as number)] as number;
      if (action === DROP || action === PARAMETER_SET) continue;
      size = writeU32(out, size, offset - start);
      out.set(data.subarray(start, offset), size);
      size += offset - start;
    }
    return out;
  }

  /** New sets replace old ones of the same type and id and come first: the configuration reads the first SPS. */
  #change(nals: readonly Uint8Array[]): VideoConfig | Malformed {
    const sets = new Map<number, ParameterSet>();
    for (const nal of nals) {
      const set = identify(nal, this.#isAvc);
      if ("kind" in set) return set;
      sets.set(set.nalType * 256 + set.id, set);
    }
    for (const set of this.#known) {
      const key = set.nalType * 256 + set.id;
      if (!sets.has(key)) sets.set(key, set);
    }
    const merged = [...sets.values()];
    const ofType = (nalType: number) => merged.filter((set) => set.nalType === nalType).map((set) => set.nal);
    const record = this.#isAvc
      ? buildAvcRecord(ofType(AVC_NAL_SPS).slice(0, 31), ofType(AVC_NAL_PPS).slice(0, 255))
      : buildHevcRecord(ofType(HEVC_NAL_VPS), ofType(HEVC_NAL_SPS), ofType(HEVC_NAL_PPS));
    if ("kind" in record) return record;
    const config = videoConfigFromRecord(this.#config.codec, record);
    if (config.kind === "malformed") return config;
    this.#config = config;
    this.#known = parameterSetsOf(config);
    return config;
  }
}

function readLength(data: Uint8Array, offset: number, sizeBytes: 1 | 2 | 4): number {
  if (sizeBytes === 4) return readU32(data, offset);
  return sizeBytes === 2 ? readU16(data, offset) : (data[offset] as number);
}

function append(list: Uint8Array[] | undefined, nal: Uint8Array): Uint8Array[] {
  if (list === undefined) return [nal];
  list.push(nal);
  return list;
}

function badLength(data: Uint8Array, offset: number, nalCount: number): Malformed {
  if (nalCount > NAL_LIMIT) return malformed("NAL_LENGTH", `The picture has more than ${NAL_LIMIT} NAL units`);
  const third = data[2] as number;
  const hasStartCode = data[0] === 0 && data[1] === 0 && (third === 1 || (third === 0 && data[3] === 1));
  if (hasStartCode) {
    return malformed("NAL_ANNEX_B", "The picture has Annex B start codes; send NAL units with lengths before them");
  }
  return malformed("NAL_LENGTH", `The NAL unit at byte ${offset} reaches past the picture's ${data.length} bytes`);
}

/** The sets in a configuration that was read before, so that none of them can be refused. */
function parameterSetsOf(config: VideoConfig): ParameterSet[] {
  const isAvc = config.codec === "h264";
  const parsed = isAvc ? parseAvcRecord(config.record) : parseHevcRecord(config.record);
  if ("kind" in parsed) return [];
  const nals = "sps" in parsed ? [...parsed.sps, ...parsed.pps] : parsed.arrays.flatMap((list) => list.nals);
  const sets: ParameterSet[] = [];
  for (const nal of nals) {
    const set = identify(nal, isAvc);
    if (!("kind" in set)) sets.push(set);
  }
  return sets;
}

function identify(nal: Uint8Array, isAvc: boolean): ParameterSet | Malformed {
  if (nal.length > PARAMETER_SET_LIMIT_BYTES) {
    return malformed("NAL_LENGTH", `A parameter set has ${nal.length} bytes; ${PARAMETER_SET_LIMIT_BYTES} is the most`);
  }
  return isAvc ? identifyAvc(nal) : identifyHevc(nal);
}

function identifyAvc(nal: Uint8Array): ParameterSet | Malformed {
  const nalType = (nal[0] as number) & 0x1f;
  if (nalType === AVC_NAL_SPS) {
    const sps = parseAvcSps(nal);
    return "kind" in sps ? sps : { nalType, id: sps.id, nal };
  }
  const pps = parseAvcPps(nal);
  if (nalType !== AVC_NAL_PPS || pps === undefined || pps.id > 255) {
    return malformed("AVC_CONFIG", "A picture parameter set in the stream is cut short or has an id over 255");
  }
  return { nalType, id: pps.id, nal };
}

function identifyHevc(nal: Uint8Array): ParameterSet | Malformed {
  const nalType = ((nal[0] as number) >>> 1) & 0x3f;
  if (nalType === HEVC_NAL_SPS) {
    const sps = parseHevcSps(nal);
    return "kind" in sps ? sps : { nalType, id: sps.id, nal };
  }
  if (nal.length < 3) return malformed("HEVC_CONFIG", "A parameter set in the stream is cut short");
  const third = nal[2] as number;
  // A VPS has its id in four bits; a PPS has an Exp-Golomb code, which the AVC reader finds one byte later.
  if (nalType === HEVC_NAL_VPS) return { nalType, id: third >>> 4, nal };
  const pps = parseAvcPps(nal.subarray(1));
  if (nalType !== HEVC_NAL_PPS || pps === undefined || pps.id > 63) {
    return malformed("HEVC_CONFIG", "A picture parameter set in the stream is cut short or has an id over 63");
  }
  return { nalType, id: pps.id, nal };
}

/** @see H.264 §7.3.2.3.1 and §D.1.1; H.265 §7.3.5 */
function hasRecoveryPointMessage(nal: Uint8Array, isAvc: boolean): boolean {
  const rbsp = removeEmulationPrevention(nal);
  let offset = isAvc ? 1 : 2;
  while (offset + 2 < rbsp.length) {
    let type = 0;
    while (rbsp[offset] === 0xff) {
      type += 255;
      offset++;
    }
    type += rbsp[offset++] ?? 0;
    let size = 0;
    while (rbsp[offset] === 0xff) {
      size += 255;
      offset++;
    }
    size += rbsp[offset++] ?? 0;
    if (type === SEI_RECOVERY_POINT) return true;
    offset += size;
  }
  return false;
}
