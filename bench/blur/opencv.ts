import { createRequire } from "node:module";
import type { Plane, Region, YuvFrame } from "@kagami/kernels";
import type cvModule from "@techstark/opencv-js";

type Cv = typeof cvModule;
type Mat = InstanceType<Cv["Mat"]>;

/** The kernels' operations by OpenCV's functions, on planes outside of its memory, with the copies that this takes. */
export interface OpenCvKernels {
  /** Mosaic by resizing down and up, then two box blurs, on each plane. */
  obscure(frame: YuvFrame, regions: readonly [luma: Region, chroma: Region], cell: number, radius: number): void;
  /** Averages of 4 by 4 and the sums of absolute differences of rows and columns. @returns A sum of the sums. */
  bandEdges(plane: Plane, region: Region): number;
  /**
   * Means of cells of `size` by `size` samples, and of what their samples change by along a row, from the middle
   * `rowCount` rows of each. @returns A sample of both.
   */
  measureCells(plane: Plane, region: Region, size: number, rowCount: number): number;
}

export async function loadOpenCv(): Promise<OpenCvKernels> {
  // Not by import: a loader that awaits the module, as Vitest does, would never come to an end (see `ready`).
  const cv: Cv = createRequire(import.meta.url)("@techstark/opencv-js");
  await ready(cv);
  const mats = new Map<string, Mat>();
  /** One for each use and size, so that nothing is allocated while it is measured. */
  const mat = (use: string, rows: number, columns: number): Mat => {
    const key = `${use} ${rows} ${columns}`;
    const found = mats.get(key) ?? new cv.Mat(rows, columns, cv.CV_8UC1);
    mats.set(key, found);
    return found;
  };
  return {
    obscure(frame, [luma, chroma], cell, radius) {
      obscurePlane(cv, mat, frame.y, luma, cell, radius);
      obscurePlane(cv, mat, frame.u, chroma, (cell + 1) >> 1, (radius + 1) >> 1);
      obscurePlane(cv, mat, frame.v, chroma, (cell + 1) >> 1, (radius + 1) >> 1);
    },
    bandEdges: (plane, region) => bandEdges(cv, mat, plane, region),
    measureCells: (plane, region, size, rowCount) => measureCells(cv, mat, plane, region, size, rowCount),
  };
}

/** The module itself is never awaited: it has a `then` that resolves to itself, without end. */
async function ready(cv: Cv): Promise<void> {
  if (cv.Mat !== undefined) return;
  await new Promise<void>((resolve) => {
    cv.onRuntimeInitialized = resolve;
  });
}

type MatOf = (use: string, rows: number, columns: number) => Mat;

function copyIn(mat: MatOf, plane: Plane, { x, y, width, height }: Region): Mat {
  const region = mat("region", height, width);
  const bytes = region.data as Uint8Array;
  for (let row = 0; row < height; row++) {
    const start = (y + row) * plane.stride + x;
    bytes.set(plane.data.subarray(start, start + width), row * width);
  }
  return region;
}

function obscurePlane(cv: Cv, mat: MatOf, plane: Plane, region: Region, cell: number, radius: number): void {
  const { x, y, width, height } = region;
  const input = copyIn(mat, plane, region);
  const columns = Math.max(1, Math.round(width / cell));
  const rows = Math.max(1, Math.round(height / cell));
  const small = mat("small", rows, columns);
  const large = mat("large", height, width);
  cv.resize(input, small, new cv.Size(columns, rows), 0, 0, cv.INTER_AREA);
  cv.resize(small, large, new cv.Size(width, height), 0, 0, cv.INTER_NEAREST);
  const size = new cv.Size(2 * radius + 1, 2 * radius + 1);
  const anchor = new cv.Point(-1, -1);
  cv.blur(large, input, size, anchor, cv.BORDER_REPLICATE);
  cv.blur(input, large, size, anchor, cv.BORDER_REPLICATE);
  const bytes = large.data as Uint8Array;
  for (let row = 0; row < height; row++) {
    plane.data.set(bytes.subarray(row * width, (row + 1) * width), (y + row) * plane.stride + x);
  }
}

function bandEdges(cv: Cv, mat: MatOf, plane: Plane, region: Region): number {
  const input = copyIn(mat, plane, region);
  const width = region.width >> 2;
  const height = region.height >> 2;
  const small = mat("band", height, width);
  cv.resize(input, small, new cv.Size(width, height), 0, 0, cv.INTER_AREA);
  const across = edges(cv, small, [0, 0, width, height - 1], [0, 1, width, height - 1], 1);
  const down = edges(cv, small, [0, 0, width - 1, height], [1, 0, width - 1, height], 0);
  return across + down;
}

/** Only the rows that count are copied in, so that what is averaged is as much as ours. */
function measureCells(cv: Cv, mat: MatOf, plane: Plane, region: Region, size: number, rowCount: number): number {
  const columns = Math.floor(region.width / size);
  const rows = Math.floor(region.height / size);
  const width = columns * size;
  const input = mat("cell rows", rows * rowCount, width);
  const bytes = input.data as Uint8Array;
  const firstRow = region.y + ((size - rowCount) >> 1);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < rowCount; i++) {
      const start = (firstRow + row * size + i) * plane.stride + region.x;
      bytes.set(plane.data.subarray(start, start + width), (row * rowCount + i) * width);
    }
  }
  const means = mat("means", rows, columns);
  const textures = mat("textures", rows, columns);
  const changes = mat("changes", rows * rowCount, width - 1);
  const each = input.roi(new cv.Rect(0, 0, width - 1, rows * rowCount));
  const next = input.roi(new cv.Rect(1, 0, width - 1, rows * rowCount));
  cv.absdiff(each, next, changes);
  each.delete();
  next.delete();
  cv.resize(input, means, new cv.Size(columns, rows), 0, 0, cv.INTER_AREA);
  cv.resize(changes, textures, new cv.Size(columns, rows), 0, 0, cv.INTER_AREA);
  return (means.data as Uint8Array)[3]! + (textures.data as Uint8Array)[3]!;
}

/** Missing in the package's types. */
const REDUCE_SUM = 0;

type Rectangle = readonly [x: number, y: number, width: number, height: number];

function edges(cv: Cv, image: Mat, from: Rectangle, to: Rectangle, dimension: 0 | 1): number {
  const a = image.roi(new cv.Rect(...(from as [number, number, number, number])));
  const b = image.roi(new cv.Rect(...(to as [number, number, number, number])));
  const differences = new cv.Mat();
  const sums = new cv.Mat();
  cv.absdiff(a, b, differences);
  cv.reduce(differences, sums, dimension, REDUCE_SUM, cv.CV_32S);
  const total = (sums.data32S as Int32Array).reduce((sum, value) => sum + value, 0);
  for (const each of [a, b, differences, sums]) each.delete();
  return total;
}
