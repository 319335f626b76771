import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { concatBytes } from "@kagami/bytes";
import { expect, test } from "vitest";
import { buildFlvConfig, buildFlvEnd, buildFlvFrame } from "./flv-build.ts";
import { buildFlvFileHeader, buildFlvTag, FlvDemuxer, type FlvTag } from "./flv-file.ts";
import { parseFlvAudio, parseFlvVideo } from "./flv-tag.ts";
import { writeFragment } from "./fmp4-fragment.ts";
import { AUDIO_TRACK_ID, buildInit, VIDEO_TIMESCALE, VIDEO_TRACK_ID } from "./fmp4-init.ts";
import { isMalformed, type Malformed } from "./malformed.ts";
import { type Mp4Sample, parseFragment, parseInit } from "./mp4-reader.ts";
import type { VideoTrack } from "./normalized-sample.ts";
import type { AudioConfig, Sample, TrackConfig, VideoCodec, VideoConfig } from "./sample.ts";
import { rewriteReorderLimit } from "./sps-rewrite.ts";
import { audioConfigFromRecord } from "./track-config.ts";
import { openVideoTrack } from "./video-track.ts";

const testdata = (file: string) => new Uint8Array(readFileSync(new URL(`../testdata/${file}`, import.meta.url)));

function ok<T extends object>(result: T): Exclude<T, Malformed> {
  if (isMalformed(result)) throw new Error(result.message);
  return result as Exclude<T, Malformed>;
}

/** What a server does with an FLV publisher, without the server. */
function readFlv(file: Uint8Array): { video: VideoConfig; audio: AudioConfig; samples: Sample[] } {
  let track: VideoTrack | undefined;
  let audio: AudioConfig | undefined;
  const samples: Sample[] = [];
  for (const { type, timestampMs, body } of new FlvDemuxer().push(file).filter((item) => item.kind === "tag")) {
    const base = { dtsUs: timestampMs * 1000, durationUs: 0 };
    if (type === 9) {
      const event = parseFlvVideo(body);
      if (event.kind === "config") track = ok(openVideoTrack(event.codec, event.record));
      if (event.kind !== "frame" || track === undefined) continue;
      const { data, isKey } = ok(track.normalize(event.data));
      samples.push({ kind: "video", ...base, ptsUs: base.dtsUs + event.compositionTimeMs * 1000, isKey, data });
    } else if (type === 8) {
      const event = parseFlvAudio(body);
      if (event.kind === "config") audio = ok(audioConfigFromRecord(event.codec, event.record));
      if (event.kind === "frame")
        samples.push({ kind: "audio", ...base, ptsUs: base.dtsUs, isKey: true, data: event.data });
    }
  }
  const withDurations = samples.map((sample, index) => {
    const next = samples.slice(index + 1).find((candidate) => candidate.kind === sample.kind);
    return { ...sample, durationUs: (next?.dtsUs ?? sample.dtsUs + 20_000) - sample.dtsUs };
  });
  return { video: track!.config, audio: audio!, samples: withDurations };
}

function toFmp4(video: VideoConfig, audio: AudioConfig, samples: readonly Sample[]): Uint8Array {
  const fragments = samples.map((sample, index) =>
    sample.kind === "video"
      ? writeFragment([sample], index + 1, VIDEO_TRACK_ID, VIDEO_TIMESCALE)
      : writeFragment([sample], index + 1, AUDIO_TRACK_ID, audio.sampleRate),
  );
  return concatBytes([buildInit({ video, audio }), ...fragments]);
}

/** Hashes of the decoded pictures or sounds, in the order of presentation. */
function decodedHashes(input: Uint8Array, format: string, stream: "v" | "a"): string[] {
  const args = ["-hide_banner", "-loglevel", "error", "-f", format, "-i", "pipe:0", "-map", `0:${stream}`];
  const out = execFileSync("ffmpeg", [...args, "-fps_mode", "passthrough", "-f", "framemd5", "-"], {
    input,
    encoding: "utf8",
  });
  return out
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(",").at(-1)!.trim());
}

const capture = testdata("avc-bframes.flv");

test("ffmpeg decodes our fMP4 into the pictures and sounds of the FLV it came from", () => {
  const { video, audio, samples } = readFlv(capture);
  const fmp4 = toFmp4(video, audio, samples);
  const pictures = decodedHashes(fmp4, "mp4", "v");
  expect(pictures).toHaveLength(20);
  expect(pictures).toEqual(decodedHashes(capture, "flv", "v"));
  expect(decodedHashes(fmp4, "mp4", "a")).toEqual(decodedHashes(capture, "flv", "a"));
});

test("ffprobe finds the reorder limit that was written, the size and the codecs", () => {
  const { video, audio, samples } = readFlv(capture);
  const probe = (config: VideoConfig) => {
    const input = toFmp4(config, audio, samples);
    const entries = "stream=codec_name,width,height,has_b_frames,sample_rate,channels";
    const args = ["-v", "error", "-f", "mp4", "-i", "pipe:0", "-show_entries", entries, "-of", "json"];
    return JSON.parse(execFileSync("ffprobe", args, { input, encoding: "utf8" })).streams;
  };
  const stream = { codec_name: "h264", width: 130, height: 74 };
  expect(probe(video)).toMatchObject([
    { ...stream, has_b_frames: 2 },
    { codec_name: "aac", sample_rate: "44100", channels: 1 },
  ]);
  expect(probe(ok(rewriteReorderLimit(video, 3)))).toMatchObject([{ ...stream, has_b_frames: 3 }, {}]);
});

test("H.264 and AAC played out as FLV decode into the same pictures and sounds", () => {
  const { video, audio, samples } = readFlv(capture);
  const tags = [video, audio].map((config) => buildFlvTag(config.kind === "video" ? 9 : 8, 0, buildFlvConfig(config)));
  for (const sample of samples) {
    const codec = sample.kind === "video" ? video.codec : audio.codec;
    tags.push(buildFlvTag(sample.kind === "video" ? 9 : 8, sample.dtsUs / 1000, buildFlvFrame(codec, sample)));
  }
  const flv = concatBytes([buildFlvFileHeader(true, true), ...tags]);
  expect(decodedHashes(flv, "flv", "v")).toEqual(decodedHashes(capture, "flv", "v"));
  expect(decodedHashes(flv, "flv", "a")).toEqual(decodedHashes(capture, "flv", "a"));
});

function readMp4(file: string): { config: TrackConfig; samples: Mp4Sample[]; timescale: number }[] {
  const bytes = testdata(file);
  const init = ok(parseInit(bytes));
  const { samples } = ok(parseFragment(bytes, init));
  return init.tracks.map(({ config, trackId, timescale }) => {
    return { config, timescale, samples: samples.filter((sample) => sample.trackId === trackId) };
  });
}

test.each(["avc.mp4", "hevc.mp4", "av1.mp4", "av1-10bit.mp4", "vp9-opus.mp4"])(
  "every track of %s goes out as FLV or Enhanced RTMP messages and comes back the same",
  (file) => {
    for (const { config, samples, timescale } of readMp4(file)) {
      const head =
        config.kind === "video" ? parseFlvVideo(buildFlvConfig(config)) : parseFlvAudio(buildFlvConfig(config));
      if (head.kind !== "config") throw new Error(head.kind);
      expect(head.codec).toBe(config.codec);
      const again =
        config.kind === "video"
          ? ok(openVideoTrack(head.codec as VideoCodec, head.record)).config
          : ok(audioConfigFromRecord(config.codec, head.record));
      expect(again.record).toEqual(config.record);
      expect(again.codecString).toBe(config.codecString);
      for (const { data, isKey, ptsTicks, dtsTicks } of samples) {
        const us = (ticks: number) => (ticks / timescale) * 1e6;
        const sample: Sample = {
          kind: config.kind,
          dtsUs: us(dtsTicks),
          ptsUs: us(ptsTicks),
          durationUs: 0,
          isKey,
          data,
        };
        const body = buildFlvFrame(config.codec, sample);
        const event = config.kind === "video" ? parseFlvVideo(body) : parseFlvAudio(body);
        const compositionTimeMs = Math.round(sample.ptsUs / 1000) - Math.round(sample.dtsUs / 1000);
        expect(event).toMatchObject({ kind: "frame", codec: config.codec, isKey, compositionTimeMs, data });
      }
      const end = buildFlvEnd(config);
      const parsed = end && (config.kind === "video" ? parseFlvVideo(end) : parseFlvAudio(end));
      expect(parsed).toEqual(config.codec === "aac" ? undefined : { kind: "end", codec: config.codec, trackId: 0 });
    }
  },
);

test.each(["hevc.mp4", "av1.mp4", "av1-10bit.mp4", "vp9-opus.mp4"])(
  "ffmpeg decodes our fMP4 of %s into the same pictures",
  (file) => {
    const [video, audio] = readMp4(file);
    const config = video!.config as VideoConfig;
    const fragments = [video, audio].flatMap((track, trackIndex) =>
      (track?.samples ?? []).map((sample, index) => {
        const us = (ticks: number) => (ticks / track!.timescale) * 1e6;
        const { data, isKey } = sample;
        const times = { dtsUs: us(sample.dtsTicks), ptsUs: us(sample.ptsTicks), durationUs: us(sample.durationTicks) };
        const timescale = trackIndex === 0 ? VIDEO_TIMESCALE : 48_000;
        return writeFragment(
          [{ kind: track!.config.kind, ...times, isKey, data }],
          index + 1,
          trackIndex + 1,
          timescale,
        );
      }),
    );
    const bytes = concatBytes([
      buildInit({ video: config, audio: audio?.config as AudioConfig | undefined }),
      ...fragments,
    ]);
    const original = testdata(file);
    const pictures = decodedHashes(bytes, "mp4", "v");
    expect(pictures).toHaveLength(10);
    expect(pictures).toEqual(decodedHashes(original, "mp4", "v"));
    if (audio) expect(decodedHashes(bytes, "mp4", "a")).toHaveLength(audio.samples.length);
  },
);

test("FLV tags keep the order of the wire", () => {
  const tags = new FlvDemuxer().push(capture).filter((item): item is FlvTag => item.kind === "tag");
  const times = tags.filter((tag) => tag.type === 9).map((tag) => tag.timestampMs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});
