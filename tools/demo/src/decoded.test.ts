import { spawnSync } from "node:child_process";
import { buildFlvConfig, buildFlvFileHeader, buildFlvFrame, buildFlvTag } from "@kagami/media";
import { expect, test } from "vitest";
import { createDemoBroadcast, type DemoBroadcastOptions } from "./broadcast.ts";
import { readFrameCounter } from "./scene/frame-counter.ts";
import { BEEP_SECONDS } from "./scene/sound.ts";

/** The broadcast as an FLV file. */
function flv(options: DemoBroadcastOptions, seconds: number): Buffer {
  const broadcast = createDemoBroadcast(options);
  const parts = [buildFlvFileHeader(true, true), buildFlvTag(9, 0, buildFlvConfig(broadcast.video))];
  if (broadcast.audio !== undefined) parts.push(buildFlvTag(8, 0, buildFlvConfig(broadcast.audio)));
  for (const sample of broadcast) {
    if (sample.dtsUs >= seconds * 1_000_000) break;
    const isVideo = sample.kind === "video";
    const body = buildFlvFrame(isVideo ? "h264" : "aac", sample);
    parts.push(buildFlvTag(isVideo ? 9 : 8, Math.round(sample.dtsUs / 1000), body));
  }
  return Buffer.concat(parts);
}

function ffmpeg(input: Buffer, args: readonly string[]): Buffer {
  const run = spawnSync("ffmpeg", ["-v", "warning", "-i", "pipe:0", ...args, "pipe:1"], { input, maxBuffer: 1 << 30 });
  if (run.error) throw new Error("Cannot run ffmpeg, which checks the broadcast: install it", { cause: run.error });
  expect(run.stderr.toString()).toBe("");
  return run.stdout;
}

test.each([
  { width: 360, height: 640, shownWidth: 360, shownHeight: 640, why: "the smallest usual size" },
  { width: 480, height: 854, shownWidth: 480, shownHeight: 854, why: "a height that is no whole macroblocks" },
  { width: 720, height: 1280, shownWidth: 360, shownHeight: 640, why: "shown at half its size" },
])(
  "the counter can be read after 0.5 Mbit/s at $width x $height: $why",
  ({ width, height, shownWidth, shownHeight }) => {
    const file = flv({ width, height, bitrateKbps: 500, counter: true, audio: false }, 0.5);
    const scale = `scale=${shownWidth}:${shownHeight}`;
    const rgba = ffmpeg(file, ["-vf", scale, "-f", "rawvideo", "-pix_fmt", "rgba"]);
    const size = shownWidth * shownHeight * 4;
    expect(rgba.length).toBe(15 * size);
    for (let index = 0; index < 15; index++) {
      const data = rgba.subarray(index * size, (index + 1) * size);
      expect(readFrameCounter({ data, width: shownWidth, height: shownHeight, format: "rgba" })).toBe(index);
    }
  },
);

test("a picture without a counter is not misread", () => {
  const rgba = ffmpeg(flv({ width: 360, height: 640, audio: false }, 0.2), ["-f", "rawvideo", "-pix_fmt", "rgba"]);
  expect(
    readFrameCounter({ data: rgba.subarray(0, 360 * 640 * 4), width: 360, height: 640, format: "rgba" }),
  ).toBeUndefined();
});

test("the beep starts at the whole second, to the millisecond", () => {
  const options = { width: 192, height: 320, audio: { beepOnly: true, channelCount: 1 } } as const;
  const pcm = ffmpeg(flv(options, 3.5), ["-vn", "-f", "f32le", "-ac", "1"]);
  const sound = new Float32Array(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.length));
  const loudAt = (index: number) => Math.abs(sound[index] ?? 0) > 0.1;
  for (const second of [1, 2, 3]) {
    const start = second * 48_000;
    let first = start - 9600;
    while (first < start + 9600 && !loudAt(first)) first++;
    expect(Math.abs(first - start) / 48).toBeLessThan(1);
    let last = start + 9600;
    while (!loudAt(last)) last--;
    expect((last - start) / 48_000).toBeCloseTo(BEEP_SECONDS, 2);
  }
});

test("the music is neither silent nor clipped", () => {
  const pcm = ffmpeg(flv({ width: 192, height: 320 }, 4), ["-vn", "-f", "f32le"]);
  const sound = new Float32Array(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.length));
  const rmsDb = 10 * Math.log10(sound.reduce((sum, v) => sum + v * v, 0) / sound.length);
  expect(rmsDb).toBeGreaterThan(-26);
  expect(rmsDb).toBeLessThan(-14);
  expect(sound.reduce((peak, v) => Math.max(peak, Math.abs(v)), 0)).toBeLessThan(1);
});
