import { readU16, readU32, writeU16, writeU32 } from "@kagami/bytes";
import { type Malformed, malformed } from "./malformed.ts";
import type { AudioConfig } from "./sample.ts";

const MAGIC = [0x4f, 0x70, 0x75, 0x73, 0x48, 0x65, 0x61, 0x64]; // "OpusHead"
const HEAD_BYTES = 11;
/** An Opus decoder gives out this rate, in Hz, whatever went in. */
const DECODER_RATE = 48_000;

/**
 * The configuration for an Opus identification header, with or without its "OpusHead".
 * The result's record is a `dOps` payload; its sample rate is always 48 000.
 *
 * @see RFC 7845 §5.1; Opus in ISOBMFF §4.3.2
 */
export function opusConfigFromHead(head: Uint8Array): AudioConfig | Malformed {
  const hasMagic = MAGIC.every((byte, index) => head[index] === byte);
  const fields = hasMagic ? head.subarray(MAGIC.length) : head;
  if (fields.length < HEAD_BYTES) {
    return malformed("OPUS_CONFIG", `OpusHead has ${fields.length} bytes after its magic; 11 is the least`);
  }
  // Versions 0 to 15 are compatible (RFC 7845 §5.1).
  if ((fields[0] as number) > 15) return malformed("OPUS_CONFIG", `OpusHead has version ${fields[0]}; send version 1`);
  const out = fields.slice(0, recordBytes(fields));
  out[0] = 0;
  // OpusHead is little-endian, dOps big-endian.
  writeU16(out, 2, swap16(fields, 2));
  writeU32(out, 4, (swap16(fields, 4) | (swap16(fields, 6) << 16)) >>> 0);
  writeU16(out, 8, swap16(fields, 8));
  return opusConfigFromRecord(out);
}

/** The configuration for a `dOps` payload. */
export function opusConfigFromRecord(record: Uint8Array): AudioConfig | Malformed {
  if (record.length < HEAD_BYTES) return malformed("OPUS_CONFIG", `dOps has ${record.length} bytes; 11 is the least`);
  if (record[0] !== 0) return malformed("OPUS_CONFIG", `dOps has version ${record[0]}; send version 0`);
  const channelCount = record[1] as number;
  const family = record[10] as number;
  if (channelCount === 0 || (family === 0 && channelCount > 2)) {
    return malformed("OPUS_CONFIG", `${channelCount} channels do not fit mapping family ${family}`);
  }
  const sizeBytes = recordBytes(record);
  if (record.length < sizeBytes) {
    return malformed("OPUS_CONFIG", `The channel mapping needs ${sizeBytes} bytes; the record has ${record.length}`);
  }
  const out = record.slice(0, sizeBytes);
  return { kind: "audio", codec: "opus", codecString: "opus", sampleRate: DECODER_RATE, channelCount, record: out };
}

/** The identification header, with "OpusHead", for a `dOps` payload: what Enhanced RTMP carries. */
export function opusHeadFromRecord(record: Uint8Array): Uint8Array {
  const out = new Uint8Array(MAGIC.length + record.length);
  out.set(MAGIC);
  const fields = out.subarray(MAGIC.length);
  fields.set(record);
  fields[0] = 1;
  writeU16(fields, 2, swap16(record, 2));
  const rate = readU32(record, 4);
  writeU16(fields, 4, ((rate & 0xff) << 8) | ((rate >>> 8) & 0xff));
  writeU16(fields, 6, (((rate >>> 16) & 0xff) << 8) | (rate >>> 24));
  writeU16(fields, 8, swap16(record, 8));
  return out;
}

/**
 * How long an Opus packet plays, in microseconds, 2 500 to 120 000.
 *
 * @see RFC 6716 §3.1
 */
export function opusPacketDurationUs(packet: Uint8Array): number | Malformed {
  const toc = packet[0];
  if (toc === undefined) return malformed("OPUS_PACKET", "The packet is empty; leave it out");
  const mode = toc >>> 3;
  const frameUs = mode < 12 ? SILK_US[mode & 3] : mode < 16 ? ((mode & 1) === 0 ? 10_000 : 20_000) : CELT_US[mode & 3];
  const code = toc & 3;
  const frameCount = code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 0x3f;
  const durationUs = (frameUs as number) * frameCount;
  if (frameCount === 0 || durationUs > 120_000) {
    return malformed("OPUS_PACKET", `A packet of ${frameCount} frames is not allowed; it may last 120 ms`);
  }
  return durationUs;
}

const SILK_US = [10_000, 20_000, 40_000, 60_000];
const CELT_US = [2_500, 5_000, 10_000, 20_000];

/** With the channel mapping table of the families other than 0. */
function recordBytes(fields: Uint8Array): number {
  return fields[10] === 0 ? HEAD_BYTES : HEAD_BYTES + 2 + (fields[1] as number);
}

function swap16(bytes: Uint8Array, offset: number): number {
  const value = readU16(bytes, offset);
  return ((value & 0xff) << 8) | (value >>> 8);
}
