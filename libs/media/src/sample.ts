/** Video codecs that live streams carry; H.264 is first class, the others are passed through. */
export type VideoCodec = "h264" | "h265" | "av1" | "vp9";

/** Audio codecs that live streams carry. */
export type AudioCodec = "aac" | "opus";

/** What a decoder must know before the first picture. */
export interface VideoConfig {
  readonly kind: "video";
  readonly codec: VideoCodec;
  /** The `codecs` parameter of RFC 6381, such as `avc1.64001f`; never `avc3`, `hev1` (Safari refuses them). */
  readonly codecString: string;
  /** Pixels of the picture as shown, after cropping. */
  readonly width: number;
  readonly height: number;
  /** Payload of the `avcC`, `hvcC`, `av1C` or `vpcC` box, without the box header. */
  readonly record: Uint8Array;
}

/** What a decoder must know before the first sound. */
export interface AudioConfig {
  readonly kind: "audio";
  readonly codec: AudioCodec;
  /** The `codecs` parameter of RFC 6381, such as `mp4a.40.2` or `opus`. */
  readonly codecString: string;
  /** Hz. */
  readonly sampleRate: number;
  readonly channelCount: number;
  /** AudioSpecificConfig (ISO 14496-3 §1.6.2.1) for AAC; the `dOps` box payload for Opus. */
  readonly record: Uint8Array;
}

export type TrackConfig = VideoConfig | AudioConfig;

/** One coded picture, or one coded audio frame, on the stream's own timeline. */
export interface Sample {
  readonly kind: "video" | "audio";
  /** Decoding time in microseconds on a timeline that never wraps and never goes back within a track. */
  readonly dtsUs: number;
  /** Presentation time in microseconds; equal to `dtsUs` unless the encoder reorders (B-frames). */
  readonly ptsUs: number;
  /** Microseconds until the next sample of the same track. */
  readonly durationUs: number;
  /** A decoder can start here: an IDR picture; every audio frame. */
  readonly isKey: boolean;
  /** As ISO BMFF stores it: length-prefixed NAL units, AV1 OBUs without temporal delimiters, or a raw AAC/Opus frame. */
  readonly data: Uint8Array;
}
