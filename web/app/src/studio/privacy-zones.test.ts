import fc from "fast-check";
import { expect, test } from "vitest";
import type { Zone } from "../api/types.ts";
import {
  CORNERS,
  describeZone,
  isWorthDrawing,
  moveZone,
  nextZone,
  resizeZone,
  withPercent,
  ZONE_LIMIT,
  zoneBetween,
} from "./privacy-zones.ts";

const zone: Zone = { x: 0.1, y: 0.2, width: 0.3, height: 0.1 };

test.each([
  { step: [0.05, -0.05], moved: { x: 0.15, y: 0.15 }, why: "it goes where it is pushed" },
  { step: [-0.5, -0.5], moved: { x: 0, y: 0 }, why: "it stops at the left upper corner" },
  { step: [5, 5], moved: { x: 0.7, y: 0.9 }, why: "it stops at the right lower corner and keeps its size" },
])("a zone is moved by $step: $why", ({ step: [dx = 0, dy = 0], moved }) => {
  expect(moveZone(zone, dx, dy)).toEqual({ ...zone, ...moved });
});

test.each([
  { corner: "se", step: [0.1, 0.1], sized: { x: 0.1, y: 0.2, width: 0.4, height: 0.2 } },
  { corner: "nw", step: [0.1, 0.05], sized: { x: 0.2, y: 0.25, width: 0.2, height: 0.05 } },
  { corner: "ne", step: [-0.9, -0.9], sized: { x: 0.1, y: 0, width: 0.02, height: 0.3 } },
  { corner: "sw", step: [0.9, 0.9], sized: { x: 0.38, y: 0.2, width: 0.02, height: 0.8 } },
] as const)("pulling $corner by $step leaves the opposite corner in its place", ({ corner, step, sized }) => {
  expect(resizeZone(zone, corner, step[0], step[1])).toEqual(sized);
});

test.each([
  { side: "x", percent: 95, typed: { x: 0.7 }, why: "the width is kept" },
  { side: "width", percent: 95, typed: { width: 0.9 }, why: "the edge of the picture is the limit" },
  { side: "height", percent: 12.34, typed: { height: 0.123 }, why: "a tenth of a percent is the finest" },
  { side: "width", percent: 0, typed: { width: 0.02 }, why: "a zone must stay large enough to be held" },
  { side: "y", percent: Number.NaN, typed: {}, why: "an empty field changes nothing" },
] as const)("$side typed as $percent: $why", ({ side, percent, typed }) => {
  expect(withPercent(zone, side, percent)).toEqual({ ...zone, ...typed });
});

test("a zone is drawn from any corner to the opposite one, and not by a slip of the hand", () => {
  const drawn = { x: 0.2, y: 0.1, width: 0.5, height: 0.2 };
  expect(zoneBetween({ x: 0.7, y: 0.1 }, { x: 0.2, y: 0.3 })).toEqual(drawn);
  expect(zoneBetween({ x: 0.2, y: 0.3 }, { x: 0.7, y: 0.1 })).toEqual(drawn);
  expect(isWorthDrawing({ x: 0.5, y: 0.5 }, { x: 0.51, y: 0.7 })).toBe(false);
  expect(isWorthDrawing({ x: 0.5, y: 0.5 }, { x: 0.4, y: 0.45 })).toBe(true);
});

test("zones that are added without drawing begin at the top and follow below one another", () => {
  const zones: Zone[] = [];
  for (let i = 0; i < ZONE_LIMIT; i++) zones.push(nextZone(zones));
  expect(zones.map((one) => one.y)).toEqual([0.02, 0.14, 0.26, 0.38, 0.5, 0.62, 0.74, 0.86]);
});

test("a zone is read out as its left upper corner and its size", () => {
  expect(describeZone({ x: 0.1, y: 0.205, width: 0.3, height: 0.1 })).toBe(
    "left 10 %, top 20.5 %, 30 % wide, 10 % high",
  );
});

/** What a server accepts without a tolerance of its own: the sums must not pass 1 by a rounding error either. */
function isWithinPicture({ x, y, width, height }: Zone): boolean {
  return x >= 0 && y >= 0 && width >= 0.02 && height >= 0.02 && x + width <= 1 && y + height <= 1;
}

test("whatever is done to a zone, it lies within the picture", () => {
  const number = fc.double({ min: -3, max: 3, noNaN: true });
  const anyZone = fc.record({ x: number, y: number, width: number, height: number });
  fc.assert(
    fc.property(anyZone, fc.constantFrom(...CORNERS), number, number, (given, corner, dx, dy) => {
      expect(isWithinPicture(moveZone(given, dx, dy))).toBe(true);
      expect(isWithinPicture(resizeZone(given, corner, dx, dy))).toBe(true);
      expect(isWithinPicture(withPercent(given, "x", dx * 100))).toBe(true);
      expect(isWithinPicture(withPercent(given, "height", dy * 100))).toBe(true);
      expect(isWithinPicture(zoneBetween({ x: given.x, y: given.y }, { x: dx, y: dy }))).toBe(true);
    }),
  );
});

test("no place on the grid makes a zone that ends beyond the picture by a rounding error", () => {
  const beyond: Zone[] = [];
  for (let at = 0; at <= 980; at++) {
    const touching = zoneBetween({ x: at / 1000, y: at / 1000 }, { x: 1, y: 1 });
    if (!isWithinPicture(touching)) beyond.push(touching);
  }
  expect(beyond).toEqual([]);
});
