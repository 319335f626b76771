import { readU16, readU32, readU64 } from "@kagami/bytes";
import { aacConfigFromRecord } from "./aac-config.ts";
import { type Malformed, malformed } from "./malformed.ts";
import { findBox, type Mp4Box, readBoxes } from "./mp4-boxes.ts";
import { opusConfigFromRecord } from "./opus-config.ts";
import type { AudioConfig, TrackConfig, VideoCodec, VideoConfig } from "./sample.ts";
import { videoConfigFromRecord } from "./track-config.ts";

/** One track of an initialization segment. */
export interface Mp4Track {
  readonly trackId: number;
  readonly timescale: number;
  readonly config: TrackConfig;
  /** `trex`: what a fragment means where it says nothing. */
  readonly defaults: Mp4SampleDefaults;
}

export interface Mp4SampleDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

/** What an initialization segment says. */
export interface Mp4Init {
  readonly kind: "init";
  readonly tracks: readonly Mp4Track[];
}

/** One sample of a fragment, in ticks. */
export interface Mp4Sample {
  readonly trackId: number;
  readonly dtsTicks: number;
  readonly ptsTicks: number;
  readonly durationTicks: number;
  readonly isKey: boolean;
  /** Aliases the input. */
  readonly data: Uint8Array;
}

/** What one `moof` with its `mdat` holds. */
export interface Mp4Fragment {
  readonly kind: "fragment";
  readonly sequenceNumber: number;
  readonly samples: readonly Mp4Sample[];
}

const VIDEO_ENTRIES: ReadonlyMap<string, readonly [VideoCodec, string]> = new Map([
  ["avc1", ["h264", "avcC"]],
  ["hvc1", ["h265", "hvcC"]],
  ["av01", ["av1", "av1C"]],
  ["vp09", ["vp9", "vpcC"]],
]);
const SAMPLE_LIMIT = 65_536;
const NON_SYNC = 0x1_0000;

/**
 * Reads an initialization segment: what `buildInit` writes, and what other writers make of the same tracks.
 * Tracks of other codecs are left out.
 *
 * @returns A refusal with code `MP4_BOX` or `MP4_TRACK`, or that of a decoder configuration.
 */
export function parseInit(bytes: Uint8Array): Mp4Init | Malformed {
  const top = readBoxes(bytes);
  if ("kind" in top) return top;
  const moov = top.find((box) => box.type === "moov");
  if (moov === undefined) return malformed("MP4_BOX", "There is no moov box; this is not an initialization segment");
  const children = readBoxes(bytes, moov.payloadStart, moov.end);
  if ("kind" in children) return children;
  const tracks: Mp4Track[] = [];
  for (const trak of children) {
    if (trak.type !== "trak") continue;
    const track = parseTrack(bytes, trak, moov);
    if (track === undefined) continue;
    if ("kind" in track) return track;
    tracks.push(track);
  }
  return { kind: "init", tracks };
}

/** Reads one media fragment; `styp`, `prft` and the like are passed over, and a second `moof` is not looked at. */
export function parseFragment(bytes: Uint8Array, init: Mp4Init): Mp4Fragment | Malformed {
  const top = readBoxes(bytes);
  if ("kind" in top) return top;
  const moof = top.find((box) => box.type === "moof");
  const mfhd = moof === undefined ? undefined : findBox(bytes, moof, ["mfhd"]);
  if (moof === undefined || mfhd === undefined || mfhd.end < mfhd.payloadStart + 8) {
    return malformed("MP4_FRAGMENT", "There is no moof box with an mfhd; this is not a fragment");
  }
  const children = readBoxes(bytes, moof.payloadStart, moof.end);
  if ("kind" in children) return children;
  const samples: Mp4Sample[] = [];
  for (const traf of children) {
    if (traf.type !== "traf") continue;
    const refusal = readTraf(bytes, moof, traf, init, samples);
    if (refusal !== undefined) return refusal;
  }
  return { kind: "fragment", sequenceNumber: readU32(bytes, mfhd.payloadStart + 4), samples };
}

function parseTrack(bytes: Uint8Array, trak: Mp4Box, moov: Mp4Box): Mp4Track | Malformed | undefined {
  const tkhd = findBox(bytes, trak, ["tkhd"]);
  const mdhd = findBox(bytes, trak, ["mdia", "mdhd"]);
  const stsd = findBox(bytes, trak, ["mdia", "minf", "stbl", "stsd"]);
  if (tkhd === undefined || mdhd === undefined || stsd === undefined) {
    return malformed("MP4_TRACK", "A trak lacks tkhd, mdhd or stsd");
  }
  // Version 1 has two 64-bit times before the field, version 0 two of 32 bits.
  const idOffset = tkhd.payloadStart + (bytes[tkhd.payloadStart] === 1 ? 20 : 12);
  const scaleOffset = mdhd.payloadStart + (bytes[mdhd.payloadStart] === 1 ? 20 : 12);
  if (idOffset + 4 > tkhd.end || scaleOffset + 4 > mdhd.end || stsd.payloadStart + 8 > stsd.end) {
    return malformed("MP4_TRACK", "A tkhd, mdhd or stsd is cut short");
  }
  const entries = readBoxes(bytes, stsd.payloadStart + 8, stsd.end);
  if ("kind" in entries) return entries;
  const [entry] = entries;
  if (entry === undefined) return malformed("MP4_TRACK", "An stsd has no sample entry");
  const config = readSampleEntry(bytes, entry);
  if (config === undefined) return undefined;
  if (config.kind === "malformed") return config;
  const trackId = readU32(bytes, idOffset);
  const defaults = trexOf(bytes, moov, trackId);
  return { trackId, timescale: readU32(bytes, scaleOffset), config, defaults };
}

function readSampleEntry(bytes: Uint8Array, entry: Mp4Box): TrackConfig | Malformed | undefined {
  const video = VIDEO_ENTRIES.get(entry.type);
  if (video !== undefined) return readVideoEntry(bytes, entry, video[0], video[1]);
  if (entry.type !== "mp4a" && entry.type !== "Opus") return undefined;
  const headBytes = 28;
  if (entry.payloadStart + headBytes > entry.end) return malformed("MP4_TRACK", `The ${entry.type} entry is cut short`);
  return readAudioEntry(bytes, { ...entry, payloadStart: entry.payloadStart + headBytes });
}

function readVideoEntry(bytes: Uint8Array, entry: Mp4Box, codec: VideoCodec, boxType: string): VideoConfig | Malformed {
  const headBytes = 78;
  if (entry.payloadStart + headBytes > entry.end) return malformed("MP4_TRACK", `The ${entry.type} entry is cut short`);
  const box = findBox(bytes, { ...entry, payloadStart: entry.payloadStart + headBytes }, [boxType]);
  if (box === undefined) return malformed("MP4_TRACK", `The ${entry.type} entry has no ${boxType}`);
  const config = videoConfigFromRecord(codec, bytes.subarray(box.payloadStart, box.end));
  if (config.kind === "malformed" || codec !== "vp9") return config;
  return { ...config, width: readU16(bytes, entry.payloadStart + 24), height: readU16(bytes, entry.payloadStart + 26) };
}

function readAudioEntry(bytes: Uint8Array, entry: Mp4Box): AudioConfig | Malformed {
  if (entry.type === "Opus") {
    const dOps = findBox(bytes, entry, ["dOps"]);
    if (dOps === undefined) return malformed("MP4_TRACK", "The Opus entry has no dOps");
    return opusConfigFromRecord(bytes.subarray(dOps.payloadStart, dOps.end));
  }
  const esds = findBox(bytes, entry, ["esds"]);
  const record = esds === undefined ? undefined : decoderSpecificInfo(bytes, esds.payloadStart + 4, esds.end);
  if (record === undefined) return malformed("MP4_TRACK", "The mp4a entry has no readable esds");
  return aacConfigFromRecord(record);
}

/** Descends from ES_Descriptor (3) over DecoderConfigDescriptor (4) to DecoderSpecificInfo (5). */
function decoderSpecificInfo(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  let offset = start;
  for (const [tag, headBytes] of [
    [3, 3],
    [4, 13],
    [5, 0],
  ] as const) {
    if (bytes[offset] !== tag) return undefined;
    offset++;
    let size = 0;
    for (let i = 0; i < 4 && offset < end; i++) {
      const byte = bytes[offset++] as number;
      size = size * 128 + (byte & 0x7f);
      if (byte < 0x80) break;
    }
    if (offset + size > end) return undefined;
    if (tag === 5) return bytes.subarray(offset, offset + size);
    offset += headBytes;
  }
  return undefined;
}

function trexOf(bytes: Uint8Array, moov: Mp4Box, trackId: number): Mp4SampleDefaults {
  const mvex = findBox(bytes, moov, ["mvex"]);
  const children = mvex === undefined ? [] : readBoxes(bytes, mvex.payloadStart, mvex.end);
  if (!("kind" in children)) {
    for (const { type, payloadStart, end } of children) {
      if (type !== "trex" || payloadStart + 24 > end || readU32(bytes, payloadStart + 4) !== trackId) continue;
      const [duration, size] = [readU32(bytes, payloadStart + 12), readU32(bytes, payloadStart + 16)];
      return { duration, size, flags: readU32(bytes, payloadStart + 20) };
    }
  }
  return { duration: 0, size: 0, flags: 0 };
}

/** Appends the samples of one `traf`; returns a refusal or nothing. */
function readTraf(
  bytes: Uint8Array,
  moof: Mp4Box,
  traf: Mp4Box,
  init: Mp4Init,
  samples: Mp4Sample[],
): Malformed | undefined {
  const children = readBoxes(bytes, traf.payloadStart, traf.end);
  if ("kind" in children) return children;
  const tfhd = children.find((box) => box.type === "tfhd");
  const tfdt = children.find((box) => box.type === "tfdt");
  const tfdtBytes = tfdt === undefined ? 0 : bytes[tfdt.payloadStart] === 1 ? 12 : 8;
  if (tfhd === undefined || tfhd.payloadStart + 8 > tfhd.end || (tfdt && tfdt.payloadStart + tfdtBytes > tfdt.end)) {
    return malformed("MP4_FRAGMENT", "A traf has no readable tfhd or tfdt");
  }
  const trackId = readU32(bytes, tfhd.payloadStart + 4);
  const track = init.tracks.find((candidate) => candidate.trackId === trackId);
  if (track === undefined) return undefined; // of a codec that parseInit left out
  const head = readTfhd(bytes, tfhd, moof, track.defaults);
  if ("kind" in head) return head;
  let dtsTicks = 0;
  if (tfdt !== undefined) {
    dtsTicks = tfdtBytes === 12 ? readU64(bytes, tfdt.payloadStart + 4) : readU32(bytes, tfdt.payloadStart + 4);
  }
  let dataOffset = head.baseOffset;
  for (const trun of children) {
    if (trun.type !== "trun") continue;
    const end = readTrun(bytes, trun, trackId, head, dtsTicks, dataOffset, samples);
    if ("kind" in end) return end;
    dtsTicks = end.dtsTicks;
    dataOffset = end.dataOffset;
  }
  return undefined;
}

interface TrafHead extends Mp4SampleDefaults {
  readonly baseOffset: number;
}

function readTfhd(bytes: Uint8Array, tfhd: Mp4Box, moof: Mp4Box, defaults: Mp4SampleDefaults): TrafHead | Malformed {
  const present = readU32(bytes, tfhd.payloadStart) & 0xff_ffff;
  let offset = tfhd.payloadStart + 8;
  let { duration, size, flags } = defaults;
  let baseOffset = moof.start;
  if ((present & 0x01) !== 0) {
    baseOffset = readU64(bytes, offset);
    offset += 8;
  }
  if ((present & 0x02) !== 0) offset += 4; // sample_description_index
  if ((present & 0x08) !== 0) {
    duration = readU32(bytes, offset);
    offset += 4;
  }
  if ((present & 0x10) !== 0) {
    size = readU32(bytes, offset);
    offset += 4;
  }
  if ((present & 0x20) !== 0) {
    flags = readU32(bytes, offset);
    offset += 4;
  }
  if (offset > tfhd.end) return malformed("MP4_FRAGMENT", "A tfhd is cut short");
  return { duration, size, flags, baseOffset };
}

function readTrun(
  bytes: Uint8Array,
  trun: Mp4Box,
  trackId: number,
  head: TrafHead,
  firstDtsTicks: number,
  firstDataOffset: number,
  samples: Mp4Sample[],
): { dtsTicks: number; dataOffset: number } | Malformed {
  let offset = trun.payloadStart + 8;
  if (offset > trun.end) return malformed("MP4_FRAGMENT", "A trun is cut short");
  const version = bytes[trun.payloadStart] as number;
  const present = readU32(bytes, trun.payloadStart) & 0xff_ffff;
  const count = readU32(bytes, trun.payloadStart + 4);
  const rowBytes = 4 * bitCount(present & 0xf00);
  const headBytes = 4 * bitCount(present & 0x005);
  if (count > SAMPLE_LIMIT || offset + headBytes + count * rowBytes > trun.end) {
    return malformed("MP4_FRAGMENT", `A trun of ${count} samples does not fit into its box`);
  }
  let dataOffset = firstDataOffset;
  if ((present & 0x1) !== 0) {
    dataOffset = head.baseOffset + (readU32(bytes, offset) | 0);
    offset += 4;
  }
  const firstFlags = (present & 0x4) !== 0 ? readU32(bytes, offset) : undefined;
  offset = trun.payloadStart + 8 + headBytes;
  let dtsTicks = firstDtsTicks;
  const next = (isPresent: number, otherwise: number): number => {
    if (isPresent === 0) return otherwise;
    offset += 4;
    return readU32(bytes, offset - 4);
  };
  for (let i = 0; i < count; i++) {
    const durationTicks = next(present & 0x100, head.duration);
    const size = next(present & 0x200, head.size);
    const flags = next(present & 0x400, i === 0 && firstFlags !== undefined ? firstFlags : head.flags);
    const composition = next(present & 0x800, 0);
    const ptsTicks = dtsTicks + (version === 0 ? composition : composition | 0);
    if (dataOffset < 0 || dataOffset + size > bytes.length) {
      return malformed("MP4_FRAGMENT", `Sample ${i} reaches past the fragment's ${bytes.length} bytes`);
    }
    const data = bytes.subarray(dataOffset, dataOffset + size);
    samples.push({ trackId, dtsTicks, ptsTicks, durationTicks, isKey: (flags & NON_SYNC) === 0, data });
    dtsTicks += durationTicks;
    dataOffset += size;
  }
  return { dtsTicks, dataOffset };
}

function bitCount(value: number): number {
  let count = 0;
  for (let left = value; left !== 0; left &= left - 1) count++;
  return count;
}
