import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GrayImage, ImageSlot, Kernels } from "./kernels.ts";
import type { BlockData, LayerData, NetData } from "./net-data.ts";
import { createPlainKernels } from "./plain-kernels.ts";
import { createWasmKernels } from "./wasm-kernels.ts";

const wasmBytes = readFileSync(new URL("../dist/kernels.wasm", import.meta.url));
const MAX_CELLS = 1 << 14;

function randomOf(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A network of random numbers, a little more positive than negative, so that something is left at its end. */
function randomNet(seed: number, coarseChannels: number, middleCount: number): NetData {
  const random = randomOf(seed);
  const layer = (outputs: number, inputs: number, size: number, shift: number): LayerData => ({
    weights: Array.from({ length: outputs * inputs }, () => Math.round((random() - 0.45) * size)),
    bias: Array.from({ length: outputs }, () => Math.round((random() - 0.5) * 40_000)),
    shift,
  });
  const block = (inputs: number, outputs: number): BlockData => ({
    depthwise: layer(inputs, 9, 900, 9),
    pointwise: layer(outputs, inputs, 900, 9),
  });
  return {
    stemChannels: 8,
    fineChannels: 16,
    coarseChannels,
    outputs: 5,
    stem: layer(8, 54, 3_000, 7),
    first: block(8, 16),
    down: block(16, coarseChannels),
    middle: Array.from({ length: middleCount }, () => block(coarseChannels, coarseChannels)),
    up: layer(16, coarseChannels, 900, 9),
    last: block(16, 16),
    head: layer(5, 16, 900, 8),
  };
}

/** A picture of random samples, in a slot of its own unless one is given. */
function picture(kernels: Kernels, width: number, height: number, seed: number, slot?: ImageSlot): GrayImage {
  const random = randomOf(seed);
  const plane = {
    data: Uint8Array.from({ length: width * height }, () => random() * 256),
    stride: width,
    width,
    height,
  };
  return kernels.subsample(plane, { x: 0, y: 0, width, height }, 1, 1, slot ?? kernels.image(width * height));
}

/** Cells of random pictures through one implementation: the outputs of a few runs, copied. */
function outputsOf(kernels: Kernels, data: NetData, sizes: readonly (readonly [number, number])[], seed: number) {
  const net = kernels.cellNet(data, MAX_CELLS);
  const slots = Array.from({ length: 6 }, () => kernels.image(MAX_CELLS));
  const random = randomOf(seed);
  return sizes.map(([columns, rows]) => {
    const size = Math.max(columns, rows) > 1000 ? 1 : 3;
    const region = { x: 0, y: 0, width: size * columns, height: size * rows };
    const pictures = [0, 2, 4].map((i) => {
      const bytes = Uint8Array.from({ length: region.width * region.height }, () => random() * 256);
      const plane = { data: bytes, stride: region.width, width: region.width, height: region.height };
      return kernels.measureCells(plane, region, size, slots[i]!, slots[i + 1]!);
    });
    const [now, before, older] = pictures;
    const { values, step, pitch, width, height } = net.run({
      mean: now!.means,
      texture: now!.textures,
      meanBefore: before!.means,
      meanOlder: older!.means,
      textureOlder: older!.textures,
    });
    return { step, pitch, width, height, values: [...values] };
  });
}

test("the network says the same on WebAssembly and on plain kernels, on grids of any shape one after the other", () => {
  const side = fc.integer({ min: 1, max: 70 });
  fc.assert(
    fc.property(
      fc.nat(100_000),
      fc.constantFrom(8, 16, 24),
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.tuple(side, side), { minLength: 1, maxLength: 3 }),
      (seed, channels, middleCount, sizes) => {
        const data = randomNet(seed, channels, middleCount);
        const wasm = outputsOf(createWasmKernels(wasmBytes), data, sizes, seed);
        expect(wasm).toEqual(outputsOf(createPlainKernels(), data, sizes, seed));
      },
    ),
    { numRuns: 25 },
  );
});

test("a network has room for grids of every shape, the longest and narrowest included", () => {
  const sizes = [
    [4096, 4],
    [4, 4096],
    [128, 128],
    [4096, 1],
    [1, 4096],
    [127, 129],
    [1, 1],
  ] as const;
  const data = randomNet(3, 24, 3);
  const wasm = outputsOf(createWasmKernels(wasmBytes), data, sizes, 3);
  const plain = outputsOf(createPlainKernels(), data, sizes, 3);
  for (const [i, { values, ...shape }] of wasm.entries()) {
    const { values: expected, ...expectedShape } = plain[i]!;
    expect(shape).toEqual(expectedShape);
    expect(values.every((value, at) => value === expected[at])).toBe(true);
  }
});

test("a grid with a side of more than 4096 cells is refused, though its cells are not too many", () => {
  const kernels = createPlainKernels();
  const net = kernels.cellNet(randomNet(1, 8, 1), MAX_CELLS);
  const { pixels } = picture(kernels, 4096, 4, 1);
  const long: GrayImage = { width: 1, height: 16_384, pixels };
  const input = { mean: long, texture: long, meanBefore: long, meanOlder: long, textureOlder: long };
  expect(() => net.run(input)).toThrow(/1 x 16384 cells: .*sides to 4096/);
});

describe.each([
  { name: "plain", create: () => createPlainKernels() },
  { name: "wasm", create: () => createWasmKernels(wasmBytes) },
])("the memory around a network, $name", ({ create }) => {
  test("is not written by grids of odd shapes, and a second run says the same", () => {
    const kernels = create();
    const slots = Array.from({ length: 5 }, () => kernels.image(4096));
    const front = picture(kernels, 64, 64, 8);
    const net = kernels.cellNet(randomNet(5, 24, 3), 4096);
    const behind = picture(kernels, 64, 64, 9);
    const side = fc.integer({ min: 1, max: 64 });
    fc.assert(
      fc.property(side, side, fc.nat(1000), (columns, rows, seed) => {
        const [mean, texture, meanBefore, meanOlder, textureOlder] = slots.map((slot, i) =>
          picture(kernels, columns, rows, seed + i, slot),
        ) as [GrayImage, GrayImage, GrayImage, GrayImage, GrayImage];
        const memory = Buffer.from(behind.pixels.buffer);
        const before = Buffer.from(memory);
        const { values } = net.run({ mean, texture, meanBefore, meanOlder, textureOlder });
        const firstByte = front.pixels.byteOffset + front.pixels.length;
        const end = values.byteOffset + values.byteLength;
        expect(end).toBeLessThanOrEqual(behind.pixels.byteOffset);
        expect(memory.compare(before, 0, firstByte, 0, firstByte)).toBe(0);
        expect(memory.compare(before, end, before.length, end, memory.length)).toBe(0);
        const first = Int16Array.from(values);
        net.run({ mean, texture, meanBefore, meanOlder, textureOlder });
        expect(values).toEqual(first);
      }),
      { numRuns: 25 },
    );
  });
});

test("what the network says depends on what it is given", () => {
  const data = randomNet(7, 16, 2);
  const [first] = outputsOf(createPlainKernels(), data, [[60, 54]], 1);
  const [second] = outputsOf(createPlainKernels(), data, [[60, 54]], 2);
  expect(first).toMatchObject({ width: 30, height: 27, step: 8 });
  expect(new Set(first?.values).size).toBeGreaterThan(100);
  expect(second?.values).not.toEqual(first?.values);
});

test.each([
  { change: { stemChannels: 12 }, message: /12 channels: use a multiple of 8/ },
  { change: { outputs: 6 }, message: /layer "head": it needs 96 weights and 6 biases, 80 and 5 given/ },
  { change: { middle: randomNet(1, 16, 4).middle }, message: /4 blocks in the middle: use 3 at most/ },
  {
    change: { up: { weights: Array<number>(256).fill(32_767), bias: Array<number>(16).fill(0), shift: 0 } },
    message: /layer "up": sums of output 0 could leave 32 bits/,
  },
  {
    change: { up: { weights: Array<number>(256).fill(0.5), bias: Array<number>(16).fill(0), shift: 0 } },
    message: /layer "up": 0\.5 is no weight of 16 bits/,
  },
  {
    change: { up: { weights: Array<number>(256).fill(1), bias: Array<number>(16).fill(0.5), shift: 0 } },
    message: /layer "up": 0\.5 is no whole number/,
  },
  {
    change: { outputs: 0, head: { weights: [], bias: [], shift: 0 } },
    message: /0 outputs: use 1 to 256/,
  },
])("a network whose numbers do not belong together is refused: $message", ({ change, message }) => {
  expect(() => createPlainKernels().cellNet({ ...randomNet(1, 16, 2), ...change }, 100)).toThrow(message);
});

test("pictures of different sizes and too many cells are refused", () => {
  const kernels = createPlainKernels();
  const net = kernels.cellNet(randomNet(1, 8, 1), 50);
  const plane = { data: new Uint8Array(100 * 100), stride: 100, width: 100, height: 100 };
  const measure = (width: number) => {
    const [means, textures] = [kernels.image(200), kernels.image(200)];
    return kernels.measureCells(plane, { x: 0, y: 0, width, height: 100 }, 10, means, textures);
  };
  const inputOf = ({ means, textures }: ReturnType<typeof measure>) => ({
    mean: means,
    texture: textures,
    meanBefore: means,
    meanOlder: means,
    textureOlder: textures,
  });
  expect(() => net.run(inputOf(measure(100)))).toThrow(/10 x 10 cells: there is room for 50/);
  const mixed = { ...inputOf(measure(50)), meanOlder: measure(40).means };
  expect(() => net.run(mixed)).toThrow(/pictures of 4 x 10 and 5 x 10/);
});
