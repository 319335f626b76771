import { type ChildProcessByStdio, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import type { Region } from "@kagami/kernels";
import { findCommand } from "@kagami/testkit";
import type { GeneratedFrame } from "./generate.ts";
import { createFrame, type PackedFrame } from "./raster.ts";
import type { CardLabel, ClipSpec, FrameLabels } from "./spec.ts";

/** What stands beside a video, in `<video>.json`. */
export interface ClipLabels {
  readonly name: string;
  readonly set: string;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly screen: Region;
  readonly frameCount: number;
  /** Names of the backgrounds, in order, with the frame they begin at. */
  readonly scenes: readonly { readonly name: string; readonly firstFrame: number }[];
  readonly coding: ClipSpec["coding"];
  readonly tracks: readonly TrackLabels[];
}

/** One card through the clip. */
interface TrackLabels {
  readonly kind: CardLabel["kind"];
  readonly style: string;
  readonly track: number;
  /** [frame, full x, y, width, height, visible x, y, width, height, opacity in %, readable x, y, width, height?] */
  readonly boxes: readonly (readonly number[])[];
}

/**
 * Codes a clip with x264 as phones do (2 s between key frames) and writes its labels beside it.
 *
 * @param path Of the video, `.mp4` or `.h264`; the labels go to `<path>.json`, last, so that what has labels is whole.
 */
export async function encodeClip(
  spec: ClipSpec,
  frames: AsyncIterable<GeneratedFrame>,
  path: string,
): Promise<ClipLabels> {
  const encoder = startEncoder(spec, path);
  const tracks = new Map<number, { kind: CardLabel["kind"]; style: string; track: number; boxes: number[][] }>();
  let frameCount = 0;
  try {
    for await (const { frame, index, labels } of frames) {
      await encoder.write(frame.bytes);
      for (const card of labels.cards) {
        const entry = tracks.get(card.track) ?? { kind: card.kind, style: card.style, track: card.track, boxes: [] };
        tracks.set(card.track, entry);
        entry.boxes.push(packCard(index, card));
      }
      frameCount++;
    }
    await encoder.end();
  } catch (error) {
    encoder.stop();
    throw error;
  }
  const { name, set, seed, width, height, fps, screen, coding } = spec;
  const scenes = spec.scenes.map((scene) => ({ name: scene.name, firstFrame: Math.ceil(scene.startSec * fps) }));
  const clip = {
    name,
    set,
    seed,
    width,
    height,
    fps,
    screen,
    frameCount,
    scenes,
    coding,
    tracks: [...tracks.values()],
  };
  await writeFile(`${path}.json`, `${JSON.stringify(clip)}\n`);
  return clip;
}

function packCard(index: number, { full, visible, opacity, readable }: CardLabel): number[] {
  const numbers = ({ x, y, width, height }: Region): number[] => [x, y, width, height];
  return [
    index,
    ...numbers(full),
    ...numbers(visible),
    Math.round(opacity * 100),
    ...(readable ? numbers(readable) : []),
  ];
}

export interface ReadFrame {
  /** Overwritten when the next one is asked for. */
  readonly frame: PackedFrame;
  readonly index: number;
  readonly timeUs: number;
  readonly labels: FrameLabels;
}

/** Labels of a video that {@link encodeClip} has made. */
export async function readLabels(path: string): Promise<ClipLabels> {
  return JSON.parse(await readFile(`${path}.json`, "utf8"));
}

/**
 * Decodes a video of the corpus, in the order of presentation.
 *
 * @throws Error if ffmpeg cannot decode it, or gives another number of frames than there are labels for.
 */
export async function* readClip(path: string): AsyncGenerator<ReadFrame> {
  const clip = await readLabels(path);
  const labels = unpackLabels(clip);
  const input = ["-v", "error", "-threads", "1", "-i", path];
  const output = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"];
  const child = spawn(findCommand("ffmpeg"), [...input, ...output], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = outcomeOf(child, `decode ${path}`);
  ended.catch(() => undefined);
  const frame = createFrame(clip.width, clip.height);
  let filled = 0;
  let index = 0;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
      for (let used = 0; used < chunk.length; ) {
        const count = Math.min(chunk.length - used, frame.bytes.length - filled);
        frame.bytes.set(chunk.subarray(used, used + count), filled);
        used += count;
        filled += count;
        if (filled < frame.bytes.length) continue;
        filled = 0;
        const timeUs = Math.round((index / clip.fps) * 1e6);
        yield { frame, index, timeUs, labels: labels[index] ?? { cards: [] } };
        index++;
      }
    }
    await ended;
  } finally {
    child.kill("SIGKILL");
  }
  if (index !== clip.frameCount) throw new Error(`${path} has ${index} frames, its labels ${clip.frameCount}`);
}

/** Labels frame by frame. */
export function unpackLabels(clip: ClipLabels): FrameLabels[] {
  const frames = Array.from({ length: clip.frameCount }, (): { cards: CardLabel[] } => ({ cards: [] }));
  for (const { kind, style, track, boxes } of clip.tracks) {
    for (const box of boxes) {
      const region = (at: number): Region => ({
        x: box[at]!,
        y: box[at + 1]!,
        width: box[at + 2]!,
        height: box[at + 3]!,
      });
      const [full, visible] = [region(1), region(5)];
      const isTextReadable = box.length > 10;
      frames[box[0]!]?.cards.push({
        kind,
        style,
        track,
        full,
        visible,
        visibleFraction: (visible.width * visible.height) / (full.width * full.height),
        opacity: box[9]! / 100,
        isTextReadable,
        ...(isTextReadable && { readable: region(10) }),
      });
    }
  }
  return frames;
}

interface Encoder {
  /** Settles when the bytes have been taken; until then they must not change. */
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
  stop(): void;
}

function startEncoder(spec: ClipSpec, path: string): Encoder {
  const { width, height, fps, coding } = spec;
  const raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", `${width}x${height}`, "-r", `${fps}`, "-i", "pipe:0"];
  const rate = [
    "-b:v",
    `${coding.kilobits}k`,
    "-maxrate",
    `${coding.kilobits * 1.5}k`,
    "-bufsize",
    `${coding.kilobits}k`,
  ];
  const tune = coding.zeroLatency ? ["-tune", "zerolatency"] : [];
  const codec = ["-c:v", "libx264", "-preset", coding.preset, ...tune, "-bf", `${coding.bFrames}`, "-g", `${fps * 2}`];
  const args = ["-v", "error", "-y", ...raw, ...codec, "-threads", "1", ...rate, "-pix_fmt", "yuv420p", path];
  const child = spawn(findCommand("ffmpeg"), args, { stdio: ["pipe", "ignore", "pipe"] });
  const done = outcomeOf(child, `encode ${path}`);
  done.catch(() => undefined);
  // When it has ended early, how it ended says more than a broken pipe.
  child.stdin.on("error", () => undefined);
  return {
    write: async (bytes) => {
      const error = await new Promise((resolve) => child.stdin.write(bytes, resolve));
      if (error) await done;
    },
    end: async () => {
      child.stdin.end();
      await done;
    },
    stop: () => void child.kill("SIGKILL"),
  };
}

function outcomeOf(
  child: ChildProcessByStdio<Writable | null, Readable | null, Readable>,
  task: string,
): Promise<void> {
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2_000);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg could not ${task}: ${stderr}`))));
  });
}
