import { readFileSync } from "node:fs";
import {
  buildInit,
  type Mp4Init,
  parseFragment,
  parseInit,
  readBoxes,
  type Sample,
  type VideoCodec,
  type VideoConfig,
  videoConfigFromRecord,
  writeFragment,
} from "@kagami/media";
// biome-ignore lint/style/noRestrictedImports: only tests import this file
import { runTool } from "@kagami/testkit";
import type { FilterReply, FilterRequest } from "../../protocol/privacy/messages.ts";

/** A short stream as it comes out of ingest. */
export interface FilterClip {
  readonly config: VideoConfig;
  /** Decoding order. */
  readonly samples: readonly Sample[];
  /** A GOP's pictures; the clip's first picture is a key frame. */
  readonly frameUs: number;
}

export interface FilterClipOptions {
  readonly codec?: VideoCodec;
  /** 320x180 if absent. */
  readonly size?: string;
  /** 30 if absent. */
  readonly pictureCount?: number;
  /** Pictures from one key frame to the next; 10 if absent. */
  readonly gop?: number;
  readonly bFrames?: number;
  /** A source of ffmpeg's; its test picture if absent. */
  readonly source?: string;
  readonly encoderArgs?: readonly string[];
}

const FPS = 30;
const ENCODERS: Readonly<Record<VideoCodec, readonly string[]>> = {
  h264: ["libx264", "-preset", "veryfast", "-sc_threshold", "0"],
  h265: ["libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params", "log-level=none:scenecut=0"],
  av1: ["libaom-av1", "-cpu-used", "8", "-usage", "realtime"],
  vp9: ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
};

const made = new Map<string, Promise<FilterClip>>();

/** Encodes a clip with ffmpeg. The same options are encoded once a process. */
export function encodeFilterClip(options: FilterClipOptions = {}): Promise<FilterClip> {
  const key = JSON.stringify(options);
  const clip = made.get(key) ?? encode(options);
  made.set(key, clip);
  return clip;
}

async function encode(options: FilterClipOptions): Promise<FilterClip> {
  const { codec = "h264", size = "320x180", pictureCount = 30, gop = 10, bFrames = 0, encoderArgs = [] } = options;
  const source = options.source ?? `testsrc2=size=${size}:rate=${FPS}`;
  const args = ["-v", "error", "-f", "lavfi", "-i", source, "-frames:v", String(pictureCount), "-pix_fmt", "yuv420p"];
  args.push("-c:v", ...ENCODERS[codec], "-threads", "1", "-g", String(gop), "-bf", String(bFrames), ...encoderArgs);
  args.push("-movflags", "frag_keyframe+empty_moov+default_base_moof", "-f", "mp4", "pipe:1");
  const { exitCode, stdoutBytes, stderr } = await runTool("ffmpeg", args, { timeoutMs: 120_000 });
  if (exitCode !== 0) throw new Error(`ffmpeg could not encode a clip: ${stderr}`);
  return readClip(new Uint8Array(stdoutBytes));
}

/** A file of `libs/media/testdata`. */
export function fixtureFilterClip(name: string): FilterClip {
  return readClip(new Uint8Array(readFileSync(new URL(`../../../../../libs/media/testdata/${name}`, import.meta.url))));
}

function readClip(mp4: Uint8Array): FilterClip {
  const boxes = readBoxes(mp4);
  if ("kind" in boxes) throw new Error(boxes.message);
  const init = parseInit(mp4);
  if (init.kind === "malformed") throw new Error(init.message);
  const track = init.tracks[0];
  if (track?.config.kind !== "video") throw new Error("The clip has no video");
  const samples: Sample[] = [];
  for (const [i, box] of boxes.entries()) {
    const mdat = boxes[i + 1];
    if (box.type !== "moof" || mdat === undefined) continue;
    samples.push(...samplesOf(mp4.subarray(box.start, mdat.end), init, track.timescale));
  }
  return { config: track.config, samples, frameUs: 1e6 / FPS };
}

function samplesOf(fragment: Uint8Array, init: Mp4Init, timescale: number): Sample[] {
  const parsed = parseFragment(fragment, init);
  if (parsed.kind === "malformed") throw new Error(parsed.message);
  const us = (ticks: number): number => Math.round((ticks * 1e6) / timescale);
  return parsed.samples.map(({ dtsTicks, ptsTicks, durationTicks, isKey, data }) => ({
    kind: "video",
    dtsUs: us(dtsTicks),
    ptsUs: us(ptsTicks),
    durationUs: us(durationTicks),
    isKey,
    data,
  }));
}

/** A clip as the relay would send it. */
export function requestsOf(
  { config, samples }: FilterClip,
  streamId = 1,
  firstSequence = 0,
): (FilterRequest & { readonly kind: "config" | "picture" })[] {
  const pictures = samples.map(({ ptsUs, isKey, data }, i) => ({
    ...({ kind: "picture", streamId, isReplay: false } as const),
    ...{ sequence: firstSequence + i, ptsUs, isKey, data },
  }));
  return [{ kind: "config", streamId, codec: config.codec, record: config.record }, ...pictures];
}

/** What viewers get: one track of the first configuration, as an MP4 file. */
export interface Viewed {
  readonly config: VideoConfig;
  readonly samples: readonly Sample[];
  /** Beside each sample: ours, or the publisher's. */
  readonly areOurs: readonly boolean[];
  readonly mp4: Uint8Array;
}

/** Puts the answers into the places of the publisher's samples, as the gate does. */
export function viewOf({ samples: source }: FilterClip, replies: readonly FilterReply[]): Viewed {
  const waiting = [...source.entries()];
  const samples: Sample[] = [];
  const areOurs: boolean[] = [];
  let config: VideoConfig | undefined;
  for (const reply of replies) {
    if (reply.kind === "config") {
      const parsed = videoConfigFromRecord(reply.codec, reply.record);
      if (parsed.kind === "malformed") throw new Error(parsed.message);
      config = parsed;
    }
    if (reply.kind !== "pass" && reply.kind !== "replace" && reply.kind !== "drop") continue;
    const [place, sample] = waiting.shift() ?? [];
    if (sample === undefined) throw new Error(`More answers than pictures, at ${reply.sequence}`);
    if (reply.kind === "drop") continue;
    if (reply.kind === "pass" && place !== reply.sequence) throw new Error(`${reply.sequence} passes out of turn`);
    const { data, isKey, ptsUs } = reply.kind === "replace" ? reply : sample;
    samples.push({ ...sample, data, isKey, ptsUs });
    areOurs.push(reply.kind === "replace");
  }
  if (waiting.length > 0) throw new Error(`${waiting.length} pictures have no answer`);
  if (config === undefined) throw new Error("There was no configuration");
  return { config, samples, areOurs, mp4: toMp4(config, samples) };
}

/** One initialization segment, and a fragment for each picture. */
export function toMp4(config: VideoConfig, samples: readonly Sample[]): Uint8Array {
  const pieces = [buildInit({ video: config, audio: undefined })];
  for (const [i, sample] of samples.entries()) pieces.push(writeFragment([sample], i + 1, 1, 90_000));
  return new Uint8Array(Buffer.concat(pieces));
}

/** A decoded picture: 8 bits, 4:2:0, planes one behind the other. */
export type RawPicture = Uint8Array;

/** Decodes with ffmpeg's own program, and fails if it has anything to complain of. */
export async function decodeMp4(mp4: Uint8Array, { width, height }: VideoConfig): Promise<RawPicture[]> {
  const args = ["-v", "warning", "-i", "pipe:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p"];
  const { stdoutBytes, stderr } = await runTool("ffmpeg", [...args, "pipe:1"], {
    input: mp4,
    maxOutputBytes: 512 * 1_048_576,
  });
  if (stderr.trim() !== "") throw new Error(`ffmpeg complains: ${stderr}`);
  const sizeBytes = width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
  const count = Math.floor(stdoutBytes.length / sizeBytes);
  return Array.from({ length: count }, (_, i) => stdoutBytes.subarray(i * sizeBytes, (i + 1) * sizeBytes));
}
