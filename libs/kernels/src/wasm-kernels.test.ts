import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Plane, Region, YuvFrame } from "./frame.ts";
import type { GrayImage, Kernels, ObscureStrength } from "./kernels.ts";
import { createPlainKernels } from "./plain-kernels.ts";
import { createWasmKernels } from "./wasm-kernels.ts";

const wasm = createWasmKernels(readFileSync(new URL("../dist/kernels.wasm", import.meta.url)));
const plain = createPlainKernels();
const MAX_SAMPLES = 320 * 320;

/** Slots of one implementation, made once: they are never given back. */
function slotsOf(kernels: Kernels) {
  return {
    kernels,
    image: kernels.image(MAX_SAMPLES),
    other: kernels.image(MAX_SAMPLES),
    profile: kernels.profile(38 * 38),
  };
}
const both = [slotsOf(plain), slotsOf(wasm)] as const;

/** Samples of one seed; every fourth plane is black and white only, to reach the largest sums. */
function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = seed % 4 === 0 ? (state >>> 31) * 255 : state >>> 24;
  }
  return bytes;
}

function noisePlane(width: number, height: number, gap: number, seed: number): Plane {
  const stride = width + gap;
  return { data: noise(stride * (height - 1) + width, seed), stride, width, height };
}

function noiseFrame(width: number, height: number, gap: number, seed: number): YuvFrame {
  const [halfWidth, halfHeight] = [(width + 1) >> 1, (height + 1) >> 1];
  return {
    y: noisePlane(width, height, gap, seed),
    u: noisePlane(halfWidth, halfHeight, gap, seed + 1),
    v: noisePlane(halfWidth, halfHeight, gap, seed + 2),
  };
}

function copyOf(frame: YuvFrame): YuvFrame {
  const copy = (plane: Plane): Plane => ({ ...plane, data: plane.data.slice() });
  return { y: copy(frame.y), u: copy(frame.u), v: copy(frame.v) };
}

function whole(plane: { width: number; height: number }): Region {
  return { x: 0, y: 0, width: plane.width, height: plane.height };
}

const side = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 300 }));
const gap = fc.constantFrom(0, 0, 1, 7, 16, 200);
const seed = fc.nat(1_000_000);
/** Two positions along a side, as shares, so that they shrink apart from it. */
const share = fc.double({ min: 0, max: 1, noNaN: true });

function span(length: number, a: number, b: number): [number, number] {
  const start = Math.min(length - 1, Math.floor(Math.min(a, b) * length));
  return [start, Math.max(start + 1, Math.ceil(Math.max(a, b) * length))];
}

function regionOf(width: number, height: number, shares: readonly number[]): Region {
  const [left, right] = span(width, shares[0]!, shares[1]!);
  const [top, bottom] = span(height, shares[2]!, shares[3]!);
  return { x: left, y: top, width: right - left, height: bottom - top };
}
const shares = fc.tuple(share, share, share, share);

/** Runs one thing with both and expects one result. */
function expectAgreement<T>(run: (slots: (typeof both)[number]) => T): void {
  expect(run(both[1])).toEqual(run(both[0]));
}

function load({ kernels, image }: (typeof both)[number], plane: Plane): GrayImage {
  return kernels.subsample(plane, whole(plane), 1, 1, image);
}

/** The region, or as little more of the plane as makes both of its sides `least` long. */
function atLeast(least: number, region: Region, plane: Plane): Region {
  const width = Math.max(region.width, least);
  const height = Math.max(region.height, least);
  return { x: Math.min(region.x, plane.width - width), y: Math.min(region.y, plane.height - height), width, height };
}

describe("WebAssembly and plain TypeScript agree in every sample", () => {
  test.each([
    [1, 1],
    [2, 1],
    [2, 2],
    [4, 1],
    [4, 2],
    [4, 4],
    [8, 1],
    [8, 2],
    [8, 4],
  ] as const)("subsampling by %i with row step %i", (factor, rowStep) => {
    fc.assert(
      fc.property(side, side, gap, seed, shares, (wide, tall, rowGap, planeSeed, at) => {
        const width = Math.max(wide, factor);
        const height = Math.max(tall, factor);
        const plane = noisePlane(width, height, rowGap, planeSeed);
        const region = atLeast(factor, regionOf(width, height, at), plane);
        expectAgreement(({ kernels, image }) => [...kernels.subsample(plane, region, factor, rowStep, image).pixels]);
      }),
    );
  });

  test("means and textures of cells", () => {
    fc.assert(
      fc.property(
        side,
        side,
        gap,
        seed,
        shares,
        fc.integer({ min: 1, max: 64 }),
        (wide, tall, rowGap, planeSeed, at, size) => {
          const [width, height] = [Math.max(wide, size), Math.max(tall, size)];
          const plane = noisePlane(width, height, rowGap, planeSeed);
          const region = atLeast(size, regionOf(width, height, at), plane);
          expectAgreement(({ kernels, image, other }) => {
            const { means, textures } = kernels.measureCells(plane, region, size, image, other);
            return [means.width, means.height, ...means.pixels, ...textures.pixels];
          });
        },
      ),
    );
  });

  test("subsampling a gray picture that lies in the kernels' memory", () => {
    fc.assert(
      fc.property(side, side, seed, fc.constantFrom(1, 2, 4, 8), (wide, tall, planeSeed, factor) => {
        const width = Math.max(wide, factor);
        const height = Math.max(tall, factor);
        const plane = noisePlane(width, height, 0, planeSeed);
        expectAgreement((slots) => {
          const image = load(slots, plane);
          const source = { data: image.pixels, stride: width, width, height };
          return [...slots.kernels.subsample(source, whole(source), factor as 8, 1, slots.other).pixels];
        });
      }),
    );
  });

  test.each(["rowSteps", "rowEdges", "columnSteps", "columnEdges"] as const)("%s", (name) => {
    fc.assert(
      fc.property(side, side, gap, seed, share, share, (width, height, rowGap, planeSeed, a, b) => {
        const plane = noisePlane(width, height, rowGap, planeSeed);
        const [start, end] = span(name.startsWith("row") ? width : height, a, b);
        expectAgreement((slots) => [...slots.kernels[name](load(slots, plane), start, end, slots.profile).sums]);
      }),
    );
  });

  test("columns of more rows than 16 bits can add up", () => {
    const plane: Plane = { data: new Uint8Array(17 * 4096), stride: 17, width: 17, height: 4096 };
    for (let i = 0; i < plane.data.length; i++) plane.data[i] = i % 17 === 3 ? 255 : 0;
    expectAgreement((slots) => [...slots.kernels.columnSteps(load(slots, plane), 0, 4096, slots.profile).sums]);
    expectAgreement((slots) => [...slots.kernels.columnEdges(load(slots, plane), 0, 4096, slots.profile).sums]);
  });

  test("differences of squares", () => {
    fc.assert(
      fc.property(side, side, seed, (width, height, planeSeed) => {
        const plane = noisePlane(width, height, 0, planeSeed);
        const before = noisePlane(width, height, 0, planeSeed + 1);
        expectAgreement(({ kernels, image, other, profile }) => {
          const a = kernels.subsample(plane, whole(plane), 1, 1, image);
          const b = kernels.subsample(before, whole(before), 1, 1, other);
          return [...kernels.cellDifferences(a, b, profile).sums];
        });
      }),
    );
  });

  test("contrast of outlines", () => {
    fc.assert(
      fc.property(side, side, seed, shares, fc.nat(40), (width, height, planeSeed, at, radius) => {
        const plane = noisePlane(width, height, 0, planeSeed);
        const region = regionOf(width, height, at);
        expectAgreement((slots) => slots.kernels.outlineContrast(load(slots, plane), region, radius));
      }),
    );
  });

  test("template scores, to the last bit", () => {
    fc.assert(
      fc.property(side, side, seed, shares, fc.nat(3), (width, height, planeSeed, at, wobble) => {
        const plane = noisePlane(width, height, 0, planeSeed);
        const region = regionOf(width, height, at);
        const cut = noisePlane(region.width, region.height, 0, planeSeed + 1);
        for (let y = 0; y < region.height; y++) {
          for (let x = 0; x < region.width; x++) {
            const sample = plane.data[(region.y + y) * width + region.x + x]!;
            cut.data[y * region.width + x] = Math.min(255, sample + (cut.data[y * region.width + x]! & wobble));
          }
        }
        expectAgreement((slots) => {
          const template = slots.kernels.subsample(cut, whole(cut), 1, 1, slots.other);
          return slots.kernels.templateScore(load(slots, plane), template, region.x, region.y);
        });
      }),
    );
  });

  test("obscuring", () => {
    const cell = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 170 }));
    const step = fc.constantFrom(1, 2, 7, 16, 32, 64);
    const radius = fc.oneof(fc.nat(4), fc.nat(63));
    fc.assert(
      fc.property(
        side,
        side,
        gap,
        seed,
        shares,
        cell,
        step,
        radius,
        (width, height, rowGap, frameSeed, at, c, s, r) => {
          const frame = noiseFrame(width, height, rowGap, frameSeed);
          const region = regionOf(width, height, at);
          expectAgreement(({ kernels }) => {
            const work = copyOf(frame);
            kernels.obscure(work, region, { cell: c, step: s, radius: r });
            // One string: arrays of as many numbers take seconds to compare.
            return Buffer.concat([work.y.data, work.u.data, work.v.data]).toString("latin1");
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    { width: 4096, height: 40, gap: 0 },
    { width: 40, height: 4096, gap: 3 },
    { width: 4096, height: 4096, gap: 904 },
  ])("obscuring a picture of $width x $height, the largest sides", ({ width, height, gap: rowGap }) => {
    const strength: ObscureStrength = { cell: 170, radius: 63 };
    const frame = noiseFrame(width, height, rowGap, 4);
    const ours = copyOf(frame);
    wasm.obscure(ours, whole(frame.y), strength);
    plain.obscure(frame, whole(frame.y), strength);
    expect(Buffer.compare(ours.y.data, frame.y.data)).toBe(0);
    expect(Buffer.compare(ours.u.data, frame.u.data)).toBe(0);
  });
});

describe.each([
  { name: "plain", kernels: plain },
  { name: "wasm", kernels: wasm },
])("obscuring stays within its region, $name", ({ kernels }) => {
  const strengths = fc.record({
    cell: fc.integer({ min: 1, max: 40 }),
    step: fc.constantFrom(1, 16),
    radius: fc.nat(20),
  });

  test("what is outside is not written, padding included, and does not change what is inside", () => {
    fc.assert(
      fc.property(side, side, gap, seed, shares, strengths, (width, height, rowGap, frameSeed, at, strength) => {
        const region = regionOf(width, height, at);
        const first = noiseFrame(width, height, rowGap, frameSeed);
        const second = noiseFrame(width, height, rowGap, frameSeed + 3);
        const planes = ["y", "u", "v"] as const;
        for (const name of planes) overwriteInside(second[name], first[name], insideOf(region, name));
        const before = copyOf(second);
        kernels.obscure(first, region, strength);
        kernels.obscure(second, region, strength);
        for (const name of planes) {
          const isInside = insideOf(region, name);
          expect(
            second[name].data.every((value, i) => {
              const inside = isInside(i % second[name].stride, Math.floor(i / second[name].stride));
              return value === (inside ? first : before)[name].data[i];
            }),
          ).toBe(true);
        }
      }),
    );
  });
});

/** Chroma samples are inside if any of the four luma samples that they color is. */
function insideOf(region: Region, name: "y" | "u" | "v"): (x: number, y: number) => boolean {
  const { x: left, y: top } = region;
  const [right, bottom] = [left + region.width, top + region.height];
  if (name === "y") return (x, y) => x >= left && x < right && y >= top && y < bottom;
  return (x, y) => 2 * x + 1 >= left && 2 * x < right && 2 * y + 1 >= top && 2 * y < bottom;
}

function overwriteInside(plane: Plane, from: Plane, isInside: (x: number, y: number) => boolean): void {
  for (let y = 0; y < plane.height; y++) {
    for (let x = 0; x < plane.width; x++) {
      if (isInside(x, y)) plane.data[y * plane.stride + x] = from.data[y * plane.stride + x]!;
    }
  }
}

test("bytes between rows change no result of subsampling", () => {
  fc.assert(
    fc.property(side, side, seed, fc.constantFrom(1, 2, 4, 8), (across, down, planeSeed, factor) => {
      const width = Math.max(across, factor);
      const height = Math.max(down, factor);
      const tight = noisePlane(width, height, 0, planeSeed);
      const wide = noisePlane(width, height, 24, planeSeed + 7);
      overwriteInside({ ...wide }, { ...tight, data: spread(tight, wide.stride) }, () => true);
      const [a, b] = [tight, wide].map((plane) => [
        ...wasm.subsample(plane, whole(plane), factor as 8, 1, both[1].image).pixels,
      ]);
      expect(a).toEqual(b);
    }),
  );
});

function spread(plane: Plane, stride: number): Uint8Array {
  const data = new Uint8Array(stride * plane.height);
  for (let y = 0; y < plane.height; y++) {
    data.set(plane.data.subarray(y * plane.stride, y * plane.stride + plane.width), y * stride);
  }
  return data;
}
