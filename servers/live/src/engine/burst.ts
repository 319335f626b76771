import type { StreamConfig } from "@kagami/media";
import type { MediaUnit } from "./media-unit.ts";
import type { BurstOutline } from "./viewer-policy.ts";

/** What a decoder must have before any media: made anew, with the next generation, when a codec or size changes. */
export interface StreamInit {
  readonly generation: number;
  readonly config: StreamConfig;
  /** `ftyp` and `moov` with every track. */
  readonly segment: Uint8Array;
  /** MIME type with codecs, for a SourceBuffer. */
  readonly mime: string;
}

/** Gives exactly so many zeroed bytes. */
export type Allocate = (byteCount: number) => Uint8Array;

/** Media as one protocol writes it: sound first, so that its prefix can be sent alone. */
export interface EncodedBurst {
  readonly bytes: Uint8Array;
  readonly audioByteCount: number;
}

/** Writes bursts for one protocol. Bytes are the same for every viewer of it, so they are made once and shared. */
export interface BurstEncoder {
  /** What a viewer needs before media, at the start and at each change of generation. */
  encodeInit(init: StreamInit): Uint8Array;
  /**
   * @param units Sound first, as {@link orderBurst} leaves them.
   * @param allocate Where the bytes go.
   */
  encodeMedia(units: readonly MediaUnit[], allocate: Allocate): EncodedBurst;
  /** A message for the viewer's program, where the protocol carries such. */
  encodeNotice?(message: object): Uint8Array;
}

/** Sound first, then picture, each in decoding order. */
export function orderBurst(units: readonly MediaUnit[]): MediaUnit[] {
  const audio = units.filter((unit) => unit.sample.kind === "audio");
  const video = units.filter((unit) => unit.sample.kind === "video");
  return [...audio, ...video];
}

/** What the viewers' policies must know of a burst. */
export function outlineBurst(units: readonly MediaUnit[]): BurstOutline {
  const firstVideo = units.find((unit) => unit.sample.kind === "video");
  const endUs = units.reduce((end, { sample }) => Math.max(end, sample.ptsUs + sample.durationUs), 0);
  return { endUs, hasVideo: firstVideo !== undefined, startsWithKey: firstVideo?.sample.isKey ?? false };
}
