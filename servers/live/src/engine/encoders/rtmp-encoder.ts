import { concatBytes } from "@kagami/bytes";
import { buildFlvConfig, buildFlvFrame, type StreamConfig } from "@kagami/media";
import { AUDIO_MESSAGE_TYPE, encodeMediaMessage, VIDEO_MESSAGE_TYPE } from "../../protocol/rtmp/index.ts";
import type { BurstEncoder, EncodedBurst, StreamInit } from "../burst.ts";
import type { MediaUnit } from "../media-unit.ts";
import { audioPrefix, codecOf, timestampMs, tracksOf } from "./flv-encoder.ts";

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

  encodeMedia(units: readonly MediaUnit[]): EncodedBurst {
    const messages = units.map(({ sample }) =>
      encodeMediaMessage({
        messageType: messageType(sample.kind),
        timestampMs: timestampMs(sample.dtsUs),
        payload: buildFlvFrame(codecOf(this.#config, sample.kind), sample),
      }),
    );
    return { bytes: concatBytes(messages), audioByteCount: audioPrefix(units, messages) };
  }
}

function messageType(kind: "video" | "audio"): 8 | 9 {
  return kind === "video" ? VIDEO_MESSAGE_TYPE : AUDIO_MESSAGE_TYPE;
}
