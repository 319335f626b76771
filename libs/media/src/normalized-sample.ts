import type { Malformed } from "./malformed.ts";
import type { VideoConfig } from "./sample.ts";

/** A coded picture as ISO BMFF stores it, and what was learned from it. */
export interface NormalizedSample {
  readonly kind: "sample";
  /** The input itself or a view into it if nothing had to move, else a copy. Empty if nothing of it is a picture. */
  readonly data: Uint8Array;
  /** A decoder can start here: IDR (H.264), IRAP (H.265), a shown key frame (AV1, VP9). */
  readonly isKey: boolean;
  /** A recovery point SEI came with it: decoding can start here and is right some pictures later. H.264 and H.265. */
  readonly hasRecoveryPoint: boolean;
  /**
   * The stream itself carried other parameter sets than the configuration, such as a new picture size: emit this
   * configuration before the sample. It is `VideoTrack.config` from now on.
   */
  readonly changedConfig: VideoConfig | undefined;
}

/** Brings one publisher's pictures into the form of `Sample.data`. One per video track, fed in order. */
export interface VideoTrack {
  readonly kind: "video-track";
  /** What decoders of the normalized samples need; NAL lengths are of 4 bytes. */
  readonly config: VideoConfig;
  /**
   * Takes one coded picture as it came. A refusal leaves the track usable: the next picture may be good.
   *
   * H.264 and H.265 must be length-prefixed; Annex B start codes are refused with `NAL_ANNEX_B`.
   */
  normalize(data: Uint8Array): NormalizedSample | Malformed;
}
