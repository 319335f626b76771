import { readFileSync } from "node:fs";
import { createPlainKernels, createWasmKernels, type Kernels, type YuvFrame } from "@kagami/kernels";
import { createDetector } from "../../servers/live/src/engine/privacy/detector.ts";
import {
  comparedFigure,
  type Figure,
  limitedFigure,
  type Scenario,
  type ScenarioContext,
  type ScenarioOutcome,
} from "../src/scenario.ts";
import { percentile } from "../src/statistics.ts";
import { clipsOf, smokeClips } from "./clips.ts";
import { readClip, readLabels } from "./corpus/index.ts";

/** The whole detector on frames of the corpus, beside the same on the plain kernels. */
export const detect: Scenario = {
  name: "detect",
  summary: "how long does the detector look at a picture, with games and banners in it?",
  run,
};

/** Bars for each size: milliseconds at the median and at the 99th percentile. */
const SIZES = [
  { width: 720, height: 1280, p50LimitMs: 0.15, p99LimitMs: 0.3, clipCount: 4, framesEach: 60 },
  { width: 1440, height: 2560, p50LimitMs: undefined, p99LimitMs: 0.6, clipCount: 2, framesEach: 45 },
] as const;
const FRAME_US = 33_333;
/** Frames are a few seconds into a clip, where the first banner comes. */
const SKIP_FRAMES = 60;

interface Subject {
  readonly name: string;
  readonly frames: readonly YuvFrame[];
  readonly p50LimitMs: number | undefined;
  readonly p99LimitMs: number;
}

async function run({ isSmoke, settings, progress }: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = settings.rounds ?? (isSmoke ? 1 : 8);
  const wasmBytes = readFileSync(new URL(import.meta.resolve("@kagami/kernels/kernels.wasm")));
  const subjects = isSmoke ? [await smokeSubject()] : await corpusSubjects(progress);
  const figures: Figure[] = [];
  for (const { name, frames, p50LimitMs, p99LimitMs } of subjects) {
    progress(`${name}: ${frames.length} frames, ${rounds} times`);
    const plain = timesOf(createPlainKernels(), frames, Math.max(1, rounds >> 2));
    const wasm = timesOf(createWasmKernels(wasmBytes), frames, rounds);
    for (const [figure, share, limit] of [
      ["p50", 0.5, p50LimitMs],
      ["p99", 0.99, p99LimitMs],
    ] as const) {
      const plainMs = percentile(plain, share);
      const wasmMs = percentile(wasm, share);
      figures.push(
        limit === undefined || isSmoke
          ? comparedFigure("wasm", `${name}-${figure}`, wasmMs, "ms", wasmMs / plainMs)
          : { ...limitedFigure("wasm", `${name}-${figure}`, wasmMs, "ms", limit), ratio: wasmMs / plainMs },
        comparedFigure("plain", `${name}-${figure}`, plainMs, "ms", 1),
      );
    }
  }
  return { figures, notes: [NOTE] };
}

const NOTE =
  "A time is that of one call of inspect, from the decoded picture in JavaScript's memory to regions, copying into WebAssembly's memory included. Frames are consecutive ones of the corpus's videos, banners among them, and far more than the caches hold. The ratio is to the detector on the plain kernels, which shares all of the detector's own code.";

function timesOf(kernels: Kernels, frames: readonly YuvFrame[], rounds: number): number[] {
  const detector = createDetector({ kernels, style: "any", zones: [], startsCovered: false });
  const times: number[] = [];
  // The first time through is for the compiler.
  for (let round = 0; round <= rounds; round++) {
    for (const [i, frame] of frames.entries()) {
      const startedMs = performance.now();
      detector.inspect(frame, (round * frames.length + i) * FRAME_US);
      if (round > 0) times.push(performance.now() - startedMs);
    }
  }
  return times;
}

async function smokeSubject(): Promise<Subject> {
  const [path] = await smokeClips("test");
  return { name: "small", frames: await framesOf(path as string, 0, 60), p50LimitMs: undefined, p99LimitMs: 0 };
}

async function corpusSubjects(progress: (text: string) => void): Promise<Subject[]> {
  const paths = await clipsOf("test");
  const labels = await Promise.all(paths.map((path) => readLabels(path)));
  const subjects: Subject[] = [];
  for (const { width, height, p50LimitMs, p99LimitMs, clipCount, framesEach } of SIZES) {
    const chosen = paths.filter((_, i) => labels[i]?.width === width && labels[i]?.height === height);
    if (chosen.length === 0) throw new Error(`The corpus has no videos of ${width}x${height}: make more minutes of it`);
    progress(`decoding ${width}x${height}`);
    const frames: YuvFrame[] = [];
    for (const path of chosen.slice(0, clipCount)) frames.push(...(await framesOf(path, SKIP_FRAMES, framesEach)));
    subjects.push({ name: `${width}x${height}`, frames, p50LimitMs, p99LimitMs });
  }
  return subjects;
}

async function framesOf(path: string, from: number, count: number): Promise<YuvFrame[]> {
  const frames: YuvFrame[] = [];
  for await (const { frame, index } of readClip(path)) {
    if (index < from) continue;
    if (frames.length >= count) break;
    const copy = ({ data, ...rest }: YuvFrame["y"]): YuvFrame["y"] => ({ ...rest, data: data.slice() });
    frames.push({ y: copy(frame.y), u: copy(frame.u), v: copy(frame.v) });
  }
  return frames;
}
