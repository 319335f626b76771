import type { Plane } from "@kagami/kernels";
import { expect, test } from "vitest";
import { ScreenFinder } from "./screen.ts";

const BLACK = 16;

/** Noise within a rectangle, black around it. */
function framed(width: number, height: number, barX: number, barY: number): Plane {
  const data = new Uint8Array(width * height).fill(BLACK);
  for (let y = barY; y < height - barY; y++) {
    for (let x = barX; x < width - barX; x++) data[y * width + x] = 60 + ((x * 7 + y * 13) % 150);
  }
  return { data, stride: width, width, height };
}

test.each([
  { width: 720, height: 1280, barX: 64, barY: 0, why: "a long phone in a 9:16 picture" },
  { width: 1280, height: 720, barX: 0, barY: 64, why: "the same on its side" },
  { width: 1280, height: 720, barX: 474, barY: 0, why: "a phone held upright in a wide picture" },
  { width: 360, height: 640, barX: 0, barY: 0, why: "no bars" },
])("bars of $barX and $barY in $width x $height are found at once: $why", ({ width, height, barX, barY }) => {
  const screen = new ScreenFinder().find(framed(width, height, barX, barY), 0);
  expect(screen).toEqual({ x: barX, y: barY, width: width - 2 * barX, height: height - 2 * barY });
});

test("bars that come later count when they have shown for a while", () => {
  const finder = new ScreenFinder();
  finder.find(framed(720, 1280, 0, 0), 0);
  const barred = framed(720, 1280, 64, 0);
  expect(finder.find(barred, 400_000).x).toBe(0);
  expect(finder.find(barred, 1_000_000).x).toBe(0);
  expect(finder.find(barred, 1_500_000).x).toBe(64);
});

test("as soon as something shows in the bars, they are none", () => {
  const finder = new ScreenFinder();
  expect(finder.find(framed(720, 1280, 64, 0), 0).x).toBe(64);
  expect(finder.find(framed(720, 1280, 0, 0), 33_333).x).toBe(0);
});

test("a black picture changes nothing", () => {
  const finder = new ScreenFinder();
  const screen = finder.find(framed(720, 1280, 64, 0), 0);
  for (let us = 0; us < 3_000_000; us += 100_000) expect(finder.find(framed(720, 1280, 360, 640), us)).toBe(screen);
});

test("bars that are not as wide on both sides are a dark picture", () => {
  const plane = framed(720, 1280, 0, 0);
  for (let y = 0; y < 1280; y++) plane.data.fill(BLACK, y * 720, y * 720 + 90);
  expect(new ScreenFinder().find(plane, 0).x).toBe(0);
});
