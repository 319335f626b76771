import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRandom, type Random } from "@kagami/clock";
import { counterCellLeft, counterCells, counterTop } from "@kagami/demo/frame-counter";
import type { Region } from "@kagami/kernels";
import { CHROMIUM_LAUNCH, findCommand } from "@kagami/testkit";
import { chromium } from "playwright-core";
import {
  type ClipSpec,
  type EventSpec,
  generateClip,
  openSprites,
  type PackedFrame,
  planClips,
  renderSprites,
  requestsOf,
} from "./corpus/index.ts";

/** A stream of a phone's screen on which one banner after the other shows. */
export interface BannerStreamOptions {
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  /** Before the first banner may come. */
  readonly leadSec: number;
  readonly bannerCount: number;
  /** From one banner's beginning to the next one's, on average. */
  readonly everySec: number;
  /** How long banners rest, from and to. */
  readonly holdSec: readonly [from: number, to: number];
  readonly kilobits: number;
}

/** Its file for `ffmpeg -re -c copy`, and what is to be seen in it. */
export interface BannerStream {
  /** FLV: H.264 with a key frame a second and without B-frames, AAC with a steady tone. */
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly frameCount: number;
  /** Of each frame: the banners' boxes on the screen, and what encloses the text of each that can be read. */
  readonly frames: readonly { readonly boxes: readonly Region[]; readonly readable: readonly Region[] }[];
  readonly banners: readonly { readonly style: string; readonly startSec: number; readonly endSec: number }[];
}

const FPS = 30;

const TONE_HERTZ = 330;
const ROOT = join(import.meta.dirname, "..", "..");
/** Raise it when the way of making streams changes, so that old files are not taken. */
const CACHE_VERSION = 2;

/**
 * Makes a stream, or takes it from `.cache/bench`. The same options give the same frames; each carries its number in
 * the strip at its lower edge that `@kagami/demo/frame-counter` reads.
 */
export async function makeBannerStream(options: BannerStreamOptions): Promise<BannerStream> {
  const directory = join(ROOT, ".cache", "bench");
  const { seed, width, height, leadSec, bannerCount, everySec, holdSec, kilobits } = options;
  const when = [leadSec, bannerCount, everySec, holdSec.join("to")];
  const name = [`v${CACHE_VERSION}`, seed, `${width}x${height}`, ...when, kilobits].join("-");
  const path = join(directory, `banners-${name}.flv`);
  if (existsSync(`${path}.json`)) return { ...JSON.parse(await readFile(`${path}.json`, "utf8")), path };
  await mkdir(directory, { recursive: true });
  const spec = planBannerStream(options);
  const sprites = join(ROOT, ".cache", "blur-corpus", "sprites");
  const browser = await chromium.launch(CHROMIUM_LAUNCH);
  try {
    await renderSprites(browser, requestsOf(spec), sprites);
  } finally {
    await browser.close();
  }
  const stream: BannerStream = { ...(await encode(spec, sprites, `${path}.unfinished.flv`)), path };
  await rename(`${path}.unfinished.flv`, path);
  await writeFile(`${path}.json`, `${JSON.stringify(stream)}\n`);
  return stream;
}

/** Banners and backgrounds are those that the corpus has for training; when banners come is random, to the frame. */
function planBannerStream(options: BannerStreamOptions): ClipSpec {
  const { seed, width, height, leadSec, bannerCount, everySec, holdSec, kilobits } = options;
  const clips = planClips("train", seed, 240).filter(
    ({ screen, fps, colour, ...clip }) =>
      [clip.width, screen.width].every((value) => value === width) &&
      [clip.height, screen.height].every((value) => value === height) &&
      fps === FPS &&
      colour === "bt709-limited",
  );
  const random = createRandom(seed).fork("switching");
  const durationSec = Math.ceil(leadSec + bannerCount * everySec + 1);
  return {
    ...(clips[0] as ClipSpec),
    name: "switching",
    durationSec,
    brightness: 1,
    repeatRate: 0,
    scenes: scenesOf(clips, durationSec),
    events: bannersOf(clips, random, bannerCount).map((event, i) => ({
      ...event,
      startSec: toFrame(leadSec + (i + random.float() * 0.3) * everySec),
      holdSec: toFrame(holdSec[0] + random.float() * (holdSec[1] - holdSec[0])),
    })),
    coding: { preset: "veryfast", zeroLatency: true, bFrames: 0, kilobits },
  };
}

const toFrame = (sec: number): number => Math.round(sec * FPS) / FPS;

/** Banners of as many styles as there are before one of them comes again. */
function bannersOf(clips: readonly ClipSpec[], random: Random, count: number): EventSpec[] {
  const byStyle = new Map<string, EventSpec[]>();
  for (const event of clips.flatMap(({ events }) => events)) {
    // One that has been pulled open begins in the middle of another.
    if (event.kind !== "banner" || event.enter === "scale-fade") continue;
    byStyle.set(event.style, [...(byStyle.get(event.style) ?? []), event]);
  }
  const chosen: EventSpec[] = [];
  let styles: EventSpec[][] = [];
  while (chosen.length < count) {
    if (styles.length === 0) styles = [...byStyle.values()];
    const [events = []] = styles.splice(random.int(0, styles.length - 1), 1);
    chosen.push(random.pick(events));
  }
  return chosen;
}

/** The clips' backgrounds one after the other, from the first again if there are too few. */
function scenesOf(clips: readonly ClipSpec[], durationSec: number): ClipSpec["scenes"] {
  const scenes: ClipSpec["scenes"][number][] = [];
  for (let i = 0, startSec = 0; startSec < durationSec; i++) {
    const clip = clips[i % clips.length] as ClipSpec;
    for (const scene of clip.scenes) scenes.push({ ...scene, startSec: startSec + scene.startSec });
    startSec += clip.durationSec;
  }
  return scenes.filter(({ startSec }) => startSec < durationSec);
}

async function encode(spec: ClipSpec, sprites: string, path: string): Promise<Omit<BannerStream, "path">> {
  const { width, height, coding } = spec;
  const raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", `${width}x${height}`, "-r", `${FPS}`, "-i", "pipe:0"];
  const tone = ["-f", "lavfi", "-i", `sine=f=${TONE_HERTZ}:r=48000:d=${spec.durationSec}`];
  const x264 = ["-c:v", "libx264", "-preset", coding.preset, "-tune", "zerolatency", "-bf", "0"];
  const groups = ["-g", `${FPS}`, "-keyint_min", `${FPS}`, "-sc_threshold", "0"];
  const kilobits = `${coding.kilobits}k`;
  const rate = ["-b:v", kilobits, "-maxrate", kilobits, "-bufsize", kilobits];
  const aac = ["-c:a", "aac", "-aac_pns", "0", "-b:a", "96k", "-ac", "2"];
  const args = ["-v", "error", "-y", ...raw, ...tone, ...x264, "-threads", "1", ...groups, ...rate, ...aac, path];
  const ffmpeg = spawn(findCommand("ffmpeg"), args, { stdio: ["pipe", "inherit", "inherit"] });
  const ended = once(ffmpeg, "close");
  const frames: { boxes: Region[]; readable: Region[] }[] = [];
  for await (const { frame, index, labels } of generateClip(spec, openSprites(sprites))) {
    drawCounter(frame, index);
    const banners = labels.cards.filter(({ kind }) => kind === "banner");
    const readable = banners.flatMap((card) => card.readable ?? []);
    frames.push({ boxes: banners.map(({ visible }) => visible), readable });
    if (!ffmpeg.stdin.write(Buffer.from(frame.bytes))) await once(ffmpeg.stdin, "drain");
  }
  ffmpeg.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`Cannot make ${path}: ffmpeg ended with ${code}`);
  const banners = spec.events.map(({ style, startSec, inSec, holdSec, outSec }) => {
    return { style, startSec, endSec: startSec + inSec + holdSec + outSec };
  });
  return { width, height, fps: FPS, frameCount: frames.length, frames, banners };
}

function drawCounter(frame: PackedFrame, index: number): void {
  const { y: luma, u, v } = frame;
  const top = counterTop(luma.height);
  const cells = counterCells(index);
  for (let y = top; y < luma.height; y++) {
    for (const [cell, isWhite] of cells.entries()) {
      const row = y * luma.stride;
      const [left, right] = [counterCellLeft(cell, luma.width), counterCellLeft(cell + 1, luma.width)];
      luma.data.fill(isWhite ? 235 : 16, row + left, row + right);
    }
  }
  for (const plane of [u, v]) plane.data.fill(128, (top / 2) * plane.stride, plane.height * plane.stride);
}
