import { concatBytes, writeU16, writeU32 } from "@kagami/bytes";
import type { AudioConfig, VideoCodec, VideoConfig } from "./sample.ts";

/** Track ids of every stream that Kagami writes. */
export const VIDEO_TRACK_ID = 1;
export const AUDIO_TRACK_ID = 2;

/** Ticks a second of the video track. Audio tracks count in their sample rate. */
export const VIDEO_TIMESCALE = 90_000;

/** The tracks of a stream; at least one. */
export interface StreamConfig {
  readonly video?: VideoConfig | undefined;
  readonly audio?: AudioConfig | undefined;
}

const MATRIX = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
const LANGUAGE_UNDETERMINED = 0x55c4;
const VIDEO_ENTRY: Readonly<Record<VideoCodec, { entry: string; box: string }>> = {
  h264: { entry: "avc1", box: "avcC" },
  h265: { entry: "hvc1", box: "hvcC" },
  av1: { entry: "av01", box: "av1C" },
  vp9: { entry: "vp09", box: "vpcC" },
};

/** The MIME type with RFC 6381 codecs, for `MediaSource` and playlists. */
export function mimeTypeOf(config: StreamConfig): string {
  const codecs = [config.video?.codecString, config.audio?.codecString].filter((codec) => codec !== undefined);
  return `${config.video === undefined ? "audio" : "video"}/mp4; codecs="${codecs.join(",")}"`;
}

/**
 * An initialization segment: `ftyp` and `moov` with `mvex`, video as track 1, audio as track 2.
 *
 * @throws RangeError if there is neither video nor audio.
 * @see ISO 14496-12 §8; ISO 23000-19 (CMAF) §7.3
 */
export function buildInit(config: StreamConfig): Uint8Array {
  const { video, audio } = config;
  if (video === undefined && audio === undefined) throw new RangeError("Cannot build an init segment without a track");
  const traks: Uint8Array[] = [];
  const trexs: Uint8Array[] = [];
  if (video !== undefined) {
    traks.push(videoTrak(video));
    trexs.push(trex(VIDEO_TRACK_ID));
  }
  if (audio !== undefined) {
    traks.push(audioTrak(audio));
    trexs.push(trex(AUDIO_TRACK_ID));
  }
  const brands = ["iso6", "cmfc", "mp41"].map(ascii);
  const ftyp = box("ftyp", ascii("iso6"), u32(0), ...brands);
  return concatBytes([ftyp, box("moov", movieHeader(), ...traks, box("mvex", ...trexs))]);
}

function movieHeader(): Uint8Array {
  // Creation, modification, timescale, duration 0 (all in fragments), rate 1, volume 1.
  const head = [u32(0, 0, 1000, 0, 0x1_0000), u16(0x100, 0), u32(0, 0), u32(...MATRIX)];
  return fullBox("mvhd", 0, 0, ...head, u32(0, 0, 0, 0, 0, 0), u32(AUDIO_TRACK_ID + 1));
}

function videoTrak(config: VideoConfig): Uint8Array {
  const { entry, box: boxType } = VIDEO_ENTRY[config.codec];
  const sampleEntry = box(
    entry,
    u16(0, 0, 0, 1), // reserved, data_reference_index
    u32(0, 0, 0, 0), // pre_defined, reserved
    u16(config.width, config.height),
    u32(0x48_0000, 0x48_0000, 0), // 72 dpi
    u16(1), // frame_count
    new Uint8Array(32), // compressorname
    u16(0x18, 0xffff), // depth, pre_defined
    box(boxType, config.record),
  );
  const mediaHeader = fullBox("vmhd", 0, 1, u16(0, 0, 0, 0));
  const tkhd = trackHeader(VIDEO_TRACK_ID, config.width, config.height, 0);
  return trak(tkhd, VIDEO_TIMESCALE, "vide", "Video", mediaHeader, sampleEntry);
}

function audioTrak(config: AudioConfig): Uint8Array {
  const decoderConfig = config.codec === "aac" ? esds(config.record) : box("dOps", config.record);
  const sampleEntry = box(
    config.codec === "aac" ? "mp4a" : "Opus",
    u16(0, 0, 0, 1), // reserved, data_reference_index
    u32(0, 0),
    u16(config.channelCount, 16, 0, 0),
    // 16.16: a rate over 65 535 Hz does not fit, readers take it from the decoder's configuration.
    u32(config.sampleRate > 0xffff ? 0 : config.sampleRate * 0x1_0000),
    decoderConfig,
  );
  const mediaHeader = fullBox("smhd", 0, 0, u16(0, 0));
  const tkhd = trackHeader(AUDIO_TRACK_ID, 0, 0, 0x100);
  return trak(tkhd, config.sampleRate, "soun", "Sound", mediaHeader, sampleEntry);
}

function trackHeader(trackId: number, width: number, height: number, volume: number): Uint8Array {
  const ENABLED_IN_MOVIE = 3;
  const head = [u32(0, 0, trackId, 0, 0), u32(0, 0), u16(0, 0, volume, 0), u32(...MATRIX)];
  return fullBox("tkhd", 0, ENABLED_IN_MOVIE, ...head, u32(width * 0x1_0000, height * 0x1_0000));
}

function trak(
  tkhd: Uint8Array,
  timescale: number,
  handler: string,
  name: string,
  mediaHeader: Uint8Array,
  sampleEntry: Uint8Array,
): Uint8Array {
  const mdhd = fullBox("mdhd", 0, 0, u32(0, 0, timescale, 0), u16(LANGUAGE_UNDETERMINED, 0));
  const hdlr = fullBox("hdlr", 0, 0, u32(0), ascii(handler), u32(0, 0, 0), ascii(`${name}\0`));
  const SELF_CONTAINED = 1;
  const dinf = box("dinf", fullBox("dref", 0, 0, u32(1), fullBox("url ", 0, SELF_CONTAINED)));
  const stbl = box(
    "stbl",
    fullBox("stsd", 0, 0, u32(1), sampleEntry),
    fullBox("stts", 0, 0, u32(0)),
    fullBox("stsc", 0, 0, u32(0)),
    fullBox("stsz", 0, 0, u32(0, 0)),
    fullBox("stco", 0, 0, u32(0)),
  );
  return box("trak", tkhd, box("mdia", mdhd, hdlr, box("minf", mediaHeader, dinf, stbl)));
}

function trex(trackId: number): Uint8Array {
  return fullBox("trex", 0, 0, u32(trackId, 1, 0, 0, 0));
}

/**
 * Elementary stream descriptor.
 *
 * @see ISO 14496-1 §7.2.6; ISO 14496-14 §5.6
 */
function esds(audioSpecificConfig: Uint8Array): Uint8Array {
  const decoderSpecific = descriptor(5, audioSpecificConfig);
  const AUDIO_ISO_14496_3 = 0x40;
  const AUDIO_STREAM = 0x15;
  const decoderConfig = descriptor(4, u8(AUDIO_ISO_14496_3, AUDIO_STREAM, 0, 0, 0), u32(0, 0), decoderSpecific);
  return fullBox("esds", 0, 0, descriptor(3, u16(0), u8(0), decoderConfig, descriptor(6, u8(2))));
}

function descriptor(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const payload = concatBytes(parts);
  const size = payload.length;
  // Four bytes of size whatever it is: some readers expect it so.
  const head = u8(tag, 0x80 | (size >>> 21), 0x80 | ((size >>> 14) & 0x7f), 0x80 | ((size >>> 7) & 0x7f), size & 0x7f);
  return concatBytes([head, payload]);
}

function box(type: string, ...parts: Uint8Array[]): Uint8Array {
  const out = concatBytes([new Uint8Array(8), ...parts]);
  writeU32(out, 0, out.length);
  out.set(ascii(type), 4);
  return out;
}

function fullBox(type: string, version: number, flags: number, ...parts: Uint8Array[]): Uint8Array {
  return box(type, u32(version * 0x100_0000 + flags), ...parts);
}

function u8(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function u16(...values: number[]): Uint8Array {
  const out = new Uint8Array(values.length * 2);
  for (const [index, value] of values.entries()) writeU16(out, index * 2, value);
  return out;
}

function u32(...values: number[]): Uint8Array {
  const out = new Uint8Array(values.length * 4);
  for (const [index, value] of values.entries()) writeU32(out, index * 4, value);
  return out;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
