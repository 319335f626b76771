import { createPlainKernels, type ImageSlot, type NetInput } from "@kagami/kernels";
import { describe, expect, test } from "vitest";
import { CellHistory, isStill } from "./cell-history.ts";

const [WIDTH, HEIGHT] = [20, 10];
const BOX = { left: 4.4, top: 2.2, right: 15.7, bottom: 8.1 };

/** Two pictures of which the second differs by so much in the given cells. */
function pictures(cells: readonly (readonly [x: number, y: number])[], by: number): NetInput {
  const gray = () => ({ pixels: new Uint8Array(WIDTH * HEIGHT).fill(90), width: WIDTH, height: HEIGHT });
  const mean = gray();
  for (const [x, y] of cells) mean.pixels[y * WIDTH + x] = 90 + by;
  return { mean, texture: gray(), meanBefore: gray(), meanOlder: gray(), textureOlder: gray() };
}

const row = (y: number, from: number, to: number): [number, number][] =>
  Array.from({ length: to - from }, (_, i) => [from + i, y]);

test.each([
  { why: "nothing changes", cells: [], by: 0, still: true },
  { why: "all changes by coding noise alone", cells: row(4, 0, WIDTH), by: 2, still: true },
  { why: "a few cells change, such as a clock", cells: row(4, 8, 11), by: 60, still: true },
  { why: "a row of it changes", cells: row(4, 5, 15), by: 3, still: false },
  {
    why: "all around it changes, its border cells included",
    cells: [...row(2, 0, WIDTH), ...row(8, 0, WIDTH)],
    by: 99,
    still: true,
  },
])("a box is still or not: $why", ({ cells, by, still }) => {
  expect(isStill(pictures(cells, by), BOX)).toBe(still);
});

test.each([
  { box: { left: -30, top: -5, right: 90, bottom: 70 }, why: "larger than the picture" },
  { box: { left: 40, top: 30, right: 60, bottom: 50 }, why: "outside" },
])("a box that is $why is looked at as far as there are cells", ({ box }) => {
  expect(isStill(pictures([], 0), box)).toBe(true);
});

test("a picture in which nothing is different is given only if it is awaited", () => {
  const kernels = createPlainKernels();
  const history = new CellHistory(kernels);
  const plane = { data: new Uint8Array(400).fill(90), stride: 20, width: 20, height: 20 };
  const all = { x: 0, y: 0, width: 20, height: 20 };
  const measure = (means: ImageSlot, textures: ImageSlot) => kernels.measureCells(plane, all, 2, means, textures);
  expect(history.take(measure, 0, false, false)).toBeDefined();
  expect(history.take(measure, 33_333, false, false)).toBeUndefined();
  const awaited = history.take(measure, 66_666, false, true);
  expect(awaited?.mean.pixels).toEqual(awaited?.meanBefore.pixels);
});

describe("what was there before is known", () => {
  const kernels = createPlainKernels();
  const all = { x: 0, y: 0, width: 40, height: 40 };
  const history = new CellHistory(kernels);

  /** Shows pictures for so long, each drawn by what `luma` says of a sample; says whether the past was known at each. */
  function show(fromMs: number, toMs: number, luma: (i: number, timeMs: number) => number): boolean[] {
    const said: boolean[] = [];
    for (let timeMs = fromMs; timeMs < toMs; timeMs += 40) {
      const plane = {
        data: Uint8Array.from({ length: 1600 }, (_, i) => luma(i, timeMs)),
        stride: 40,
        width: 40,
        height: 40,
      };
      const measure = (means: ImageSlot, textures: ImageSlot) => kernels.measureCells(plane, all, 2, means, textures);
      history.take(measure, timeMs * 1_000, false, false);
      said.push(history.isSettledAt(timeMs * 1_000));
    }
    return said;
  }

  const game = (i: number, timeMs: number): number => ((i % 40 < 10 ? timeMs : 0) + i) % 200;
  const other = (i: number, timeMs: number): number => ((i % 40 < 10 ? timeMs : 0) + 7 * i + 90) % 200;
  const flicker = (i: number, timeMs: number): number => (i * 13 + timeMs * 29) % 256;

  test("some time after the start, and again some time after a cut, but not while everything flickers", () => {
    history.clear();
    const first = show(0, 1_000, game);
    expect([first[0], first.at(-1)]).toEqual([false, true]);
    const second = show(1_000, 2_000, other);
    expect(second.map((known, i) => known === i * 40 >= 400)).not.toContain(false);
    const third = show(2_000, 3_000, flicker);
    expect(third.map((known, i) => known === i * 40 >= 400)).not.toContain(false);
  });
});
