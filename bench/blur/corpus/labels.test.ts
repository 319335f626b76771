import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readablePart } from "./labels.ts";
import { poseAt } from "./motion.ts";
import { planClips } from "./plan.ts";
import { decodePng } from "./png.ts";
import { SMALL_BANNER } from "./small-clip.ts";

const line = { x: 100, y: 50, width: 300, height: 32, fontPx: 28, contrast: 180 };
const screen = { x: 0, y: 0, width: 720, height: 1280 };

test.each([
  { is: true, why: "all of it is there", line, opacity: 1, covers: [] },
  { is: false, why: "its letters are too small", line: { ...line, fontPx: 8 }, opacity: 1, covers: [] },
  { is: false, why: "it is nearly transparent", line, opacity: 0.15, covers: [] },
  { is: false, why: "it is above the screen", line: { ...line, y: -40 }, opacity: 1, covers: [] },
  {
    is: false,
    why: "only the lower half of the letters has come in",
    line: { ...line, y: -16 },
    opacity: 1,
    covers: [],
  },
  { is: true, why: "most of the letters have come in", line: { ...line, y: -12 }, opacity: 1, covers: [] },
  { is: false, why: "a card lies over it", line, opacity: 1, covers: [{ x: 90, y: 40, width: 400, height: 60 }] },
  {
    is: true,
    why: "a card lies over its right half",
    line,
    opacity: 1,
    covers: [{ x: 250, y: 40, width: 400, height: 60 }],
  },
  { is: false, why: "a card leaves one letter", line, opacity: 1, covers: [{ x: 130, y: 40, width: 400, height: 60 }] },
])("a line can be read is $is: $why", ({ is, line: given, opacity, covers }) => {
  expect(readablePart(given, screen, opacity, covers) !== undefined).toBe(is);
});

test("a card comes from outside the screen, rests where it belongs and goes again", () => {
  const rest = { x: 10, y: 10, width: 160, height: 60 };
  const at = (sec: number) => poseAt(SMALL_BANNER, sec, rest, { x: 0, y: 0, width: 180, height: 320 }, 8);
  expect(at(-0.01)).toBeUndefined();
  expect(at(0)?.dy).toBe(-78);
  for (const sec of [0.41, 0.6, 0.89]) expect(at(sec)).toMatchObject({ dx: 0, dy: 0, opacity: 1 });
  expect(Math.abs(at(0.399)?.dy ?? 99)).toBeLessThan(1);
  expect(at(1.19)?.dy).toBeLessThan(-70);
  expect(at(1.2)).toBeUndefined();
});

test("a plan is the same for the same seed, and its beginning for more minutes", () => {
  expect(planClips("train", 3, 1)).toEqual(planClips("train", 3, 2).slice(0, 3));
  expect(planClips("train", 3, 1)).not.toEqual(planClips("train", 4, 1));
  expect(planClips("train", 3, 1)).not.toEqual(planClips("test", 3, 1));
});

test("negatives have other cards but no banner, the other sets have both", () => {
  const kinds = (set: "train" | "test" | "negatives") =>
    new Set(planClips(set, 1, 3).flatMap(({ events }) => events.map(({ kind }) => kind)));
  expect(kinds("negatives").has("banner")).toBe(false);
  expect(kinds("negatives").has("distractor")).toBe(true);
  for (const set of ["train", "test"] as const) expect(kinds(set)).toContain("banner");
});

test("the test set has styles and backgrounds that the training set has not", () => {
  const of = (set: "train" | "test") => {
    const clips = planClips(set, 1, 20);
    return new Set(
      clips.flatMap(({ events, scenes }) => [...events.map(({ style }) => style), ...scenes.map(({ name }) => name)]),
    );
  };
  const train = of("train");
  const unseen = [...of("test")].filter((name) => !train.has(name));
  expect(unseen).toEqual(
    expect.arrayContaining(["vivo-light", "huawei-dark", "ios-26-tinted", "words", "video-unseen"]),
  );
});

/** A PNG of 8 bits RGBA whose row y has filter `filters[y]`. */
function encodePng(rgba: Uint8Array, width: number, filters: readonly number[]): Uint8Array {
  const rows = filters.map((filter, y) => {
    const row = new Uint8Array(width * 4 + 1);
    row[0] = filter;
    for (let i = 0; i < width * 4; i++) {
      const at = (dx: number, dy: number) => (i - dx < 0 || y - dy < 0 ? 0 : rgba[(y - dy) * width * 4 + i - dx]!);
      const [left, up, corner] = [at(4, 0), at(0, 1), i < 4 ? 0 : at(4, 1)];
      const distances = [left, up, corner].map((value) => Math.abs(left + up - corner - value));
      const paeth = [left, up, corner][distances.indexOf(Math.min(...distances))]!;
      row[i + 1] = rgba[y * width * 4 + i]! - [0, left, up, (left + up) >> 1, paeth][filter]!;
    }
    return row;
  });
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(filters.length, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(Buffer.concat(rows)))]);
}

test("a PNG gives back its pixels, whatever filter each row has", () => {
  const filters = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(filters, fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.nat(255)), (rows, width, bytes) => {
      const rgba = Uint8Array.from({ length: rows.length * width * 4 }, () => bytes.next().value);
      expect(decodePng(encodePng(rgba, width, rows))).toEqual({ width, height: rows.length, rgba });
    }),
  );
});
