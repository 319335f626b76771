import { RtmpPeer } from "@kagami/live/testing";
import {
  buildFlvConfig,
  buildFlvFrame,
  isMalformed,
  type Malformed,
  parseFragment,
  parseInit,
  readBoxes,
  type Sample,
  type TrackConfig,
} from "@kagami/media";
import type { Publish } from "./broadcast.ts";

function ok<T extends object>(result: T): Exclude<T, Malformed> {
  if (isMalformed(result)) throw new Error(result.message);
  return result as Exclude<T, Malformed>;
}

/** Reads a fragmented MP4 file into its tracks and its samples in decoding order. */
export function readMp4(file: Uint8Array): { configs: TrackConfig[]; samples: Sample[] } {
  const init = ok(parseInit(file));
  const samples: Sample[] = [];
  const boxes = ok(readBoxes(file));
  for (const [i, box] of boxes.entries()) {
    const mdat = boxes[i + 1];
    if (box.type !== "moof" || mdat === undefined) continue;
    for (const each of ok(parseFragment(file.subarray(box.start, mdat.end), init)).samples) {
      const track = init.tracks.find(({ trackId }) => trackId === each.trackId);
      if (!track) continue;
      const us = (ticks: number) => (ticks * 1_000_000) / track.timescale;
      samples.push({
        kind: track.config.kind,
        dtsUs: us(each.dtsTicks),
        ptsUs: us(each.ptsTicks),
        durationUs: us(each.durationTicks),
        isKey: track.config.kind === "audio" || each.isKey,
        data: each.data,
      });
    }
  }
  return { configs: init.tracks.map(({ config }) => config), samples: samples.sort((a, b) => a.dtsUs - b.dtsUs) };
}

/** Publishes an MP4 file over Enhanced RTMP at its own pace, by our own client: ffmpeg 5.1 cannot. */
export function publishMp4(file: Uint8Array): Publish {
  const { configs, samples } = readMp4(file);
  const codecs = new Map(configs.map((config) => [config.kind, config.codec]));
  // RTMP has no time before 0.
  const startUs = Math.min(...samples.map(({ dtsUs }) => dtsUs));
  const media = samples.map((sample) => {
    const moved = { ...sample, dtsUs: sample.dtsUs - startUs, ptsUs: sample.ptsUs - startUs };
    const codec = codecs.get(sample.kind);
    if (codec === undefined) throw new Error(`There is no ${sample.kind} track`);
    return {
      messageType: sample.kind === "video" ? (9 as const) : (8 as const),
      timestampMs: Math.round(moved.dtsUs / 1000),
      body: buildFlvFrame(codec, moved),
    };
  });
  return async ({ port, key }) => {
    const publisher = await RtmpPeer.open({ port, name: key });
    const headers = configs.map((config) => ({
      messageType: config.kind === "video" ? (9 as const) : (8 as const),
      timestampMs: 0,
      body: buildFlvConfig(config),
    }));
    await publisher.playOut({ headers, media });
    publisher.leave();
  };
}
