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

/** The stride is another in memory of its own. */
function sampleOf({ y }: DecodedPicture["view"]): number | undefined {
  return y.data[90 * y.stride + 160];
}

function recordOf(clip: Awaited<ReturnType<typeof encodeFilterClip>>): Uint8Array {
  const config = requestsOf(clip).find((request) => request.kind === "config");
  if (config === undefined) throw new Error("The clip has no configuration");
  return config.record;
}
