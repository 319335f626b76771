import type { GrayImage, NetInput } from "@kagami/kernels";
import { expect, test } from "vitest";
import { isScrolled } from "./scene-motion.ts";

const WIDTH = 60;
const HEIGHT = 54;
const BOX = { left: 2, top: 4, right: 58, bottom: 18 };

/** A page of lines, each of another gray, so many rows further up. */
const pageCell = (x: number, y: number): number => ((x * 31 + y * 57 + ((x * y) % 7) * 40) * 13) % 200;

function picture(cell: (x: number, y: number) => number): GrayImage {
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => cell(i % WIDTH, Math.floor(i / WIDTH)));
  return { pixels, width: WIDTH, height: HEIGHT };
}

function input(now: (x: number, y: number) => number, older: (x: number, y: number) => number): NetInput {
  const [mean, meanOlder] = [picture(now), picture(older)];
  return { mean, texture: mean, meanBefore: mean, meanOlder, textureOlder: meanOlder };
}

const isInBox = (x: number, y: number): boolean => x >= BOX.left && x < BOX.right && y >= BOX.top && y < BOX.bottom;
const cardCell = (x: number, y: number): number => (y % 5 === 0 && x > 12 ? 20 + ((x * 37) % 60) : 240);

test.each([
  { why: "a page that went up", rows: 9, carries: true, scrolled: true },
  { why: "a page that came down", rows: -7, carries: true, scrolled: true },
  { why: "a card that came over a page that went up", rows: 9, carries: false, scrolled: false },
  { why: "a page that stands still", rows: 0, carries: true, scrolled: false },
  { why: "a page that went farther than is looked for", rows: 45, carries: true, scrolled: false },
])("what is in a box was scrolled there, or not: $why", ({ rows, carries, scrolled }) => {
  const now = (x: number, y: number): number => (!carries && isInBox(x, y) ? cardCell(x, y) : pageCell(x, y + 100));
  expect(
    isScrolled(
      input(now, (x, y) => pageCell(x, y + 100 - rows)),
      BOX,
    ),
  ).toBe(scrolled);
});

test("a card that moves while nothing else does is not scrolled", () => {
  const now = (x: number, y: number): number => (isInBox(x, y) ? cardCell(x, y) : pageCell(x, y));
  const older = (x: number, y: number): number => (isInBox(x, y + 6) ? cardCell(x, y + 6) : pageCell(x, y));
  expect(isScrolled(input(now, older), BOX)).toBe(false);
});

test("a box that reaches to the lowest rows leaves nothing to compare with", () => {
  const scrolled = input(
    (x, y) => pageCell(x, y + 9),
    (x, y) => pageCell(x, y),
  );
  expect(isScrolled(scrolled, { ...BOX, bottom: HEIGHT - 6 })).toBe(false);
});
