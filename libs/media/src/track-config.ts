import { aacConfigFromRecord, parseAacSpecificConfig } from "./aac-config.ts";
import { av1ConfigFromRecord } from "./av1-config.ts";
import { avcConfigFromRecord } from "./avc-config.ts";
import { hevcConfigFromRecord } from "./hevc-config.ts";
import { type Malformed, malformed } from "./malformed.ts";
import { opusConfigFromHead, opusPacketDurationUs } from "./opus-config.ts";
import type { AudioCodec, AudioConfig, VideoCodec, VideoConfig } from "./sample.ts";
import { vp9ConfigFromRecord } from "./vp9-config.ts";

/** A publisher's record may have this many bytes; real ones have under a thousand. */
const RECORD_LIMIT_BYTES = 65_536;

/**
 * The configuration for a record as Enhanced RTMP and old FLV carry it: avcC, hvcC, av1C, vpcC. The result's record
 * is a copy and announces 4-byte NAL lengths. VP9 has width and height 0 until a key frame is seen.
 */
export function videoConfigFromRecord(codec: VideoCodec, record: Uint8Array): VideoConfig | Malformed {
  if (record.length > RECORD_LIMIT_BYTES) return tooLarge(codec, record);
  switch (codec) {
    case "h264":
      return avcConfigFromRecord(record);
    case "h265":
      return hevcConfigFromRecord(record);
    case "av1":
      return av1ConfigFromRecord(record);
    case "vp9":
      return vp9ConfigFromRecord(record);
    default:
      return codec satisfies never;
  }
}

/** The configuration for an AudioSpecificConfig (AAC) or an OpusHead, as FLV and Enhanced RTMP carry it. A copy. */
export function audioConfigFromRecord(codec: AudioCodec, record: Uint8Array): AudioConfig | Malformed {
  if (record.length > RECORD_LIMIT_BYTES) return tooLarge(codec, record);
  return codec === "aac" ? aacConfigFromRecord(record) : opusConfigFromHead(record);
}

/**
 * How long one frame plays, in microseconds, not rounded: the exact value for AAC, what the packet says for Opus.
 */
export function audioFrameDurationUs(config: AudioConfig, data: Uint8Array): number | Malformed {
  if (config.codec === "opus") return opusPacketDurationUs(data);
  const parsed = parseAacSpecificConfig(config.record);
  if ("kind" in parsed) return parsed;
  return (parsed.samplesPerFrame * 1_000_000) / parsed.outputSampleRate;
}

function tooLarge(codec: VideoCodec | AudioCodec, record: Uint8Array): Malformed {
  const codes = {
    h264: "AVC_CONFIG",
    h265: "HEVC_CONFIG",
    av1: "AV1_CONFIG",
    vp9: "VP9_CONFIG",
    aac: "AAC_CONFIG",
    opus: "OPUS_CONFIG",
  } as const;
  return malformed(codes[codec], `The record has ${record.length} bytes; ${RECORD_LIMIT_BYTES} is the most`);
}
