import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { H264Encoder } from "./encoder.ts";
import { levelIdc } from "./parameter-sets.ts";
import { createPicture, toI420 } from "./picture.ts";
import { drawTestPicture, TEST_SCENES, type TestScene } from "./test-pictures.ts";

interface Coded {
  readonly annexB: Buffer;
  readonly reconstruction: Buffer;
  readonly keyIndexes: number[];
}

const START_CODE = Buffer.from([0, 0, 0, 1]);

function encode(scene: TestScene, width: number, height: number, count: number, fixedQp: number, gopLength = 6): Coded {
  const encoder = new H264Encoder({ width, height, fps: 30, bitrateKbps: 1200, gopLength, fixedQp });
  const annexB: Uint8Array[] = [START_CODE, encoder.sps, START_CODE, encoder.pps];
  const reconstruction: Uint8Array[] = [];
  const keyIndexes: number[] = [];
  for (let index = 0; index < count; index++) {
    const picture = drawTestPicture(scene, width, height, index);
    const { data, isKey } = encoder.encode(picture, Int16Array.from(scene.vectors));
    expect(new DataView(data.buffer).getUint32(data.byteOffset)).toBe(data.length - 4);
    annexB.push(START_CODE, data.subarray(4));
    reconstruction.push(toI420(encoder.reconstruction));
    if (isKey) keyIndexes.push(index);
  }
  return { annexB: Buffer.concat(annexB), reconstruction: Buffer.concat(reconstruction), keyIndexes };
}

function decode(annexB: Buffer): { pixels: Buffer; messages: string } {
  const args = [
    "-v",
    "warning",
    "-threads",
    "1",
    "-f",
    "h264",
    "-i",
    "pipe:0",
    "-f",
    "rawvideo",
    "-pix_fmt",
    "yuv420p",
    "pipe:1",
  ];
  const run = spawnSync("ffmpeg", args, { input: annexB, maxBuffer: 1 << 30 });
  if (run.error) throw new Error("Cannot run ffmpeg, which checks the encoder: install it", { cause: run.error });
  return { pixels: run.stdout, messages: run.stderr.toString() };
}

/** Where two buffers first differ, or -1: a diff of megabytes helps nobody. */
function firstDifference(a: Buffer, b: Buffer): number {
  if (a.equals(b)) return -1;
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return i;
  return Math.min(a.length, b.length);
}

describe("a foreign decoder sees exactly the encoder's reconstruction", () => {
  const cases = TEST_SCENES.flatMap((scene) => [
    { scene, width: 176, height: 144, count: 14, qp: 28, why: "whole macroblocks" },
    { scene, width: 90, height: 62, count: 9, qp: 20, why: "cropped on both sides" },
    { scene, width: 90, height: 130, count: 8, qp: 10, why: "the finest QP has the longest levels" },
    { scene, width: 96, height: 130, count: 8, qp: 51, why: "the coarsest QP" },
    { scene, width: 16, height: 48, count: 8, qp: 35, why: "one macroblock wide" },
  ]);
  test.each(cases)("$scene.name at $width x $height, QP $qp: $why", ({ scene, width, height, count, qp }) => {
    const coded = encode(scene, width, height, count, qp);
    const { pixels, messages } = decode(coded.annexB);
    expect(messages).toBe("");
    expect(pixels.length).toBe(coded.reconstruction.length);
    expect(firstDifference(pixels, coded.reconstruction)).toBe(-1);
  });

  test.each([
    [360, 640],
    [720, 1280],
    [480, 854],
  ])("two moving layers at %i x %i", (width, height) => {
    const coded = encode(TEST_SCENES[3] as TestScene, width, height, 4, 27, 30);
    const { pixels, messages } = decode(coded.annexB);
    expect(messages).toBe("");
    expect(firstDifference(pixels, coded.reconstruction)).toBe(-1);
  });
});

test("a scroll costs far less when its vector is known", () => {
  const scene = TEST_SCENES[1] as TestScene;
  const bytesWith = (vectors: readonly number[]) => {
    const encoder = new H264Encoder({ width: 320, height: 320, fps: 30, bitrateKbps: 1200, fixedQp: 26 });
    encoder.encode(drawTestPicture(scene, 320, 320, 0));
    return encoder.encode(drawTestPicture(scene, 320, 320, 1), Int16Array.from(vectors)).data.length;
  };
  expect(bytesWith(scene.vectors)).toBeLessThan(bytesWith([]) / 3);
});

test("a still picture is skipped whole", () => {
  const encoder = new H264Encoder({ width: 64, height: 64, fps: 30, bitrateKbps: 500 });
  encoder.encode(drawTestPicture(TEST_SCENES[0] as TestScene, 64, 64, 0));
  const { data, isKey } = encoder.encode(drawTestPicture(TEST_SCENES[0] as TestScene, 64, 64, 1));
  expect(isKey).toBe(false);
  expect(encoder.counts).toEqual({ skipped: 16, moved: 0, coded: 0, intra: 0 });
  expect(data.length).toBeLessThan(12);
});

test("the first picture and then every gopLength-th is a key frame", () => {
  expect(encode(TEST_SCENES[0] as TestScene, 32, 32, 14, 30, 6).keyIndexes).toEqual([0, 6, 12]);
});

test("the rate control holds its target within 15 % once it knows the content", () => {
  const scene = TEST_SCENES[3] as TestScene;
  const encoder = new H264Encoder({ width: 192, height: 208, fps: 30, bitrateKbps: 600, gopLength: 30 });
  let bitCount = 0;
  for (let index = 0; index < 210; index++) {
    const bits = encoder.encode(drawTestPicture(scene, 192, 208, index)).data.length * 8;
    // The content is known after a few GOPs.
    if (index >= 90) bitCount += bits;
  }
  expect(bitCount / 4 / 1000).toBeGreaterThan(510);
  expect(bitCount / 4 / 1000).toBeLessThan(690);
});

test.each([
  { width: 360, height: 640, fps: 30, idc: 30, why: "27600 macroblocks a second, 920 a picture" },
  { width: 720, height: 1280, fps: 30, idc: 31, why: "exactly at the limit of level 3.1" },
  { width: 720, height: 1280, fps: 60, idc: 32, why: "twice the rate" },
  { width: 1080, height: 1920, fps: 30, idc: 40, why: "8160 macroblocks a picture" },
])("$width x $height at $fps is level $idc: $why", ({ idc, ...shape }) => {
  expect(levelIdc(shape)).toBe(idc);
});

test.each([
  { change: { width: 91 }, why: /both sides must be even/ },
  { change: { height: 8 }, why: /from 16 to 4096/ },
  { change: { fps: 29.97 }, why: /whole number from 1 to 120/ },
  { change: { fixedQp: 5 }, why: /give 10 to 51/ },
  { change: { bitrateKbps: 1 }, why: /give 50 to 100000/ },
])("options $change are refused", ({ change, why }) => {
  expect(() => new H264Encoder({ width: 64, height: 64, fps: 30, bitrateKbps: 500, ...change })).toThrow(why);
});

test("a picture of another size is refused", () => {
  const encoder = new H264Encoder({ width: 64, height: 64, fps: 30, bitrateKbps: 500 });
  expect(() => encoder.encode(createPicture(64, 32))).toThrow(/the stream is 64x64/);
});
