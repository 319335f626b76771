import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { BlockData, LayerData, NetData } from "./cell-net.ts";
import type { Kernels } from "./kernels.ts";
import { createPlainKernels } from "./plain-kernels.ts";
import { createWasmKernels } from "./wasm-kernels.ts";

const wasmBytes = readFileSync(new URL("../dist/kernels.wasm", import.meta.url));
const MAX_CELLS = 1 << 13;

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

/** Cells of random pictures through one implementation: the outputs of a few runs, copied. */
function outputsOf(kernels: Kernels, data: NetData, sizes: readonly (readonly [number, number])[], seed: number) {
  const net = kernels.cellNet(data, MAX_CELLS);
  const slots = Array.from({ length: 6 }, () => kernels.image(MAX_CELLS));
  const random = randomOf(seed);
  return sizes.map(([columns, rows]) => {
    const region = { x: 0, y: 0, width: 3 * columns, height: 3 * rows };
    const pictures = [0, 2, 4].map((i) => {
      const bytes = Uint8Array.from({ length: region.width * region.height }, () => random() * 256);
      const plane = { data: bytes, stride: region.width, width: region.width, height: region.height };
      return kernels.measureCells(plane, region, 3, slots[i]!, slots[i + 1]!);
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
