import type { Malformed } from "./malformed.ts";

/** What a decoder must know, as the publisher sent it: pass it to `openVideoTrack` or `audioConfigFromRecord`. */
export interface FlvConfig<Codec> {
  readonly kind: "config";
  readonly codec: Codec;
  readonly trackId: number;
  /** avcC, hvcC, av1C or vpcC payload; AudioSpecificConfig; OpusHead. Aliases the input. */
  readonly record: Uint8Array;
}

/** One coded picture or audio frame. */
export interface FlvFrame<Codec> {
  readonly kind: "frame";
  readonly codec: Codec;
  readonly trackId: number;
  /** What the header claims; the normalizer looks into the bytes. True for every audio frame. */
  readonly isKey: boolean;
  /** Milliseconds from decoding to presentation, -2^23 to 2^23 - 1. */
  readonly compositionTimeMs: number;
  /** Nanoseconds, 0 to 999 999, to add to the presentation time of this message (ModEx TimestampOffsetNano). */
  readonly timestampOffsetNs: number;
  /** Aliases the input. */
  readonly data: Uint8Array;
}

/** The track has ended; a new config may follow. */
export interface FlvEnd<Codec> {
  readonly kind: "end";
  readonly codec: Codec;
  readonly trackId: number;
}

/** AMF0 name and value pairs about the picture, such as `colorInfo`. */
export interface FlvMetadata {
  readonly kind: "metadata";
  readonly trackId: number;
  /** Aliases the input. */
  readonly data: Uint8Array;
}

/** Well-formed, but nothing that Kagami carries. */
export interface FlvIgnored {
  readonly kind: "ignored";
  readonly trackId: number;
  readonly reason: "empty" | "command" | "unsupported-codec" | "multichannel-config" | "mpeg2ts-sequence-start";
  /** The codec's FourCC, or the old codec number in decimal; empty if it does not matter. */
  readonly codecName: string;
}

/** What one track says in one message. */
export type FlvTrackEvent<Codec> =
  | FlvConfig<Codec>
  | FlvFrame<Codec>
  | FlvEnd<Codec>
  | FlvMetadata
  | FlvIgnored
  | Malformed;

/** Several tracks in one message. */
export interface FlvMultitrack<Codec> {
  readonly kind: "multitrack";
  /** In the order of the wire, at most `FLV_TRACK_LIMIT`. */
  readonly tracks: readonly FlvTrackEvent<Codec>[];
}

export type FlvEvent<Codec> = FlvTrackEvent<Codec> | FlvMultitrack<Codec>;

/** More tracks than this in one message are refused with `FLV_MULTITRACK`. */
export const FLV_TRACK_LIMIT = 32;
