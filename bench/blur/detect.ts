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

/** Bars in milliseconds at the median and at the 99th percentile. */
const SMALL = { width: 720, height: 1280, p50LimitMs: 0.15, p99LimitMs: 0.3, clipCount: 3, framesEach: 60 } as const;
const LARGE = { p50LimitMs: undefined, p99LimitMs: 0.6, frameCount: 60 } as const;
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
  "A time is that of one call of inspect, from the decoded picture in JavaScript's memory to regions, copying into WebAssembly's memory included. Frames are consecutive ones of the corpus's videos, banners among them, and far more than the caches hold; those of 1440x2560 are the same with every sample doubled in both directions. The ratio is to the detector on the plain kernels, which shares all of the detector's own code.";

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

/** Frames of the corpus as they are, and doubled: it has no videos of 1440x2560. */
async function corpusSubjects(progress: (text: string) => void): Promise<Subject[]> {
  const { width, height, clipCount, framesEach } = SMALL;
  const frames: YuvFrame[] = [];
  let count = 0;
  for (const path of await clipsOf("test")) {
    const labels = await readLabels(path);
    if (labels.width !== width || labels.height !== height) continue;
    progress(`decoding ${path}`);
    frames.push(...(await framesOf(path, SKIP_FRAMES, framesEach)));
    if (++count === clipCount) break;
  }
  if (count === 0) throw new Error(`The corpus has no videos of ${width}x${height}: make more minutes of it`);
  const large = frames.slice(-LARGE.frameCount).map((frame) => ({
    y: doubled(frame.y),
    u: doubled(frame.u),
    v: doubled(frame.v),
  }));
  return [
    { ...SMALL, name: `${width}x${height}`, frames },
    { ...LARGE, name: `${2 * width}x${2 * height}`, frames: large },
  ];
}

/** A plane of twice the width and height. */
function doubled({ data, stride, width, height }: YuvFrame["y"]): YuvFrame["y"] {
  const wide = 2 * width;
  const into = new Uint8Array(wide * 2 * height);
  for (let y = 0; y < height; y++) {
    const to = 2 * y * wide;
    for (let x = 0; x < width; x++) {
      const sample = data[y * stride + x] as number;
      into[to + 2 * x] = sample;
      into[to + 2 * x + 1] = sample;
    }
    into.copyWithin(to + wide, to, to + wide);
  }
  return { data: into, stride: wide, width: wide, height: 2 * height };
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
