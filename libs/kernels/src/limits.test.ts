import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Plane, YuvFrame } from "./frame.ts";
import type { Kernels } from "./kernels.ts";
import { createPlainKernels } from "./plain-kernels.ts";
import { strengthFor } from "./strength.ts";
import { createWasmKernels, MIN_MEMORY_BYTES } from "./wasm-kernels.ts";

const wasmBytes = readFileSync(new URL("../dist/kernels.wasm", import.meta.url));

function plane(width: number, height: number): Plane {
  return { data: new Uint8Array(width * height), stride: width, width, height };
}

const frame: YuvFrame = { y: plane(8, 8), u: plane(4, 4), v: plane(4, 4) };
const all = { x: 0, y: 0, width: 8, height: 8 };

describe.each([
  { name: "plain", create: () => createPlainKernels() },
  { name: "wasm", create: () => createWasmKernels(wasmBytes) },
])("what is out of range is refused with a RangeError, $name", ({ create }) => {
  const kernels = create();
  const image = (width: number, height: number, own: Kernels = kernels) =>
    own.subsample(plane(width, height), { x: 0, y: 0, width, height }, 1, 1, own.image(width * height));

  test.each<{ why: string; run: () => unknown }>([
    {
      why: "a region that leaves the picture",
      run: () => kernels.obscure(frame, { ...all, x: 1 }, { cell: 2, radius: 1 }),
    },
    { why: "an empty region", run: () => kernels.obscure(frame, { ...all, width: 0 }, { cell: 2, radius: 1 }) },
    { why: "a region of fractions", run: () => kernels.obscure(frame, { ...all, width: 1.5 }, { cell: 2, radius: 1 }) },
    { why: "a cell of 0", run: () => kernels.obscure(frame, all, { cell: 0, radius: 1 }) },
    { why: "a cell of 171", run: () => kernels.obscure(frame, all, { cell: 171, radius: 1 }) },
    { why: "a radius of 64", run: () => kernels.obscure(frame, all, { cell: 2, radius: 64 }) },
    { why: "a step of 65", run: () => kernels.obscure(frame, all, { cell: 2, radius: 1, step: 65 }) },
    {
      why: "chroma planes of another size",
      run: () => kernels.obscure({ ...frame, u: plane(8, 8) }, all, { cell: 2, radius: 1 }),
    },
    {
      why: "a plane with too few bytes",
      run: () => kernels.subsample({ ...plane(8, 8), stride: 9 }, all, 1, 1, kernels.image(64)),
    },
    {
      why: "a picture wider than 4096",
      run: () => kernels.subsample(plane(4097, 1), { ...all, height: 1 }, 1, 1, kernels.image(64)),
    },
    { why: "a result that does not fit its slot", run: () => kernels.subsample(frame.y, all, 1, 1, kernels.image(63)) },
    {
      why: "a region too small for the factor",
      run: () => kernels.subsample(frame.u, { ...all, width: 4, height: 4 }, 8, 1, kernels.image(64)),
    },
    { why: "a row step over the factor", run: () => kernels.subsample(frame.y, all, 2, 4, kernels.image(64)) },
    { why: "a span beyond the picture", run: () => kernels.rowEdges(image(4, 4), 0, 5, kernels.profile(8)) },
    { why: "an empty span", run: () => kernels.columnEdges(image(4, 4), 2, 2, kernels.profile(8)) },
    { why: "a profile that does not fit", run: () => kernels.rowEdges(image(4, 4), 0, 4, kernels.profile(2)) },
    {
      why: "pictures of two sizes",
      run: () => kernels.cellDifferences(image(4, 4), image(4, 3), kernels.profile(8)),
    },
    { why: "a template that leaves the picture", run: () => kernels.templateScore(image(4, 4), image(2, 2), 3, 0) },
    {
      why: "a picture of other kernels",
      run: () => kernels.outlineContrast(image(4, 4, create()), { ...all, width: 1, height: 1 }, 0),
    },
    { why: "a slot of other kernels", run: () => kernels.rowEdges(image(4, 4), 0, 4, create().profile(8)) },
    { why: "a slot of 0", run: () => kernels.image(0) },
  ])("$why", ({ run }) => {
    expect(run).toThrow(RangeError);
  });

  test("a slot that is read while it is written", () => {
    const slot = kernels.image(64);
    const own = kernels.subsample(frame.y, all, 1, 1, slot);
    const source = { data: own.pixels, stride: 8, width: 8, height: 8 };
    expect(() => kernels.subsample(source, all, 2, 1, slot)).toThrow(RangeError);
  });
});

test("the memory is taken once, and its end is an error rather than growth", () => {
  const kernels = createWasmKernels(wasmBytes, MIN_MEMORY_BYTES);
  const first = kernels.subsample(frame.y, all, 1, 1, kernels.image(65_536));
  expect(() => kernels.image(1 << 20)).toThrow(/Give the kernels more memory/);
  expect(first.pixels.length).toBe(64);
  expect(() => createWasmKernels(wasmBytes, MIN_MEMORY_BYTES - 1)).toThrow(RangeError);
  expect(() => createWasmKernels(wasmBytes, 2 ** 31)).toThrow(RangeError);
});

test("a view of a slot is made once for a size", () => {
  const kernels = createWasmKernels(wasmBytes);
  const slot = kernels.image(64);
  expect(kernels.subsample(frame.y, all, 1, 1, slot)).toBe(kernels.subsample(frame.y, all, 1, 1, slot));
});

test.each([1, 2, 3] as const)("level %i gives strengths that the kernels take, at every size of picture", (level) => {
  const kernels = createPlainKernels();
  for (const shortSide of [1, 90, 360, 720, 1080, 1440, 4096]) {
    const strength = strengthFor(level, shortSide);
    expect(strength.cell).toBeGreaterThanOrEqual(Math.min(1440, shortSide) / 12 - 0.5);
    expect(() => kernels.obscure(frame, all, strength)).not.toThrow();
  }
});
