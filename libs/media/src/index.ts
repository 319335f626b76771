// The types that every part of the live path shares

export { type AacSpecificConfig, parseAacSpecificConfig } from "./aac-config.ts";
export { type Av1SequenceHeader, buildAv1Record, findAv1SequenceHeader, parseAv1SequenceHeader } from "./av1-config.ts";
export { type AvcRecord, buildAvcRecord, parseAvcPps, parseAvcRecord } from "./avc-config.ts";
// Pictures of two encoders in one track
export { freeAvcParameterSetId, mergeAvcRecords } from "./avc-merge.ts";
export { type AvcSps, avcMaxDpbFrames, avcReorderLimit, parseAvcSps } from "./avc-sps.ts";
export type { AvcBitstreamRestriction, AvcVui } from "./avc-vui.ts";
export { addEmulationPrevention, removeEmulationPrevention } from "./emulation-prevention.ts";
// FLV and RTMP message bodies, out
export { buildFlvConfig, buildFlvEnd, buildFlvFrame, buildFlvFrameHead } from "./flv-build.ts";
// FLV and RTMP message bodies, in
export {
  FLV_TRACK_LIMIT,
  type FlvConfig,
  type FlvEnd,
  type FlvEvent,
  type FlvFrame,
  type FlvIgnored,
  type FlvMetadata,
  type FlvMultitrack,
  type FlvTrackEvent,
} from "./flv-event.ts";
// FLV files and streams
export {
  buildFlvFileHeader,
  buildFlvTag,
  FLV_TAG_AUDIO,
  FLV_TAG_HEADER_BYTES,
  FLV_TAG_SCRIPT,
  FLV_TAG_TRAILER_BYTES,
  FLV_TAG_VIDEO,
  FlvDemuxer,
  type FlvFileHeader,
  type FlvTag,
  flvTagSize,
  writeFlvTag,
} from "./flv-file.ts";
export { parseFlvAudio, parseFlvVideo } from "./flv-tag.ts";
export { ticksOf, writeFragment } from "./fmp4-fragment.ts";
// Fragmented MP4, out
export {
  AUDIO_TRACK_ID,
  buildInit,
  mimeTypeOf,
  type StreamConfig,
  VIDEO_TIMESCALE,
  VIDEO_TRACK_ID,
} from "./fmp4-init.ts";
export {
  buildHevcRecord,
  type HevcNalArray,
  type HevcRecord,
  type HevcSps,
  hevcCodecString,
  parseHevcRecord,
  parseHevcSps,
} from "./hevc-config.ts";
// Refusals
export { isMalformed, type Malformed, type MalformedCode, malformed } from "./malformed.ts";
// Fragmented MP4, in
export { findBox, type Mp4Box, readBoxes } from "./mp4-boxes.ts";
export {
  type Mp4Fragment,
  type Mp4Init,
  type Mp4Sample,
  type Mp4SampleDefaults,
  type Mp4Track,
  parseFragment,
  parseInit,
} from "./mp4-reader.ts";
export type { NormalizedSample, VideoTrack } from "./normalized-sample.ts";
export {
  opusConfigFromHead,
  opusConfigFromRecord,
  opusHeadFromRecord,
  opusPacketDurationUs,
} from "./opus-config.ts";
export type { AudioCodec, AudioConfig, Sample, TrackConfig, VideoCodec, VideoConfig } from "./sample.ts";
// Less latency in hardware decoders
export { rewriteAvcSps, rewriteReorderLimit } from "./sps-rewrite.ts";
// Decoder configurations
export { audioConfigFromRecord, audioFrameDurationUs, videoConfigFromRecord } from "./track-config.ts";
// Pictures in the form that ISO BMFF stores
export { openVideoTrack } from "./video-track.ts";
export { parseVp9FrameHeader, type Vp9FrameHeader } from "./vp9-config.ts";
