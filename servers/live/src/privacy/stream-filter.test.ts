import { createPlainKernels, type Plane, type Region, strengthFor } from "@kagami/kernels";
import { runTool } from "@kagami/testkit";
import { expect, test } from "vitest";
import type { FilterReply, FilterSettings } from "../protocol/privacy/messages.ts";
import { loadCodec } from "./load-codec.ts";
import { type FilterTools, StreamFilter } from "./stream-filter.ts";
import {
  decodeMp4,
  encodeFilterClip,
  type FilterClip,
  fixtureFilterClip,
  type RawPicture,
  requestsOf,
  viewOf,
} from "./testing/clip.ts";
import { createScriptedDetector, type ScriptedBanner } from "./testing/scripted-detector.ts";

const codec = await loadCodec();
const kernels = createPlainKernels();
const REGION: Region = { x: 16, y: 8, width: 288, height: 48 };
const SETTINGS: FilterSettings = { mode: "selective", style: "any", strength: 1, zones: [], startsCovered: false };

function createTools(banners: readonly ScriptedBanner[]): FilterTools {
  return {
    codec,
    kernels,
    createDetector: ({ startsCovered }) => createScriptedDetector(banners, { startsCovered, coverUs: 500_000 }),
    nowMs: () => performance.now(),
    work: { decodedCount: 0, encodedCount: 0, decodeMs: 0, detectMs: 0, obscureMs: 0, encodeMs: 0 },
  };
}

/** The whole clip through one stream, to its end. */
function filter(
  clip: FilterClip,
  banners: readonly ScriptedBanner[] = [],
  settings: Partial<FilterSettings> = {},
): FilterReply[] {
  const replies: FilterReply[] = [];
  const stream = new StreamFilter(createTools(banners), 1, { ...SETTINGS, ...settings }, (reply) =>
    replies.push(reply),
  );
  for (const request of requestsOf(clip)) stream.handle(request);
  stream.finish();
  stream.close();
  return replies;
}

/** A banner that shows from one picture to another, in the order of presentation, the last not included. */
function banner(clip: FilterClip, from: number, to: number, reachesBack = false): ScriptedBanner {
  const times = clip.samples.map(({ ptsUs }) => ptsUs).sort((a, b) => a - b);
  const at = (index: number): number => times[index] ?? Number.MAX_SAFE_INTEGER;
  return { fromUs: at(from), toUs: at(to), region: REGION, reachesBack };
}

/** Each answer in a letter: p passed, r replaced, R replaced by a key frame, d dropped. */
function letters(replies: readonly FilterReply[]): string {
  return replies
    .map((reply) => {
      if (reply.kind === "replace") return reply.isKey ? "R" : "r";
      return reply.kind === "pass" ? "p" : reply.kind === "drop" ? "d" : "";
    })
    .join("");
}

test("nothing shows: every picture passes but the last, which nobody can judge", async () => {
  const replies = filter(await encodeFilterClip());
  expect(letters(replies)).toBe(`${"p".repeat(29)}d`);
  expect(replies[0]?.kind).toBe("config");
});

test("a banner is replaced from its first picture on, and the publisher comes back at its next key frame", async () => {
  const clip = await encodeFilterClip();
  const replies = filter(clip, [banner(clip, 13, 15)]);
  expect(letters(replies)).toBe(`${"p".repeat(13)}Rrrrrrr${"p".repeat(9)}d`);
});

test.each([
  { bFrames: 0, why: "no B-pictures" },
  { bFrames: 2, why: "B-pictures" },
])("what is hidden cannot be seen by a viewer, and all else looks the same: $why", async ({ bFrames }) => {
  const clip = await encodeFilterClip({ bFrames });
  const viewed = viewOf(clip, filter(clip, [banner(clip, 13, 15, true)]));
  const [before, after] = await Promise.all([
    decodeMp4(sourceMp4(clip), clip.config),
    decodeMp4(viewed.mp4, viewed.config),
  ]);
  expect(after.length).toBe(viewed.samples.length);
  const { width, height } = clip.config;
  const everything = { x: 0, y: 0, width, height };
  for (const [i, picture] of after.entries()) {
    const source = before[i] as RawPicture;
    const expected = i >= 12 && i < 15 ? obscured(source, width, height) : source;
    expect(differenceOf(picture, expected, width, everything), `picture ${i}`).toBeLessThan(3);
    if (expected === source) continue;
    expect(differenceOf(picture, expected, width, REGION), `picture ${i}`).toBeLessThan(4);
    expect(differenceOf(picture, source, width, REGION), `picture ${i}`).toBeGreaterThan(20);
    // Edges between neighbours are what text consists of.
    expect(detailOf(picture, width, REGION) / detailOf(source, width, REGION)).toBeLessThan(0.5);
  }
});

test("always: every picture is ours, and looks like the publisher's", async () => {
  const clip = await encodeFilterClip({ bFrames: 2 });
  const replies = filter(clip, [], { mode: "always" });
  expect(letters(replies)).toBe(`${"Rrrrrrrrrr".repeat(3).slice(0, 29)}d`);
  const viewed = viewOf(clip, replies);
  const [before, after] = await Promise.all([
    decodeMp4(sourceMp4(clip), clip.config),
    decodeMp4(viewed.mp4, viewed.config),
  ]);
  const { width, height } = clip.config;
  expect(after.length).toBe(29);
  for (const [i, picture] of after.entries()) {
    expect(differenceOf(picture, before[i] as RawPicture, width, { x: 0, y: 0, width, height })).toBeLessThan(3);
  }
});

test("a cut within a group looks as good as the pictures around it", async () => {
  const scene = (seed: number): string =>
    `life=s=320x180:r=30:ratio=0.3:mold=200:seed=${seed},gblur=sigma=3,trim=end_frame=15`;
  const source = `${scene(1)}[a];${scene(2)},negate[b];[a][b]concat`;
  const clip = await encodeFilterClip({ source, gop: 30, encoderArgs: ["-b:v", "400k"] });
  const viewed = viewOf(clip, filter(clip, [], { mode: "always" }));
  const [before, after] = await Promise.all([
    decodeMp4(sourceMp4(clip), clip.config),
    decodeMp4(viewed.mp4, viewed.config),
  ]);
  const { width, height } = clip.config;
  const differences = after.map((picture, i) =>
    differenceOf(picture, before[i] as RawPicture, width, { x: 0, y: 0, width, height }),
  );
  expect(differenceOf(before[14] as RawPicture, before[15] as RawPicture, width, REGION)).toBeGreaterThan(20);
  const sorted = [...differences].sort((a, b) => a - b);
  expect(differences[15]).toBeLessThan(1.5 * (sorted[14] as number));
});

test("a stream that needs another quantizer keeps its configuration, and decodes", async () => {
  // Noise is where a small encoder needs far more than a good one.
  const clip = await encodeFilterClip({
    source: "life=s=320x180:r=30:mold=10:seed=3,noise=alls=40:allf=t",
    pictureCount: 60,
    encoderArgs: ["-b:v", "1200k", "-maxrate", "1200k", "-bufsize", "400k"],
  });
  const replies = filter(clip, [], { mode: "always" });
  expect(replies.filter(({ kind }) => kind === "config").length).toBe(1);
  const viewed = viewOf(clip, replies);
  expect((await decodeMp4(viewed.mp4, viewed.config)).length).toBe(59);
  const bytesOf = (samples: FilterClip["samples"]): number => samples.reduce((sum, { data }) => sum + data.length, 0);
  const [first, last] = [viewed.samples.slice(0, 20), viewed.samples.slice(-20)];
  expect(bytesOf(last)).toBeLessThan(0.8 * bytesOf(first));
});

test.each([
  { codec: "h265", bFrames: 0 },
  { codec: "h265", bFrames: 3 },
  { codec: "vp9", bFrames: 0 },
  { codec: "av1", bFrames: 0 },
] as const)("$codec with $bFrames B-pictures becomes H.264, though nothing shows", async ({ codec: name, bFrames }) => {
  const clip = await (name === "av1" ? fixtureFilterClip("av1.mp4") : encodeFilterClip({ codec: name, bFrames }));
  const replies = filter(clip);
  expect(letters(replies)).toMatch(/^R[rR]+d$/);
  const viewed = viewOf(clip, replies);
  expect(viewed.config.codec).toBe("h264");
  expect(await decodeMp4(viewed.mp4, viewed.config)).toHaveLength(clip.samples.length - 1);
});

test("ten bits become eight, and are ours alone", async () => {
  const clip = await encodeFilterClip({ pictureCount: 12, encoderArgs: ["-pix_fmt", "yuv420p10le"] });
  const replies = filter(clip);
  expect(letters(replies)).toBe("RrrrrrrrrrRd");
  const viewed = viewOf(clip, replies);
  expect(await decodeMp4(viewed.mp4, viewed.config)).toHaveLength(11);
});

test("another size is another configuration, answered before the first picture of it", async () => {
  const [small, large] = await Promise.all([encodeFilterClip(), encodeFilterClip({ size: "400x224" })]);
  const replies: FilterReply[] = [];
  const stream = new StreamFilter(createTools([]), 1, SETTINGS, (reply) => replies.push(reply));
  for (const request of requestsOf(small)) stream.handle(request);
  for (const request of requestsOf(large, 1, 30)) stream.handle(request);
  stream.finish();
  stream.close();
  expect(letters(replies)).toBe(`${"p".repeat(29)}d${"p".repeat(29)}d`);
  const configs = replies.flatMap((reply, i) => (reply.kind === "config" ? [i] : []));
  const firstLarge = replies.findIndex((reply) => reply.kind === "pass" && reply.sequence === 30);
  expect(configs).toHaveLength(2);
  expect(configs[1]).toBeLessThan(firstLarge);
});

test.each([
  { mode: "selective", expected: /^p{14}d{6}p{9}d$/ },
  { mode: "always", expected: /^R[rR]{13}d{6}R[rR]{8}d$/ },
] as const)("a picture that cannot be decoded is left out, with all up to the next key frame: $mode", async (row) => {
  const clip = await encodeFilterClip();
  const samples = clip.samples.map((sample, i) =>
    i === 15 ? { ...sample, data: new Uint8Array(64).fill(0x5a) } : sample,
  );
  const replies = filter({ ...clip, samples }, [], { mode: row.mode });
  expect(letters(replies)).toMatch(row.expected);
});

test("a configuration that is none closes the stream with a reason", () => {
  const stream = new StreamFilter(createTools([]), 1, SETTINGS, () => undefined);
  const open = (): void => stream.handle({ kind: "config", streamId: 1, codec: "h264", record: new Uint8Array(20) });
  expect(open).toThrow("cannot be read");
  stream.close();
});

test("after a restart replayed pictures are not answered, and the first one after them is ours and covered", async () => {
  const clip = await encodeFilterClip();
  const replies: FilterReply[] = [];
  const settings = { ...SETTINGS, startsCovered: true };
  const stream = new StreamFilter(createTools([]), 1, settings, (reply) => replies.push(reply));
  for (const request of requestsOf({ ...clip, samples: clip.samples.slice(10) }, 1, 100)) {
    stream.handle(request.kind === "picture" ? { ...request, isReplay: request.sequence < 105 } : request);
  }
  stream.finish();
  stream.close();
  expect(replies.find(({ kind }) => kind === "replace")).toMatchObject({ sequence: 105, isKey: true });
  expect(replies.filter((reply) => "sequence" in reply)).toHaveLength(15);
});

test("a filter that starts anew answers with the very same configuration, whatever it has seen", async () => {
  const clip = await encodeFilterClip();
  const configOf = (from: number, mode: FilterSettings["mode"]): Uint8Array | undefined => {
    const replies = filter({ ...clip, samples: clip.samples.slice(from) }, [], { mode });
    return replies.find((reply) => reply.kind === "config")?.record;
  };
  const first = configOf(0, "selective");
  expect(first?.length).toBeGreaterThan(20);
  expect(configOf(10, "selective")).toEqual(first);
  expect(configOf(20, "always")).toEqual(first);
});

test("a preview is a JPEG, at most five in a second, and a test banner is seen in it alone", async () => {
  const clip = await encodeFilterClip({ size: "720x1280", pictureCount: 20 });
  const replies: FilterReply[] = [];
  let nowMs = 0;
  const tools = { ...createTools([]), nowMs: () => nowMs };
  const stream = new StreamFilter(tools, 1, SETTINGS, (reply) => replies.push(reply));
  stream.handle({ kind: "preview", streamId: 1, isTest: false });
  stream.handle({ kind: "preview", streamId: 1, isTest: true });
  for (const request of requestsOf(clip)) {
    stream.handle(request);
    nowMs += 33;
  }
  stream.finish();
  stream.close();
  const previews = replies.filter((reply) => reply.kind === "preview");
  expect(previews.filter(({ isTest }) => !isTest)).toHaveLength(3);
  expect(previews.filter(({ isTest }) => isTest)).toHaveLength(3);
  expect(letters(replies)).toBe(`${"p".repeat(19)}d`);
  const [plain, tested] = [false, true].map(
    (isTest) => previews.filter((reply) => reply.isTest === isTest).at(-1)?.jpeg,
  );
  const pictures = await Promise.all([decodeJpeg(plain as Uint8Array), decodeJpeg(tested as Uint8Array)]);
  // The banner's card is nearly white where the clip is not.
  expect(meanOf(pictures[1] as Uint8Array, 480, CARD)).toBeGreaterThan(
    meanOf(pictures[0] as Uint8Array, 480, CARD) + 30,
  );
});

test("streams that come and go leave no memory behind", async () => {
  const clip = await encodeFilterClip({ pictureCount: 6 });
  const banners = [banner(clip, 2, 4)];
  const cycle = async (): Promise<void> => {
    filter(clip, banners);
    // The views of FFmpeg's memory are given back by finalizers, which run from the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  };
  for (let i = 0; i < 100; i++) await cycle();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 100; i++) await cycle();
  // Decoder and encoder of this size take several megabytes, so that keeping them would show as hundreds.
  expect(process.memoryUsage.rss() - before).toBeLessThan(50e6);
});

const CARD: Region = { x: 330, y: 24, width: 120, height: 8 };

async function decodeJpeg(jpeg: Uint8Array): Promise<Uint8Array> {
  expect([...jpeg.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
  const args = ["-v", "error", "-f", "mjpeg", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"];
  const { stdoutBytes, stderr } = await runTool("ffmpeg", args, { input: jpeg });
  expect(stderr).toBe("");
  expect(stdoutBytes.length % 480).toBe(0);
  return stdoutBytes;
}

function meanOf(picture: Uint8Array, stride: number, { x, y, width, height }: Region): number {
  return differenceOf(picture, new Uint8Array(picture.length), stride, { x, y, width, height });
}

/** What the kernels leave of a picture's region. */
function obscured(picture: RawPicture, width: number, height: number): RawPicture {
  const data = new Uint8Array(picture);
  const [chromaWidth, chromaHeight] = [width / 2, height / 2];
  const plane = (offset: number, w: number, h: number): Plane => ({
    data: data.subarray(offset, offset + w * h),
    ...{ stride: w, width: w, height: h },
  });
  const y = plane(0, width, height);
  const u = plane(width * height, chromaWidth, chromaHeight);
  const v = plane(width * height + chromaWidth * chromaHeight, chromaWidth, chromaHeight);
  kernels.obscure({ y, u, v }, REGION, strengthFor(1, Math.min(width, height)));
  return data;
}

function sourceMp4(clip: FilterClip): Uint8Array {
  return viewOf(clip, [
    { kind: "config", streamId: 1, codec: clip.config.codec, record: clip.config.record },
    ...clip.samples.map((_, sequence): FilterReply => ({ kind: "pass", streamId: 1, sequence })),
  ]).mp4;
}

/** Mean difference of horizontal neighbours. */
function detailOf(picture: RawPicture, stride: number, { x, y, width, height }: Region): number {
  let sum = 0;
  for (let row = y; row < y + height; row++) {
    for (let column = x; column < x + width - 1; column++) {
      const at = row * stride + column;
      sum += Math.abs((picture[at + 1] as number) - (picture[at] as number));
    }
  }
  return sum / (height * (width - 1));
}

function differenceOf(a: RawPicture, b: RawPicture, stride: number, { x, y, width, height }: Region): number {
  let sum = 0;
  for (let row = y; row < y + height; row++) {
    for (let column = x; column < x + width; column++) {
      const at = row * stride + column;
      sum += Math.abs((a[at] as number) - (b[at] as number));
    }
  }
  return sum / (width * height);
}
