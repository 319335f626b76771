import { concatBytes } from "@kagami/bytes";
import {
  buildFlvConfig,
  buildFlvFrame,
  buildFlvTag,
  FLV_TAG_AUDIO,
  FLV_TAG_VIDEO,
  type StreamConfig,
  type TrackConfig,
} from "@kagami/media";
import type { BurstEncoder, EncodedBurst, StreamInit } from "../burst.ts";
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

  encodeMedia(units: readonly MediaUnit[]): EncodedBurst {
    const tags = units.map(({ sample }) => {
      const body = buildFlvFrame(codecOf(this.#config, sample.kind), sample);
      return buildFlvTag(tagType(sample.kind), timestampMs(sample.dtsUs), body);
    });
    return { bytes: concatBytes(tags), audioByteCount: audioPrefix(units, tags) };
  }
}

/** Bytes of the messages that carry sound; units come sound first. */
export function audioPrefix(units: readonly MediaUnit[], messages: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const [i, { sample }] of units.entries()) if (sample.kind === "audio") bytes += messages[i]?.length ?? 0;
  return bytes;
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
