import fc from "fast-check";
import { expect, test } from "vitest";
import type { Plane, YuvFrame } from "./frame.ts";
import type { GrayImage, Kernels } from "./kernels.ts";
import { createPlainKernels } from "./plain-kernels.ts";

function plane(width: number, height: number, samples: readonly number[]): Plane {
  return { data: Uint8Array.from(samples), stride: width, width, height };
}

function gray(kernels: Kernels, width: number, height: number, samples: readonly number[]): GrayImage {
  const region = { x: 0, y: 0, width, height };
  return kernels.subsample(plane(width, height, samples), region, 1, 1, kernels.image(width * height));
}

test.each([
  { factor: 1, rowStep: 1, expected: [10, 20, 30, 40, 1, 2, 3, 4], why: "1 copies" },
  { factor: 2, rowStep: 1, expected: [8, 19], why: "33 / 4 is rounded down, 77 / 4 to the nearest" },
  { factor: 2, rowStep: 2, expected: [15, 35], why: "the second row is not looked at" },
] as const)("subsampling by $factor with row step $rowStep: $why", ({ factor, rowStep, expected }) => {
  const kernels = createPlainKernels();
  const source = plane(4, 2, [10, 20, 30, 40, 1, 2, 3, 4]);
  const image = kernels.subsample(source, { x: 0, y: 0, width: 4, height: 2 }, factor, rowStep, kernels.image(8));
  expect([...image.pixels]).toEqual(expected);
});

test("profiles of a small picture are the sums that their comments give", () => {
  const kernels = createPlainKernels();
  const image = gray(kernels, 3, 3, [1, 2, 4, 5, 5, 5, 9, 0, 1]);
  const slot = () => kernels.profile(8);
  expect([...kernels.rowSteps(image, 0, 3, slot()).sums]).toEqual([8, -5]);
  expect([...kernels.rowEdges(image, 0, 3, slot()).sums]).toEqual([8, 13]);
  expect([...kernels.columnSteps(image, 0, 3, slot()).sums]).toEqual([-8, 3]);
  expect([...kernels.columnEdges(image, 1, 3, slot()).sums]).toEqual([9, 1]);
});

test("differences of squares cover the whole picture, cut squares at its edges included", () => {
  const kernels = createPlainKernels();
  const before = gray(kernels, 9, 1, [0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const after = gray(kernels, 9, 1, [1, 0, 0, 0, 0, 0, 0, 2, 5]);
  expect([...kernels.cellDifferences(after, before, kernels.profile(2)).sums]).toEqual([3, 5]);
});

test("the contrast of an outline is taken side by side, without corners and picture edges", () => {
  const kernels = createPlainKernels();
  const image = gray(kernels, 4, 4, [9, 9, 9, 9, 200, 100, 100, 80, 90, 100, 100, 60, 100, 100, 100, 40]);
  const outline = kernels.outlineContrast(image, { x: 1, y: 1, width: 2, height: 3 }, 0);
  expect(outline).toEqual({ top: 91, bottom: 0, left: (100 + 10 + 0) / 3, right: (20 + 40 + 60) / 3 });
  expect(kernels.outlineContrast(image, { x: 1, y: 1, width: 2, height: 3 }, 1)).toEqual({
    top: 0,
    bottom: 0,
    left: 10,
    right: 40,
  });
});

test("a template matches itself with 1, its negative with -1, and nothing flat", () => {
  const kernels = createPlainKernels();
  const image = gray(kernels, 4, 2, [10, 20, 30, 10, 7, 7, 7, 7]);
  expect(kernels.templateScore(image, gray(kernels, 3, 1, [1, 2, 3]), 0, 0)).toBeCloseTo(1, 12);
  expect(kernels.templateScore(image, gray(kernels, 3, 1, [3, 2, 1]), 0, 0)).toBeCloseTo(-1, 12);
  expect(kernels.templateScore(image, gray(kernels, 3, 1, [1, 2, 3]), 0, 1)).toBe(0);
});

function frame(width: number, height: number, fill: number): YuvFrame {
  const make = (w: number, h: number): Plane => ({
    data: new Uint8Array(w * h).fill(fill),
    stride: w,
    width: w,
    height: h,
  });
  const [halfWidth, halfHeight] = [(width + 1) >> 1, (height + 1) >> 1];
  return { y: make(width, height), u: make(halfWidth, halfHeight), v: make(halfWidth, halfHeight) };
}

test("a mosaic averages its squares from the region's corner, and joins a thin rest to the last", () => {
  const picture = frame(6, 1, 0);
  picture.y.data.set([99, 1, 2, 5, 8, 4]);
  createPlainKernels().obscure(picture, { x: 1, y: 0, width: 5, height: 1 }, { cell: 2, radius: 0 });
  expect([...picture.y.data]).toEqual([99, 2, 2, 7, 7, 4]);
  createPlainKernels().obscure(picture, { x: 1, y: 0, width: 5, height: 1 }, { cell: 4, radius: 0 });
  expect([...picture.y.data]).toEqual([99, 4, 4, 4, 4, 4]);
});

test("a box blur spreads a line over five samples, evenly at the region's edge", () => {
  const picture = frame(7, 1, 0);
  picture.y.data[3] = 90;
  createPlainKernels().obscure(picture, { x: 0, y: 0, width: 7, height: 1 }, { cell: 1, radius: 1 });
  expect([...picture.y.data]).toEqual([0, 10, 20, 30, 20, 10, 0]);
});

test("a flat region stays as it is at every strength", () => {
  fc.assert(
    fc.property(fc.nat(255), fc.integer({ min: 1, max: 128 }), fc.nat(63), (fill, cell, radius) => {
      const picture = frame(9, 5, fill);
      createPlainKernels().obscure(picture, { x: 1, y: 1, width: 8, height: 4 }, { cell, radius });
      expect([...new Set([...picture.y.data, ...picture.u.data])]).toEqual([fill]);
    }),
  );
});

test("the color of every hidden sample is hidden, at odd corners too", () => {
  const picture = frame(8, 8, 0);
  for (let i = 0; i < 16; i++) picture.u.data[i] = i * 16;
  const before = picture.u.data.slice();
  createPlainKernels().obscure(picture, { x: 3, y: 3, width: 2, height: 2 }, { cell: 128, radius: 0 });
  const changed = [...before.keys()].filter((i) => before[i] !== picture.u.data[i]);
  expect(changed).toEqual([5, 6, 9, 10]);
});

test("a cell's mean and texture come from four rows in its middle; what is left over is dropped", () => {
  const kernels = createPlainKernels();
  const rows = [
    [255, 255, 255, 255, 255, 255, 0],
    [10, 20, 10, 20, 10, 20, 0],
    [10, 20, 10, 20, 10, 20, 0],
    [10, 20, 10, 20, 10, 20, 0],
    [10, 20, 10, 20, 10, 20, 0],
    [255, 255, 255, 255, 255, 255, 0],
    [0, 0, 0, 0, 0, 0, 0],
  ];
  const source = plane(7, 7, rows.flat());
  const slots = [kernels.image(4), kernels.image(4)] as const;
  const { means, textures } = kernels.measureCells(source, { x: 0, y: 0, width: 7, height: 7 }, 6, ...slots);
  expect([means.width, means.height, ...means.pixels]).toEqual([1, 1, 15]);
  // Five steps of 10 in each row, the one to the seventh column not among them, by 4.
  expect([...textures.pixels]).toEqual([12]);
});

test("cells of 1 to 64 samples are measured, others refused, and never into one slot", () => {
  const kernels = createPlainKernels();
  const source = plane(4, 2, [10, 20, 30, 40, 1, 2, 3, 4]);
  const region = { x: 0, y: 0, width: 4, height: 2 };
  const [means, textures] = [kernels.image(8), kernels.image(8)];
  expect([...kernels.measureCells(source, region, 1, means, textures).means.pixels]).toEqual([...source.data]);
  for (const size of [0, 1.5, 3, 65]) {
    expect(() => kernels.measureCells(source, region, size, means, textures)).toThrow(/Cannot measure cells of/);
  }
  expect(() => kernels.measureCells(source, region, 2, means, means)).toThrow(/one slot/);
});
