import { concatBytes } from "@kagami/bytes";
import {
  buildFlvConfig,
  buildFlvFrameHead,
  buildFlvTag,
  FLV_TAG_AUDIO,
  FLV_TAG_VIDEO,
  flvTagSize,
  type StreamConfig,
  type TrackConfig,
  writeFlvTag,
} from "@kagami/media";
import type { Allocate, BurstEncoder, EncodedBurst, StreamInit } from "../burst.ts";
import type { MediaUnit } from "../media-unit.ts";

/** Tags of an FLV stream; the file header goes before, once per viewer. */
export class FlvEncoder implements BurstEncoder {
  #config: StreamConfig = {};

  encodeInit(init: StreamInit): Uint8Array {
    this.#config = init.config;
    return concatBytes(
      tracksOf(init.config).map((track) => buildFlvTag(tagType(track.kind), 0, buildFlvConfig(track))),
    );
  }

  encodeMedia(units: readonly MediaUnit[], allocate: Allocate): EncodedBurst {
    const heads = units.map(({ sample }) => buildFlvFrameHead(codecOf(this.#config, sample.kind), sample));
    const sizes = units.map(({ sample }, i) => flvTagSize((heads[i]?.length ?? 0) + sample.data.length));
    const bytes = allocate(sumOf(sizes));
    let offset = 0;
    for (const [i, { sample }] of units.entries()) {
      const body = [heads[i] as Uint8Array, sample.data];
      offset = writeFlvTag(bytes, offset, tagType(sample.kind), timestampMs(sample.dtsUs), body);
    }
    return { bytes, audioByteCount: audioPrefix(units, sizes) };
  }
}

/** Bytes of the messages that carry sound; units come sound first. */
export function audioPrefix(units: readonly MediaUnit[], sizes: readonly number[]): number {
  return sumOf(sizes.filter((_, i) => units[i]?.sample.kind === "audio"));
}

export function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** FLV and RTMP carry 32 bits of milliseconds, which wrap. */
export function timestampMs(dtsUs: number): number {
  return Math.round(dtsUs / 1000) % 2 ** 32;
}

/** The tracks there are. */
export function tracksOf({ video, audio }: StreamConfig): TrackConfig[] {
  return [video, audio].filter((track) => track !== undefined);
}

/** The codec of the track that a sample belongs to; samples come only after their track was announced. */
export function codecOf(config: StreamConfig, kind: "video" | "audio"): TrackConfig["codec"] {
  return config[kind]?.codec ?? (kind === "video" ? "h264" : "aac");
}

function tagType(kind: "video" | "audio"): number {
  return kind === "video" ? FLV_TAG_VIDEO : FLV_TAG_AUDIO;
}
