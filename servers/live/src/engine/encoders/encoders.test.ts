import { concatBytes } from "@kagami/bytes";
import {
  buildFlvFileHeader,
  FLV_TAG_VIDEO,
  FlvDemuxer,
  isMalformed,
  parseFlvAudio,
  parseFlvVideo,
  parseFragment,
  parseInit,
  type Sample,
} from "@kagami/media";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeClip } from "../../../test/support/index.ts";
import { ChunkReader, DEFAULT_RTMP_LIMITS, PLAY_CHUNK_BYTES } from "../../protocol/rtmp/index.ts";
import { type BurstEncoder, orderBurst, type StreamInit } from "../burst.ts";
import { Ingest } from "../ingest.ts";
import { send } from "../ingest-checks.ts";
import type { MediaUnit } from "../media-unit.ts";
import { Packager } from "../packager.ts";
import { FlvEncoder } from "./flv-encoder.ts";
import { RtmpEncoder } from "./rtmp-encoder.ts";
import { websocketEncoder } from "./websocket-encoder.ts";

let init: StreamInit;
let units: MediaUnit[];
beforeAll(async () => {
  const clip = await encodeClip({ seconds: 2, gop: 10, bFrames: 2 });
  const packager = new Packager();
  const packaged = send(new Ingest(), [...clip.headers, ...clip.media]).flatMap((event) => packager.package(event));
  const found = packaged.find(({ kind }) => kind === "init");
  if (found?.kind !== "init") throw new Error("There is no initialization");
  init = found.init;
  units = orderBurst(packaged.flatMap((item) => (item.kind === "unit" ? [item.unit] : [])));
});

/** What a reader finds: kind, times in milliseconds, key, bytes. */
type Found = readonly [string, number, number, boolean, Uint8Array];

const allocate = (byteCount: number) => new Uint8Array(byteCount);

function expected(): Found[] {
  return units.map(({ sample }) => foundOf(sample));
}

function foundOf({ kind, dtsUs, ptsUs, isKey, data }: Sample): Found {
  return [kind, Math.round(dtsUs / 1000), Math.round(ptsUs / 1000), isKey, data];
}

function readBody(isVideo: boolean, timestampMs: number, body: Uint8Array): Found | "config" {
  const event = isVideo ? parseFlvVideo(body) : parseFlvAudio(body);
  if (event.kind === "config") return "config";
  if (event.kind !== "frame") throw new Error(`The body is ${event.kind}`);
  const ptsMs = timestampMs + ("compositionTimeMs" in event ? event.compositionTimeMs : 0);
  const isKey = !isVideo || (body[0] ?? 0) >> 4 === 1;
  return [isVideo ? "video" : "audio", timestampMs, ptsMs, isKey, event.data];
}

function encodeAll(encoder: BurstEncoder): { init: Uint8Array; media: Uint8Array; audioByteCount: number } {
  const first = encoder.encodeInit(init);
  const { bytes, audioByteCount } = encoder.encodeMedia(units, allocate);
  return { init: first, media: bytes, audioByteCount };
}

describe("FLV", () => {
  const read = (bytes: Uint8Array) => {
    const items = new FlvDemuxer().push(concatBytes([buildFlvFileHeader(true, true), bytes])).slice(1);
    return items.map((item) => {
      if (item.kind !== "tag") throw new Error(item.kind);
      return readBody(item.type === FLV_TAG_VIDEO, item.timestampMs, item.body);
    });
  };

  test("reads back as the same samples, and its prefix as their sound", () => {
    const encoded = encodeAll(new FlvEncoder());
    expect(read(encoded.init)).toEqual(["config", "config"]);
    expect(read(encoded.media)).toEqual(expected());
    const sound = read(encoded.media.subarray(0, encoded.audioByteCount));
    expect(sound).toEqual(expected().filter(([kind]) => kind === "audio"));
  });
});

describe("RTMP", () => {
  const read = (bytes: Uint8Array) => {
    const reader = new ChunkReader(DEFAULT_RTMP_LIMITS.afterAccept);
    // Players are told the chunk size on connect.
    const setChunkSize = Uint8Array.of(2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, PLAY_CHUNK_BYTES >> 16, 0, 0);
    reader.push(setChunkSize, 0);
    reader.next();
    reader.push(bytes, 0);
    const found: (Found | "config")[] = [];
    for (let message = reader.next(); message !== undefined; message = reader.next()) {
      found.push(readBody(message.messageType === 9, message.timestampMs, message.payload));
    }
    return found;
  };

  test("reads back as the same samples, and its prefix as their sound", () => {
    const encoded = encodeAll(new RtmpEncoder());
    expect(read(encoded.init)).toEqual(["config", "config"]);
    expect(read(encoded.media)).toEqual(expected());
    const sound = read(encoded.media.subarray(0, encoded.audioByteCount));
    expect(sound).toEqual(expected().filter(([kind]) => kind === "audio"));
  });

  test("carries a picture larger than a chunk", () => {
    const [picture] = units.filter(({ sample }) => sample.kind === "video");
    if (!picture) throw new Error("There is no picture");
    const data = new Uint8Array(3 * PLAY_CHUNK_BYTES + 5).map((_, i) => i);
    const large = { ...picture, sample: { ...picture.sample, data } };
    expect(read(new RtmpEncoder().encodeMedia([large], allocate).bytes)).toEqual([foundOf(large.sample)]);
  });
});

describe("WebSocket", () => {
  /** Server frames by hand: RFC 6455 §5.2, unmasked. */
  const frames = (bytes: Uint8Array) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const found: { opcode: number; payload: Uint8Array }[] = [];
    for (let at = 0; at < bytes.length; ) {
      const short = view.getUint8(at + 1);
      const [size, head] =
        short < 126
          ? [short, 2]
          : short === 126
            ? [view.getUint16(at + 2), 4]
            : [Number(view.getBigUint64(at + 2)), 10];
      found.push({ opcode: view.getUint8(at), payload: bytes.subarray(at + head, at + head + size) });
      at += head + size;
    }
    return found;
  };

  test("announces the initialization in JSON, and media is whole fragments of the same samples", () => {
    const encoded = encodeAll(websocketEncoder);
    const [announcement, segment, ...none] = frames(encoded.init);
    expect(none).toEqual([]);
    expect(announcement?.opcode).toBe(0x81);
    expect(JSON.parse(new TextDecoder().decode(announcement?.payload))).toEqual({
      type: "init",
      generation: 1,
      mime: init.mime,
      hasVideo: true,
      hasAudio: true,
      width: 160,
      height: 90,
    });
    const parsed = parseInit(segment?.payload ?? new Uint8Array());
    if (isMalformed(parsed)) throw new Error(parsed.message);

    const [sound, picture, ...more] = frames(encoded.media);
    expect(more).toEqual([]);
    expect([sound?.opcode, picture?.opcode]).toEqual([0x82, 0x82]);
    const joined = (kind: string) =>
      Buffer.concat(units.filter(({ sample }) => sample.kind === kind).map(({ fragment }) => fragment));
    expect(Buffer.from(sound?.payload ?? []).equals(joined("audio"))).toBe(true);
    expect(Buffer.from(picture?.payload ?? []).equals(joined("video"))).toBe(true);
    expect(frames(encoded.media.subarray(0, encoded.audioByteCount))).toHaveLength(1);
    const first = parseFragment(picture?.payload ?? new Uint8Array(), parsed);
    expect(first).toMatchObject({ kind: "fragment", samples: [{ isKey: true }] });
  });

  test.each(["audio", "video"])("with %s alone there is one message", (kind) => {
    const { bytes, audioByteCount } = websocketEncoder.encodeMedia(
      units.filter(({ sample }) => sample.kind === kind),
      allocate,
    );
    expect(frames(bytes)).toHaveLength(1);
    expect(audioByteCount).toBe(kind === "audio" ? bytes.length : 0);
  });
});
