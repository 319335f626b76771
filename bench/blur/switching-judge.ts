import { readFile } from "node:fs/promises";
import { counterTop } from "@kagami/demo/frame-counter";
import { readClip } from "@kagami/live/testing";
import { findCommand, runTool } from "@kagami/testkit";
import { median, percentile } from "../src/statistics.ts";
import type { BannerStream } from "./switching-clip.ts";
import type { PageReport } from "./switching-page.ts";
import type { TappedSample } from "./switching-taps.ts";

/** What became of the published pictures on their way to a viewer. */
export interface Delivery {
  /** Number of the first published picture that is judged. */
  readonly firstFrame: number;
  /** Pictures that came before it. */
  readonly skippedCount: number;
  /** For each picture that came, whether its bytes are not the publisher's. */
  readonly isReplaced: readonly boolean[];
  /** Numbers of the pictures at which ours began or ended. */
  readonly switches: readonly number[];
  /** Pictures at which ours began, or the publisher's came back, without a key frame. */
  readonly keylessSwitchCount: number;
  /** Largest difference between a sample's end and the next one's beginning. */
  readonly videoGapMs: number;
  readonly audioGapMs: number;
  /** Audio samples whose bytes are not the publisher's, in order. */
  readonly changedAudioCount: number;
  /** Pictures that should have come between the first and the last and did not. */
  readonly missingCount: number;
}

/** Compares what a viewer got with the published file, sample by sample, from `fromSec` of that on. */
export async function judgeDelivery(
  stream: BannerStream,
  samples: readonly TappedSample[],
  fromSec: number,
): Promise<Delivery> {
  const published = readClip(new Uint8Array(await readFile(stream.path)));
  const [sentVideo, sentAudio] = [9, 8].map((type) =>
    published.media.filter(({ messageType }) => messageType === type),
  );
  const allVideo = samples.filter(({ kind }) => kind === "video");
  const sentPictures = (sentVideo ?? []).map(({ body }) => body.subarray(5));
  const sentSounds = (sentAudio ?? []).map(({ body }) => body.subarray(2));
  const frameUs = 1e6 / stream.fps;
  const known = allVideo.findIndex(({ data }) => sentPictures.some((picture) => isEqual(picture, data)));
  if (known < 0) throw new Error("No picture came as it was published");
  const knownFrame = sentPictures.findIndex((picture) => isEqual(picture, allVideo[known]?.data));
  const startUs = (allVideo[known]?.ptsUs ?? 0) - knownFrame * frameUs;
  const isJudged = ({ ptsUs }: TappedSample): boolean => ptsUs - startUs > fromSec * 1e6 - frameUs / 2;
  const video = allVideo.filter(isJudged);
  const audio = samples.filter((sample) => sample.kind === "audio" && isJudged(sample));
  const numbers = video.map(({ ptsUs }) => Math.round((ptsUs - startUs) / frameUs));
  const isReplaced = video.map(({ data }, i) => !isEqual(sentPictures[numbers[i] ?? -1], data));
  const turns = isReplaced.flatMap((isOurs, i) => (i > 0 && isOurs !== isReplaced[i - 1] ? [i] : []));
  const [firstFrame = 0] = numbers;
  const firstSound = sentSounds.findIndex((sound) => isEqual(sound, audio[0]?.data));
  return {
    firstFrame,
    skippedCount: allVideo.length - video.length,
    isReplaced,
    switches: turns.map((i) => numbers[i] ?? 0),
    keylessSwitchCount: turns.filter((i) => video[i]?.isKey !== true).length,
    videoGapMs: largestGapMs(video),
    audioGapMs: largestGapMs(audio),
    changedAudioCount: audio.filter(({ data }, i) => !isEqual(sentSounds[firstSound + i], data)).length,
    missingCount: (numbers.at(-1) ?? 0) - firstFrame + 1 - video.length,
  };
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && a.length === b.length && Buffer.compare(a, b) === 0;
}

function largestGapMs(samples: readonly TappedSample[]): number {
  let gapUs = 0;
  for (const [i, { dtsUs }] of samples.entries()) {
    const before = samples[i - 1];
    if (before !== undefined) gapUs = Math.max(gapUs, Math.abs(dtsUs - before.dtsUs - before.durationUs));
  }
  return gapUs / 1_000;
}

/** How a file decodes. */
export interface Decoding {
  readonly pictureCount: number;
  /** Lines of warnings and errors. */
  readonly complaints: readonly string[];
  /** Stretches of 10 ms or more without sound, after the beginning. */
  readonly silenceCount: number;
}

/** Decodes all of a file with ffmpeg; silence counts between the two times of the file. */
export async function decodeFile(path: string, soundFromSec: number, soundToSec: number): Promise<Decoding> {
  const detect = `atrim=start=${soundFromSec}:end=${soundToSec},silencedetect=noise=-40dB:d=0.01`;
  const sound = ["-map", "0:a", "-af", detect, "-f", "null", "-"];
  const picture = ["-map", "0:v", "-fps_mode", "passthrough", "-f", "framecrc", "pipe:1"];
  const args = ["-hide_banner", "-nostats", "-v", "info", "-i", path, ...picture, ...sound];
  const { stdout, stderr } = await runTool(findCommand("ffmpeg"), withLevels(args), { timeoutMs: 600_000 });
  const lines = stderr.split("\n");
  return {
    pictureCount: stdout.split("\n").filter((line) => /^0,/.test(line)).length,
    complaints: lines.filter((line) => /\[(warning|error|fatal|panic)\]/.test(line)),
    silenceCount: lines.filter((line) => line.includes("silence_start")).length,
  };
}

function withLevels(args: readonly string[]): string[] {
  return args.map((arg) => (arg === "info" ? "level+info" : arg));
}

/** Likeness of pictures in the part of the screen where no banner comes, 1 if equal. */
export interface Likeness {
  readonly passed: readonly number[];
  readonly replaced: readonly number[];
}

/** Compares the lower half of what came with what was published, above the strip, picture by picture. */
export async function compareLowerHalf(stream: BannerStream, path: string, delivery: Delivery): Promise<Likeness> {
  const top = Math.round(stream.height / 4) * 2;
  const height = counterTop(stream.height) - top;
  const count = `setpts='round((PTS-STARTPTS)*TB*${stream.fps})/(${stream.fps}*TB)',settb=1/${stream.fps}`;
  const crop = `crop=${stream.width}:${height}:0:${top}`;
  const graph = [
    `[0:v]trim=start_frame=${delivery.skippedCount},${count},${crop}[came]`,
    `[1:v]trim=start_frame=${delivery.firstFrame},${count},${crop}[sent]`,
    "[came][sent]ssim=shortest=1:stats_file=-",
  ].join(";");
  const args = ["-v", "error", "-i", path, "-i", stream.path, "-filter_complex", graph, "-f", "null", "/dev/null"];
  const { stdout, stderr } = await runTool(findCommand("ffmpeg"), args, { timeoutMs: 600_000 });
  const likeness = { passed: [] as number[], replaced: [] as number[] };
  for (const [, n, value] of stdout.matchAll(/^n:(\d+) Y:([\d.]+)/gm)) {
    const isReplaced = delivery.isReplaced[Number(n) - 1] ?? false;
    likeness[isReplaced ? "replaced" : "passed"].push(Number(value));
  }
  if (likeness.passed.length === 0) throw new Error(`ffmpeg compared nothing: ${stderr}`);
  return likeness;
}

/** What viewers of one page saw. */
export interface Playing {
  readonly presentedCount: number;
  /** Numbers from the first to the last that were not presented, in shares of all: near a switch, and elsewhere. */
  readonly missedNearShare: number;
  readonly missedElsewhereShare: number;
  /** Between two presented pictures, in ms: the largest near a switch, and elsewhere; and 99 of 100 near one. */
  readonly gapNearMs: number;
  readonly gapElsewhereMs: number;
  readonly gapNearP99Ms: number;
  readonly gapElsewhereP99Ms: number;
  /** Pictures whose strip could not be read, and pictures older than the one before. */
  readonly garbledCount: number;
  readonly backwardCount: number;
  readonly stallCount: number;
  readonly stallNearCount: number;
  readonly medianStepMs: number;
}

/** A switch is near for so many pictures after it. */
const NEAR_FRAMES = 15;

/** Sorts what a page presented from a picture on by whether a switch was near. */
export function judgePage(
  { frames, stallsAtMs }: PageReport,
  switches: readonly number[],
  firstFrame: number,
): Playing {
  const numbers = new Set(switches.flatMap((at) => Array.from({ length: NEAR_FRAMES + 1 }, (_, i) => at + i - 1)));
  const read = frames.flatMap(({ counter, atMs }) => (counter === undefined ? [] : [{ counter, atMs }]));
  const gaps = { near: [] as number[], elsewhere: [] as number[] };
  const missed = { near: 0, elsewhere: 0 };
  const all = { near: 0, elsewhere: 0 };
  let backwardCount = 0;
  const settledAtMs = read.find(({ counter }) => counter >= firstFrame)?.atMs ?? Number.POSITIVE_INFINITY;
  const settled = read.filter(({ atMs }) => atMs > settledAtMs);
  for (const [i, { counter, atMs }] of settled.entries()) {
    const before = settled[i - 1];
    if (before === undefined) continue;
    if (counter < before.counter) backwardCount++;
    let isAnyNear = false;
    for (let number = before.counter + 1; number <= counter; number++) {
      const place = numbers.has(number) ? "near" : "elsewhere";
      isAnyNear ||= place === "near";
      all[place]++;
      if (number < counter) missed[place]++;
    }
    gaps[isAnyNear ? "near" : "elsewhere"].push(atMs - before.atMs);
  }
  const stalls = stallsAtMs.filter((atMs) => atMs > settledAtMs);
  const counterAt = (atMs: number): number => read.findLast((frame) => frame.atMs <= atMs)?.counter ?? -1;
  const max = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
  return {
    presentedCount: settled.length,
    missedNearShare: missed.near / Math.max(1, all.near),
    missedElsewhereShare: missed.elsewhere / Math.max(1, all.elsewhere),
    gapNearMs: max(gaps.near),
    gapElsewhereMs: max(gaps.elsewhere),
    gapNearP99Ms: gaps.near.length > 0 ? percentile(gaps.near, 0.99) : 0,
    gapElsewhereP99Ms: gaps.elsewhere.length > 0 ? percentile(gaps.elsewhere, 0.99) : 0,
    garbledCount: frames.length - read.length,
    backwardCount,
    stallCount: stalls.length,
    stallNearCount: stalls.filter((atMs) => numbers.has(counterAt(atMs))).length,
    medianStepMs: median([...gaps.near, ...gaps.elsewhere]),
  };
}
