import { expect, test } from "vitest";
import { loadCodec } from "./load-codec.ts";
import { type DecodedPicture, FramePool, PictureDecoder } from "./picture-decoder.ts";
import { encodeFilterClip, requestsOf } from "./testing/clip.ts";

test("nobody can read a picture's planes once it was released, or once its memory moved", async () => {
  const clip = await encodeFilterClip({ size: "320x180", pictureCount: 3 });
  const codec = await loadCodec();
  const pool = new FramePool(codec);
  const pictures: DecodedPicture[] = [];
  const decoder = new PictureDecoder(codec, pool, "h264", recordOf(clip));
  for (const request of requestsOf(clip)) {
    if (request.kind === "picture") decoder.decode(request.data, request.sequence, request.isKey, pictures);
  }
  const [first, second] = pictures as [DecodedPicture, DecodedPicture];

  const { view } = first;
  expect(view.y.data.length).toBeGreaterThanOrEqual(320 * 180);
  first.release();
  expect([view.y, view.u, view.v].map(({ data }) => data.length)).toEqual([0, 0, 0]);

  const shared = second.view;
  const sample = sampleOf(shared);
  second.makeWritable();
  expect(shared.y.data.length).toBe(0);
  expect(sampleOf(second.view)).toBe(sample);
  for (const picture of pictures.slice(1)) picture.release();
  decoder.close();
  pool.close();
});

test("without the loop filter key frames are as they were, others nearly, and all again from the key frame after", async () => {
  const clip = await encodeFilterClip({ size: "320x180", pictureCount: 30, encoderArgs: ["-b:v", "200k"] });
  const codec = await loadCodec();
  const pool = new FramePool(codec);
  const [full, thrifty] = [1, 2].map(() => new PictureDecoder(codec, pool, "h264", recordOf(clip)));
  const differences: number[] = [];
  for (const request of requestsOf(clip)) {
    if (request.kind !== "picture" || full === undefined || thrifty === undefined) continue;
    thrifty.isThrifty = request.sequence < 20;
    const pictures: DecodedPicture[] = [];
    for (const decoder of [full, thrifty]) decoder.decode(request.data, request.sequence, request.isKey, pictures);
    expect(pictures.map(({ sequence }) => sequence)).toEqual([request.sequence, request.sequence]);
    differences.push(differenceOf(pictures as [DecodedPicture, DecodedPicture]));
    for (const picture of pictures) picture.release();
  }
  expect(differences[0]).toBe(0);
  expect(differences[10]).toBe(0);
  expect(Math.min(...differences.slice(1, 10), ...differences.slice(11, 20))).toBeGreaterThan(0);
  expect(Math.max(...differences)).toBeLessThan(4);
  expect(differences.slice(20)).toEqual(Array.from({ length: 10 }, () => 0));
  full?.close();
  thrifty?.close();
  pool.close();
});

/** Mean difference of two pictures' luma. */
function differenceOf([a, b]: readonly [DecodedPicture, DecodedPicture]): number {
  const [left, right] = [a.view.y, b.view.y];
  let sum = 0;
  for (let y = 0; y < left.height; y++) {
    for (let x = 0; x < left.width; x++) {
      sum += Math.abs((left.data[y * left.stride + x] ?? 0) - (right.data[y * right.stride + x] ?? 0));
    }
  }
  return sum / left.width / left.height;
}

/** The stride is another in memory of its own. */
function sampleOf({ y }: DecodedPicture["view"]): number | undefined {
  return y.data[90 * y.stride + 160];
}

function recordOf(clip: Awaited<ReturnType<typeof encodeFilterClip>>): Uint8Array {
  const config = requestsOf(clip).find((request) => request.kind === "config");
  if (config === undefined) throw new Error("The clip has no configuration");
  return config.record;
}
