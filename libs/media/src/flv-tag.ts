import { readI24, readU16, readU24 } from "@kagami/bytes";
import {
  FLV_TRACK_LIMIT,
  type FlvConfig,
  type FlvEvent,
  type FlvFrame,
  type FlvIgnored,
  type FlvMultitrack,
  type FlvTrackEvent,
} from "./flv-event.ts";
import { type Malformed, malformed } from "./malformed.ts";
import type { AudioCodec, VideoCodec } from "./sample.ts";

// Bodies of RTMP messages and FLV tags of type 8 (audio) and 9 (video), old style and Enhanced RTMP v2.
// Every `Uint8Array` in a result is a view into the body that was given: copy it to keep it longer than that.

const VIDEO_FRAME_KEY = 1;
const VIDEO_FRAME_GENERATED_KEY = 4;
const VIDEO_FRAME_COMMAND = 5;

const PACKET_SEQUENCE_START = 0;
const PACKET_CODED_FRAMES = 1;
const PACKET_SEQUENCE_END = 2;
const VIDEO_PACKET_CODED_FRAMES_X = 3;
const VIDEO_PACKET_METADATA = 4;
const VIDEO_PACKET_MPEG2TS_SEQUENCE_START = 5;
const VIDEO_PACKET_MULTITRACK = 6;
const AUDIO_PACKET_MULTICHANNEL_CONFIG = 4;
const AUDIO_PACKET_MULTITRACK = 5;
const PACKET_MOD_EX = 7;

const MULTITRACK_ONE = 0;
const MULTITRACK_MANY_CODECS = 2;
const MOD_EX_TIMESTAMP_OFFSET_NANO = 0;

const SOUND_FORMAT_EX_HEADER = 9;
const SOUND_FORMAT_AAC = 10;

const FOUR_CC_AVC = 0x61766331;
const FOUR_CC_HEVC = 0x68766331;
const FOUR_CC_AV1 = 0x61763031;
const FOUR_CC_VP9 = 0x76703039;
const FOUR_CC_AAC = 0x6d703461;
const FOUR_CC_OPUS = 0x4f707573;

/**
 * Reads the body of a video message. Malformed input is a value of kind `malformed`; nothing is thrown.
 *
 * Codec number 12 is read as H.265 in the old layout, as many mobile encoders send it; no specification has it.
 *
 * @see Adobe FLV 10.1 §E.4.3.1; Enhanced RTMP v2, "Enhanced Video"
 */
export function parseFlvVideo(body: Uint8Array): FlvEvent<VideoCodec> {
  if (body.length === 0) return ignored(0, "empty", "");
  const first = body[0] as number;
  if (first >= 0x80) return parseExVideo(body, (first >>> 4) & 7, first & 15);

  const frameType = first >>> 4;
  const codecId = first & 15;
  if (frameType === VIDEO_FRAME_COMMAND) return ignored(0, "command", "");
  if (codecId !== 7 && codecId !== 12) return ignored(0, "unsupported-codec", `${codecId}`);
  if (body.length < 5) return truncated("the AVC video header", body.length, 5);
  const codec = codecId === 7 ? "h264" : "h265";
  switch (body[1]) {
    case PACKET_SEQUENCE_START:
      return config<VideoCodec>(codec, 0, body.subarray(5));
    case PACKET_CODED_FRAMES:
      return frame<VideoCodec>(codec, 0, isKeyFrameType(frameType), readI24(body, 2), 0, body.subarray(5));
    case PACKET_SEQUENCE_END:
      return { kind: "end", codec, trackId: 0 };
    default:
      return unknownPacket("AVCPacketType", body[1] as number);
  }
}

/**
 * Reads the body of an audio message. Malformed input is a value of kind `malformed`; nothing is thrown.
 *
 * @see Adobe FLV 10.1 §E.4.2.1; Enhanced RTMP v2, "Enhanced Audio"
 */
export function parseFlvAudio(body: Uint8Array): FlvEvent<AudioCodec> {
  if (body.length === 0) return ignored(0, "empty", "");
  const first = body[0] as number;
  const soundFormat = first >>> 4;
  if (soundFormat === SOUND_FORMAT_EX_HEADER) return parseExAudio(body, first & 15);
  if (soundFormat !== SOUND_FORMAT_AAC) return ignored(0, "unsupported-codec", `${soundFormat}`);
  if (body.length < 2) return truncated("the AAC audio header", body.length, 2);
  switch (body[1]) {
    case 0:
      return config<AudioCodec>("aac", 0, body.subarray(2));
    case 1:
      return frame<AudioCodec>("aac", 0, true, 0, 0, body.subarray(2));
    default:
      return unknownPacket("AACPacketType", body[1] as number);
  }
}

/** Fields of the message that every track of it shares. */
interface MessageHeader {
  readonly packetType: number;
  readonly isKey: boolean;
  readonly timestampOffsetNs: number;
}

function parseExVideo(body: Uint8Array, frameType: number, firstPacketType: number): FlvEvent<VideoCodec> {
  const start = firstPacketType === PACKET_MOD_EX ? readModEx(body) : startAt(1, firstPacketType, 0);
  if ("code" in start) return start;
  const { offset, packetType, timestampOffsetNs } = start;
  if (frameType === VIDEO_FRAME_COMMAND && packetType !== VIDEO_PACKET_METADATA) return ignored(0, "command", "");

  const isKey = isKeyFrameType(frameType);
  if (packetType === VIDEO_PACKET_MULTITRACK) {
    return readTracks(body, offset, isKey, timestampOffsetNs, VIDEO_PACKET_MULTITRACK, readVideoTrack);
  }
  if (offset + 4 > body.length) return truncated("the video FourCC", body.length, offset + 4);
  const header = { packetType, isKey, timestampOffsetNs };
  return readVideoTrack(body.subarray(offset + 4), fourCcAt(body, offset), 0, header);
}

function parseExAudio(body: Uint8Array, firstPacketType: number): FlvEvent<AudioCodec> {
  const start = firstPacketType === PACKET_MOD_EX ? readModEx(body) : startAt(1, firstPacketType, 0);
  if ("code" in start) return start;
  const { offset, packetType, timestampOffsetNs } = start;
  if (packetType === AUDIO_PACKET_MULTITRACK) {
    return readTracks(body, offset, true, timestampOffsetNs, AUDIO_PACKET_MULTITRACK, readAudioTrack);
  }
  if (offset + 4 > body.length) return truncated("the audio FourCC", body.length, offset + 4);
  const header = { packetType, isKey: true, timestampOffsetNs };
  return readAudioTrack(body.subarray(offset + 4), fourCcAt(body, offset), 0, header);
}

/** Where the FourCC or the multitrack byte is, after any modifiers. */
interface Start {
  readonly offset: number;
  readonly packetType: number;
  readonly timestampOffsetNs: number;
}

function startAt(offset: number, packetType: number, timestampOffsetNs: number): Start {
  return { offset, packetType, timestampOffsetNs };
}

/** Each modifier is at least three bytes, so the length of the body bounds the loop. */
function readModEx(body: Uint8Array): Start | Malformed {
  let offset = 1;
  let packetType = PACKET_MOD_EX;
  let timestampOffsetNs = 0;
  while (packetType === PACKET_MOD_EX) {
    if (offset >= body.length) return truncated("a ModEx size", body.length, offset + 1);
    let sizeBytes = (body[offset] as number) + 1;
    offset += 1;
    if (sizeBytes === 256) {
      if (offset + 2 > body.length) return truncated("a ModEx size", body.length, offset + 2);
      sizeBytes = readU16(body, offset) + 1;
      offset += 2;
    }
    const dataEnd = offset + sizeBytes;
    if (dataEnd >= body.length) return truncated("a ModEx", body.length, dataEnd + 1);
    const types = body[dataEnd] as number;
    if (types >>> 4 === MOD_EX_TIMESTAMP_OFFSET_NANO && sizeBytes >= 3) {
      // A sender that breaks the rule "less than a millisecond" must not move a frame by more.
      timestampOffsetNs = Math.min(readU24(body, offset), 999_999);
    }
    packetType = types & 15;
    offset = dataEnd + 1;
  }
  return startAt(offset, packetType, timestampOffsetNs);
}

type TrackReader<Codec> = (
  payload: Uint8Array,
  fourCc: number,
  trackId: number,
  header: MessageHeader,
) => FlvTrackEvent<Codec>;

function readTracks<Codec>(
  body: Uint8Array,
  start: number,
  isKey: boolean,
  timestampOffsetNs: number,
  nestedPacketType: number,
  readTrack: TrackReader<Codec>,
): FlvMultitrack<Codec> | Malformed {
  if (start >= body.length) return truncated("the multitrack type", body.length, start + 1);
  const multitrackType = (body[start] as number) >>> 4;
  const packetType = (body[start] as number) & 15;
  if (multitrackType > MULTITRACK_MANY_CODECS) {
    return malformed("FLV_MULTITRACK", `Multitrack type ${multitrackType} is unknown; send 0, 1 or 2`);
  }
  if (packetType === nestedPacketType || packetType === PACKET_MOD_EX) {
    return malformed("FLV_MULTITRACK", `Packet type ${packetType} may not be inside a multitrack message`);
  }
  const header = { packetType, isKey, timestampOffsetNs };
  const hasOwnCodecs = multitrackType === MULTITRACK_MANY_CODECS;
  let offset = start + 1;
  let fourCc = 0;
  if (!hasOwnCodecs) {
    if (offset + 4 > body.length) return truncated("the FourCC of the tracks", body.length, offset + 4);
    fourCc = fourCcAt(body, offset);
    offset += 4;
  }
  const headBytes = (hasOwnCodecs ? 4 : 0) + 1 + (multitrackType === MULTITRACK_ONE ? 0 : 3);
  const tracks: FlvTrackEvent<Codec>[] = [];
  do {
    if (tracks.length === FLV_TRACK_LIMIT) {
      return malformed("FLV_MULTITRACK", `More than ${FLV_TRACK_LIMIT} tracks in one message; send fewer`);
    }
    if (offset + headBytes > body.length) return truncated("a track header", body.length, offset + headBytes);
    if (hasOwnCodecs) fourCc = fourCcAt(body, offset);
    const trackId = body[offset + (hasOwnCodecs ? 4 : 0)] as number;
    const payloadStart = offset + headBytes;
    const end = multitrackType === MULTITRACK_ONE ? body.length : payloadStart + readU24(body, payloadStart - 3);
    if (end > body.length) return truncated(`track ${trackId}`, body.length, end);
    tracks.push(readTrack(body.subarray(payloadStart, end), fourCc, trackId, header));
    offset = end;
  } while (offset < body.length);
  return { kind: "multitrack", tracks };
}

function readVideoTrack(
  payload: Uint8Array,
  fourCc: number,
  trackId: number,
  header: MessageHeader,
): FlvTrackEvent<VideoCodec> {
  if (header.packetType === VIDEO_PACKET_METADATA) return { kind: "metadata", trackId, data: payload };
  const codec = videoCodecOf(fourCc);
  if (codec === undefined) return ignored(trackId, "unsupported-codec", fourCcText(fourCc));
  const { isKey, timestampOffsetNs } = header;
  switch (header.packetType) {
    case PACKET_SEQUENCE_START:
      return config(codec, trackId, payload);
    case PACKET_CODED_FRAMES: {
      if (codec !== "h264" && codec !== "h265") return frame(codec, trackId, isKey, 0, timestampOffsetNs, payload);
      if (payload.length < 3) return truncated("the composition time", payload.length, 3);
      return frame(codec, trackId, isKey, readI24(payload, 0), timestampOffsetNs, payload.subarray(3));
    }
    case VIDEO_PACKET_CODED_FRAMES_X:
      return frame(codec, trackId, isKey, 0, timestampOffsetNs, payload);
    case PACKET_SEQUENCE_END:
      return { kind: "end", codec, trackId };
    case VIDEO_PACKET_MPEG2TS_SEQUENCE_START:
      return ignored(trackId, "mpeg2ts-sequence-start", fourCcText(fourCc));
    default:
      return unknownPacket("VideoPacketType", header.packetType);
  }
}

function readAudioTrack(
  payload: Uint8Array,
  fourCc: number,
  trackId: number,
  header: MessageHeader,
): FlvTrackEvent<AudioCodec> {
  const codec = fourCc === FOUR_CC_AAC ? "aac" : fourCc === FOUR_CC_OPUS ? "opus" : undefined;
  if (codec === undefined) return ignored(trackId, "unsupported-codec", fourCcText(fourCc));
  switch (header.packetType) {
    case PACKET_SEQUENCE_START:
      return config<AudioCodec>(codec, trackId, payload);
    case PACKET_CODED_FRAMES:
      return frame<AudioCodec>(codec, trackId, true, 0, header.timestampOffsetNs, payload);
    case PACKET_SEQUENCE_END:
      return { kind: "end", codec, trackId };
    case AUDIO_PACKET_MULTICHANNEL_CONFIG:
      return ignored(trackId, "multichannel-config", fourCcText(fourCc));
    default:
      return unknownPacket("AudioPacketType", header.packetType);
  }
}

function isKeyFrameType(frameType: number): boolean {
  return frameType === VIDEO_FRAME_KEY || frameType === VIDEO_FRAME_GENERATED_KEY;
}

function videoCodecOf(fourCc: number): VideoCodec | undefined {
  switch (fourCc) {
    case FOUR_CC_AVC:
      return "h264";
    case FOUR_CC_HEVC:
      return "h265";
    case FOUR_CC_AV1:
      return "av1";
    case FOUR_CC_VP9:
      return "vp9";
    default:
      return undefined;
  }
}

function fourCcAt(bytes: Uint8Array, offset: number): number {
  return (readU16(bytes, offset) << 16) | readU16(bytes, offset + 2);
}

/** Printable even when the peer sent control characters. */
function fourCcText(fourCc: number): string {
  const codes = [fourCc >>> 24, (fourCc >>> 16) & 255, (fourCc >>> 8) & 255, fourCc & 255];
  return String.fromCharCode(...codes.map((code) => (code >= 0x20 && code < 0x7f ? code : 0x3f)));
}

/** An empty record is passed over: FFmpeg sends one for AV1 before its encoder has made the real one. */
function config<Codec>(codec: Codec, trackId: number, record: Uint8Array): FlvConfig<Codec> | FlvIgnored {
  if (record.length === 0) return ignored(trackId, "empty", "");
  return { kind: "config", codec, trackId, record };
}

function frame<Codec>(
  codec: Codec,
  trackId: number,
  isKey: boolean,
  compositionTimeMs: number,
  timestampOffsetNs: number,
  data: Uint8Array,
): FlvFrame<Codec> | FlvIgnored {
  if (data.length === 0) return ignored(trackId, "empty", "");
  return { kind: "frame", codec, trackId, isKey, compositionTimeMs, timestampOffsetNs, data };
}

function ignored(trackId: number, reason: FlvIgnored["reason"], codecName: string): FlvIgnored {
  return { kind: "ignored", trackId, reason, codecName };
}

function unknownPacket(name: string, value: number): Malformed {
  return malformed("FLV_PACKET_TYPE", `${name} ${value} is unknown here; the message is not used`);
}

function truncated(what: string, hasBytes: number, needsBytes: number): Malformed {
  return malformed(
    "FLV_TRUNCATED",
    `The message ends inside ${what}: it has ${hasBytes} bytes and needs ${needsBytes}`,
  );
}
