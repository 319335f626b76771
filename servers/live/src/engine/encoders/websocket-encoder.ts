import { concatBytes } from "@kagami/bytes";
import { binaryHeaderSize, encodeText, writeBinaryHeader } from "../../protocol/websocket/index.ts";
import type { Allocate, BurstEncoder, EncodedBurst, StreamInit } from "../burst.ts";
import type { MediaUnit } from "../media-unit.ts";

/** The WebSocket's messages: sound in one, picture in another, so that a slow viewer can be given the first alone. */
export const websocketEncoder: BurstEncoder = {
  encodeInit(init: StreamInit): Uint8Array {
    const segment = new Uint8Array(binaryHeaderSize(init.segment.length) + init.segment.length);
    const offset = writeBinaryHeader(segment, 0, init.segment.length);
    segment.set(init.segment, offset);
    return concatBytes([encodeText(JSON.stringify(initMessage(init))), segment]);
  },

  encodeMedia(units: readonly MediaUnit[], allocate: Allocate): EncodedBurst {
    const audioBytes = fragmentBytes(units, "audio");
    const videoBytes = fragmentBytes(units, "video");
    const audioByteCount = audioBytes === 0 ? 0 : binaryHeaderSize(audioBytes) + audioBytes;
    const videoByteCount = videoBytes === 0 ? 0 : binaryHeaderSize(videoBytes) + videoBytes;
    const bytes = allocate(audioByteCount + videoByteCount);
    let offset = 0;
    let kind: string | undefined;
    for (const { sample, fragment } of units) {
      if (sample.kind !== kind) {
        kind = sample.kind;
        offset = writeBinaryHeader(bytes, offset, kind === "audio" ? audioBytes : videoBytes);
      }
      bytes.set(fragment, offset);
      offset += fragment.length;
    }
    return { bytes, audioByteCount };
  },

  encodeNotice(message: object): Uint8Array {
    return encodeText(JSON.stringify(message));
  },
};

/** The text message that announces an initialization segment; see API.md. */
function initMessage({ generation, mime, config: { video, audio } }: StreamInit): object {
  return {
    type: "init",
    generation,
    mime,
    hasVideo: video !== undefined,
    hasAudio: audio !== undefined,
    width: video?.width ?? 0,
    height: video?.height ?? 0,
  };
}

function fragmentBytes(units: readonly MediaUnit[], kind: "audio" | "video"): number {
  let bytes = 0;
  for (const { sample, fragment } of units) if (sample.kind === kind) bytes += fragment.length;
  return bytes;
}
