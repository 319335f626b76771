import { writeU24 } from "@kagami/bytes";
import { opusHeadFromRecord } from "./opus-config.ts";
import type { AudioCodec, AudioConfig, Sample, TrackConfig, VideoCodec, VideoConfig } from "./sample.ts";

const FRAME_KEY = 1;
const FRAME_INTER = 2;
const EX_HEADER = 0x80;
const PACKET_SEQUENCE_START = 0;
const PACKET_CODED_FRAMES = 1;
const PACKET_SEQUENCE_END = 2;
const PACKET_CODED_FRAMES_X = 3;
/** AAC, 44 kHz, 16 bit, stereo: what FLV asks for whatever the AAC is (§E.4.2.1). */
const AAC_TAG = 0xaf;
const SOUND_FORMAT_EX_HEADER = 0x90;

const VIDEO_FOUR_CC: Readonly<Record<VideoCodec, string>> = { h264: "avc1", h265: "hvc1", av1: "av01", vp9: "vp09" };

/**
 * The body of a sequence header message: old style for H.264 and AAC, Enhanced RTMP for the rest.
 * VP9's record goes without the box's version and flags, Opus's as OpusHead.
 *
 * @see Adobe FLV 10.1 §E.4.2, §E.4.3; Enhanced RTMP v2
 */
export function buildFlvConfig(config: TrackConfig): Uint8Array {
  if (config.kind === "audio") {
    if (config.codec === "aac") return withHead([AAC_TAG, 0], config.record);
    return withHead(
      [SOUND_FORMAT_EX_HEADER | PACKET_SEQUENCE_START, ...ascii("Opus")],
      opusHeadFromRecord(config.record),
    );
  }
  if (config.codec === "h264") return withHead([(FRAME_KEY << 4) | 7, 0, 0, 0, 0], config.record);
  const head = [EX_HEADER | (FRAME_KEY << 4) | PACKET_SEQUENCE_START, ...ascii(VIDEO_FOUR_CC[config.codec])];
  return withHead(head, config.codec === "vp9" ? config.record.subarray(4) : config.record);
}

/**
 * What stands before a sample's data in the body of a message. The composition time is rounded so that the
 * presentation time is right to the millisecond when the message is stamped `Math.round(dtsUs / 1000)`.
 *
 * @see Adobe FLV 10.1 §E.4.2, §E.4.3; Enhanced RTMP v2
 */
export function buildFlvFrameHead(codec: VideoCodec | AudioCodec, sample: Sample): Uint8Array {
  if (codec === "aac") return Uint8Array.of(AAC_TAG, 1);
  if (codec === "opus") return Uint8Array.of(SOUND_FORMAT_EX_HEADER | PACKET_CODED_FRAMES, ...ascii("Opus"));
  const frameType = sample.isKey ? FRAME_KEY : FRAME_INTER;
  const compositionMs = Math.round(sample.ptsUs / 1000) - Math.round(sample.dtsUs / 1000);
  if (codec === "h264") {
    const head = Uint8Array.of((frameType << 4) | 7, 1, 0, 0, 0);
    writeU24(head, 2, compositionMs);
    return head;
  }
  const hasComposition = codec === "h265" && compositionMs !== 0;
  const packetType = codec === "h265" && !hasComposition ? PACKET_CODED_FRAMES_X : PACKET_CODED_FRAMES;
  const head = new Uint8Array(hasComposition ? 8 : 5);
  head[0] = EX_HEADER | (frameType << 4) | packetType;
  head.set(ascii(VIDEO_FOUR_CC[codec]), 1);
  if (hasComposition) writeU24(head, 5, compositionMs);
  return head;
}

/** The body of a message with one sample: {@link buildFlvFrameHead} and the data, which is copied once. */
export function buildFlvFrame(codec: VideoCodec | AudioCodec, sample: Sample): Uint8Array {
  return withHead(buildFlvFrameHead(codec, sample), sample.data);
}

/** The body of an end-of-sequence message, or `undefined` for AAC, which has none. */
export function buildFlvEnd(config: VideoConfig | AudioConfig): Uint8Array | undefined {
  switch (config.codec) {
    case "aac":
      return undefined;
    case "opus":
      return Uint8Array.from([SOUND_FORMAT_EX_HEADER | PACKET_SEQUENCE_END, ...ascii("Opus")]);
    case "h264":
      return Uint8Array.of((FRAME_KEY << 4) | 7, 2, 0, 0, 0);
    default:
      return Uint8Array.from([
        EX_HEADER | (FRAME_KEY << 4) | PACKET_SEQUENCE_END,
        ...ascii(VIDEO_FOUR_CC[config.codec]),
      ]);
  }
}

function withHead(head: ArrayLike<number>, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(head.length + data.length);
  out.set(head);
  out.set(data, head.length);
  return out;
}

function ascii(fourCc: string): number[] {
  return [fourCc.charCodeAt(0), fourCc.charCodeAt(1), fourCc.charCodeAt(2), fourCc.charCodeAt(3)];
}
