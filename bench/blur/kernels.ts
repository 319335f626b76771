import { readFileSync } from "node:fs";
import {
  createPlainKernels,
  createWasmKernels,
  type Kernels,
  type Plane,
  type Region,
  strengthFor,
  type YuvFrame,
} from "@kagami/kernels";
import { QUICK_NET } from "../../servers/live/src/engine/privacy/quick-net.ts";
import {
  comparedFigure,
  type Figure,
  limitedFigure,
  plainFigure,
  type Scenario,
  type ScenarioContext,
  type ScenarioOutcome,
} from "../src/scenario.ts";
import { percentile } from "../src/statistics.ts";
import { loadOpenCv, type OpenCvKernels } from "./opencv.ts";

/** The pixel kernels alone, beside their plain twins, OpenCV.js and a copy of the bytes. */
export const kernels: Scenario = {
  name: "kernels",
  summary: "how long does it take to hide a full banner, and to measure and judge the top band?",
  run,
};

interface Size {
  readonly width: number;
  readonly height: number;
  readonly obscureLimitMs: number;
  readonly cellSize: number;
}

const SIZES: readonly Size[] = [
  { width: 720, height: 1280, obscureLimitMs: 0.25, cellSize: 12 },
  { width: 1440, height: 2560, obscureLimitMs: 0.6, cellSize: 24 },
];
/** Frames are taken in turn from this many bytes: far more than a core's cache of the second level (1.25 MB). */
const POOL_BYTES = 32e6;
const LEVEL = 2;
/** Height of the band that is measured in cells, in widths of the picture: what the detector looks at. */
const CELL_BAND = 0.9;
/** Rows of a cell that are read. */
const CELL_ROWS = 4;

/** One thing that is measured, on the next frame. */
interface Subject {
  readonly peer: string;
  run(frame: YuvFrame): number;
}

async function run({ isSmoke, settings, progress }: ScenarioContext): Promise<ScenarioOutcome> {
  const repetitions = settings.rounds ?? (isSmoke ? 5 : 1000);
  const wasmBytes = readFileSync(new URL(import.meta.resolve("@kagami/kernels/kernels.wasm")));
  const implementations = { wasm: createWasmKernels(wasmBytes), plain: createPlainKernels() };
  const cv = await loadOpenCv();
  const figures: Figure[] = [];
  let check = 0;
  for (const size of SIZES) {
    const frames = makeFrames(size);
    const name = `${size.width}x${size.height}`;
    progress(`${name}: hiding a banner, ${repetitions} times each`);
    const obscuring = measure(obscureSubjects(implementations, cv, size), frames, repetitions);
    figures.push(...figuresOf(`obscure-${name}`, obscuring.times, size.obscureLimitMs));
    progress(`${name}: edges of the top band, ${repetitions} times each`);
    const edges = measure(edgeSubjects(implementations, cv, size), frames, repetitions);
    figures.push(...figuresOf(`band-edges-${name}`, edges.times));
    progress(`${name}: cells of the band and the network over them, ${repetitions} times each`);
    const cells = measure(cellSubjects(implementations, cv, size), frames, repetitions);
    figures.push(...figuresOf(`cells-${name}`, cells.times));
    const judging = measure(netSubjects(implementations, size, frames), frames, repetitions);
    figures.push(...figuresOf(`net-${name}`, judging.times));
    check += obscuring.check + edges.check + cells.check + judging.check;
  }
  return { figures, notes: [`${NOTE} Check value of this run: ${check}.`] };
}

const NOTE =
  'One thread; subjects take turns, each on the next of about 32 MB of frames, so that neither pixels nor the subject\'s own memory are sure to be in the cache of the second level. "obscure" hides 0.96 of the width and 0.1 of the height at level 2 on Y, U and V, copies into and out of WebAssembly\'s memory included; OpenCV.js: resize INTER_AREA down, INTER_NEAREST up, blur twice, with the same copies. "band-edges" averages the upper quarter of Y by 4 x 4 and takes the absolute differences of rows and of columns; OpenCV.js: resize INTER_AREA, absdiff and reduce. "cells" measures means and textures of cells of 12 samples (24 at 1440x2560) over 0.9 of the width, from four rows of each; OpenCV.js: the same rows, absdiff of neighbours and resize INTER_AREA of both. "net" is the banner network over the same grid, 60 x 54 cells at both sizes. "copy" copies the touched bytes once, row by row, to other memory. Ratios: of plain and opencv-js, their p50 over ours (a ratio of 8 means 8 times as long); of wasm, its p50 over the copy\'s.';

function makeFrames({ width, height }: Size): YuvFrame[] {
  const count = Math.ceil(POOL_BYTES / (width * height * 1.5));
  return Array.from({ length: count }, (_, index) => ({
    y: makePlane(width, height, index),
    u: makePlane(width / 2, height / 2, index + 1),
    v: makePlane(width / 2, height / 2, index + 2),
  }));
}

/** Rows end where FFmpeg's do: at a multiple of 64 bytes. */
function makePlane(width: number, height: number, seed: number): Plane {
  const stride = (width + 63) & ~63;
  const data = new Uint8Array(stride * height);
  let state = seed + 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    data[i] = state >>> 24;
  }
  return { data, stride, width, height };
}

function bannerOf({ width, height }: Size): Region {
  const bannerWidth = Math.round(width * 0.96);
  return {
    x: (width - bannerWidth) >> 1,
    y: Math.round(height * 0.02),
    width: bannerWidth,
    height: Math.round(height * 0.1),
  };
}

/** The chroma samples of a region of luma samples. */
function chromaOf({ x, y, width, height }: Region): Region {
  return { x: x >> 1, y: y >> 1, width: ((x + width + 1) >> 1) - (x >> 1), height: ((y + height + 1) >> 1) - (y >> 1) };
}

type Implementations = Readonly<Record<"wasm" | "plain", Kernels>>;

function obscureSubjects(implementations: Implementations, cv: OpenCvKernels, size: Size): Subject[] {
  const luma = bannerOf(size);
  const chroma = chromaOf(luma);
  const strength = strengthFor(LEVEL, Math.min(size.width, size.height));
  const sampleOf = (frame: YuvFrame) => frame.y.data[(luma.y + 9) * frame.y.stride + luma.x + 9]!;
  const of = (peer: keyof Implementations): Subject => ({
    peer,
    run(frame) {
      implementations[peer].obscure(frame, luma, strength);
      return sampleOf(frame);
    },
  });
  const copy = new Uint8Array(luma.width * luma.height * 2);
  return [
    of("wasm"),
    of("plain"),
    {
      peer: "opencv-js",
      run(frame) {
        cv.obscure(frame, [luma, chroma], strength.cell, strength.radius);
        return sampleOf(frame);
      },
    },
    {
      peer: "copy",
      run: (frame) => copyRows(frame.y, luma, copy) + copyRows(frame.u, chroma, copy) + copyRows(frame.v, chroma, copy),
    },
  ];
}

function edgeSubjects(implementations: Implementations, cv: OpenCvKernels, size: Size): Subject[] {
  const band: Region = { x: 0, y: 0, width: size.width, height: size.height >> 2 };
  const of = (peer: keyof Implementations): Subject => {
    const own = implementations[peer];
    const image = own.image((band.width * band.height) >> 4);
    const rows = own.profile(band.height >> 2);
    const columns = own.profile(band.width >> 2);
    return {
      peer,
      run(frame) {
        const small = own.subsample(frame.y, band, 4, 1, image);
        const across = own.rowEdges(small, 0, small.width, rows);
        const down = own.columnEdges(small, 0, small.height, columns);
        return across.sums[3]! + down.sums[3]!;
      },
    };
  };
  const copy = new Uint8Array(band.width * band.height);
  return [
    of("wasm"),
    of("plain"),
    { peer: "opencv-js", run: (frame) => cv.bandEdges(frame.y, band) },
    { peer: "copy", run: (frame) => copyRows(frame.y, band, copy) },
  ];
}

function cellBand({ width, cellSize }: Size): Region {
  return { x: 0, y: 0, width, height: Math.floor((width * CELL_BAND) / cellSize) * cellSize };
}

function cellSubjects(implementations: Implementations, cv: OpenCvKernels, size: Size): Subject[] {
  const band = cellBand(size);
  const { cellSize } = size;
  const of = (peer: keyof Implementations): Subject => {
    const own = implementations[peer];
    const count = (band.width * band.height) / cellSize ** 2;
    const slots = [own.image(count), own.image(count)] as const;
    return {
      peer,
      run(frame) {
        const { means, textures } = own.measureCells(frame.y, band, cellSize, ...slots);
        return means.pixels[3]! + textures.pixels[3]!;
      },
    };
  };
  const copy = new Uint8Array(band.width * CELL_ROWS);
  return [
    of("wasm"),
    of("plain"),
    { peer: "opencv-js", run: (frame) => cv.measureCells(frame.y, band, cellSize, CELL_ROWS) },
    {
      peer: "copy",
      run(frame) {
        let check = 0;
        for (let y = (cellSize - CELL_ROWS) >> 1; y < band.height; y += cellSize) {
          check += copyRows(frame.y, { ...band, y, height: CELL_ROWS }, copy);
        }
        return check;
      },
    },
  ];
}

/** The network's time does not depend on what it sees: it is given the cells of three pictures again and again. */
function netSubjects(implementations: Implementations, size: Size, frames: readonly YuvFrame[]): Subject[] {
  const band = cellBand(size);
  const count = (band.width * band.height) / size.cellSize ** 2;
  const of = (peer: keyof Implementations): Subject => {
    const own = implementations[peer];
    const cellsOf = (index: number) =>
      own.measureCells(frames[index]!.y, band, size.cellSize, own.image(count), own.image(count));
    const [now, before, older] = [cellsOf(0), cellsOf(1), cellsOf(2)];
    const input = {
      mean: now.means,
      texture: now.textures,
      meanBefore: before.means,
      meanOlder: older.means,
      textureOlder: older.textures,
    };
    const net = own.cellNet(QUICK_NET, count);
    return { peer, run: () => net.run(input).values[3]! };
  };
  return [of("wasm"), of("plain")];
}

function copyRows(plane: Plane, { x, y, width, height }: Region, to: Uint8Array): number {
  const { buffer, byteOffset } = plane.data;
  for (let row = 0; row < height; row++) {
    to.set(new Uint8Array(buffer, byteOffset + (y + row) * plane.stride + x, width), row * width);
  }
  return to[9]!;
}

/** Milliseconds of each subject, by its name. */
function measure(subjects: readonly Subject[], frames: readonly YuvFrame[], repetitions: number) {
  const times = new Map(subjects.map(({ peer }) => [peer, new Float64Array(repetitions)]));
  let check = 0;
  let next = 0;
  const warmUps = Math.ceil(repetitions / 5);
  for (let repetition = -warmUps; repetition < repetitions; repetition++) {
    for (const { peer, run: runOnce } of subjects) {
      const frame = frames[next++ % frames.length]!;
      const startedAtMs = performance.now();
      check += runOnce(frame);
      const ms = performance.now() - startedAtMs;
      if (repetition >= 0) times.get(peer)![repetition] = ms;
    }
  }
  return { times, check };
}

function figuresOf(name: string, times: ReadonlyMap<string, Float64Array>, limitMs?: number): Figure[] {
  const p50 = (peer: string) => percentile(times.get(peer)!, 0.5);
  const ours = p50("wasm");
  return [...times].flatMap(([peer, values]) => {
    const figure = `${name}-p50`;
    const p99 = plainFigure(peer, `${name}-p99`, percentile(values, 0.99), "ms");
    if (peer === "wasm") {
      const plain =
        limitMs === undefined
          ? plainFigure(peer, figure, ours, "ms")
          : limitedFigure(peer, figure, ours, "ms", limitMs);
      return [times.has("copy") ? { ...plain, ratio: ours / p50("copy") } : plain, p99];
    }
    const compared = comparedFigure(peer, figure, p50(peer), "ms", p50(peer) / ours);
    const least = peer === "plain" ? 8 : peer === "opencv-js" ? 1 : undefined;
    if (least === undefined) return [compared, p99];
    return [{ ...compared, bar: `ratio >= ${least}`, pass: p50(peer) / ours >= least }, p99];
  });
}
