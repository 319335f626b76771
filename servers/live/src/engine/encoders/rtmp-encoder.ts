import { concatBytes } from "@kagami/bytes";
import { buildFlvConfig, buildFlvFrameHead, type StreamConfig } from "@kagami/media";
import {
  AUDIO_MESSAGE_TYPE,
  encodeMediaMessage,
  mediaMessageSize,
  VIDEO_MESSAGE_TYPE,
  writeMediaMessage,
} from "../../protocol/rtmp/index.ts";
import type { Allocate, BurstEncoder, EncodedBurst, StreamInit } from "../burst.ts";
import type { MediaUnit } from "../media-unit.ts";
import { audioPrefix, codecOf, sumOf, timestampMs, tracksOf } from "./flv-encoder.ts";

/** RTMP chunks for players; the same bytes fit every player, see `protocol/rtmp/media-message.ts`. */
export class RtmpEncoder implements BurstEncoder {
  #config: StreamConfig = {};

  encodeInit(init: StreamInit): Uint8Array {
    this.#config = init.config;
    const messages = tracksOf(init.config).map((track) =>
      encodeMediaMessage({ messageType: messageType(track.kind), timestampMs: 0, payload: buildFlvConfig(track) }),
    );
    return concatBytes(messages);
  }

  encodeMedia(units: readonly MediaUnit[], allocate: Allocate): EncodedBurst {
    const messages = units.map(({ sample }) => ({
      messageType: messageType(sample.kind),
      timestampMs: timestampMs(sample.dtsUs),
      payload: [buildFlvFrameHead(codecOf(this.#config, sample.kind), sample), sample.data],
    }));
    const sizes = messages.map(({ payload, timestampMs: atMs }) => {
      const payloadBytes = sumOf(payload.map((part) => part.length));
      return mediaMessageSize(payloadBytes, atMs);
    });
    const bytes = allocate(sumOf(sizes));
    let offset = 0;
    for (const message of messages) offset = writeMediaMessage(bytes, offset, message);
    return { bytes, audioByteCount: audioPrefix(units, sizes) };
  }
}

function messageType(kind: "video" | "audio"): 8 | 9 {
  return kind === "video" ? VIDEO_MESSAGE_TYPE : AUDIO_MESSAGE_TYPE;
}
