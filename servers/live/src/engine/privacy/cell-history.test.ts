import type { NetInput } from "@kagami/kernels";
import { expect, test } from "vitest";
import { isStill } from "./cell-history.ts";

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
