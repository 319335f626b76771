import { createRandom, type Random, seeds } from "@kagami/clock";
import { addEmulationPrevention, removeEmulationPrevention } from "@kagami/media";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Clip,
  type ClipMessage,
  decode,
  encodeClip,
  fixtureClip,
  shiftMessages,
} from "../../test/support/index.ts";
import { Ingest, type IngestEvent } from "./ingest.ts";
import { brokenPromises, fileOf, noticesOf, samplesOf, send, tracksOf } from "./ingest-checks.ts";

function expectKept(events: readonly IngestEvent[]): void {
  expect(brokenPromises(events)).toEqual([]);
}

let clip: Clip;
let silent: Clip;
let larger: Clip;
let soundOnly: Clip;
beforeAll(async () => {
  [clip, silent, larger, soundOnly] = await Promise.all([
    encodeClip({ seconds: 2, gop: 10 }),
    encodeClip({ seconds: 2, gop: 10, hasAudio: false }),
    encodeClip({ seconds: 2, gop: 10, size: "320x180" }),
    encodeClip({ seconds: 2, hasVideo: false, channelCount: 1, sampleRate: 44_100 }),
  ]);
});

describe("what a publisher sends arrives as samples", () => {
  test("picture and sound keep their bytes, times and offset", async () => {
    const events = send(new Ingest(), [...clip.headers, ...clip.media]);
    expectKept(events);
    expect(tracksOf(events).at(-1)).toMatchObject({
      video: { codec: "h264", width: 160, height: 90 },
      audio: { codec: "aac", sampleRate: 48_000, channelCount: 2 },
    });
    const wire = clip.media.filter(({ messageType }) => messageType === 9).map(({ timestampMs }) => timestampMs * 1000);
    expect(samplesOf(events, "video").map(({ ptsUs }) => ptsUs)).toEqual(wire);
    const decoded = await decode(fileOf(events), { stream: "v", format: "mp4" });
    const source = await decode(clip.flv, { stream: "v", format: "flv" });
    expect(decoded.frames.map(({ md5 }) => md5)).toEqual(source.frames.map(({ md5 }) => md5));
    expect(noticesOf(events)).toEqual([]);
  });

  test("B-frames decode in order, are noticed once, and decoders are told from the next key frame on", async () => {
    const bFrames = fixtureClip("avc-bframes.flv");
    const unsaid = withoutReorderLimit(bFrames);
    const events = send(new Ingest(), [...unsaid.headers, ...unsaid.media]);
    expectKept(events);
    expect(noticesOf(events).filter((code) => code === "REORDERING")).toHaveLength(1);
    expect(tracksOf(events), "picture, sound, and picture again").toHaveLength(3);
    expect(samplesOf(events, "video")).toHaveLength(20);
    const decoded = await decode(fileOf(send(new Ingest(), [...bFrames.headers, ...bFrames.media])), {
      stream: "v",
      format: "mp4",
    });
    const source = await decode(bFrames.flv, { stream: "v", format: "flv" });
    expect(decoded.frames.map(({ md5 }) => md5)).toEqual(source.frames.map(({ md5 }) => md5));
  });

  test("sound alone is placed end to end", () => {
    const events = send(new Ingest(), [...soundOnly.headers, ...soundOnly.media]);
    expectKept(events);
    const sounds = samplesOf(events, "audio");
    const steps = sounds.slice(1).map(({ dtsUs }, i) => dtsUs - (sounds[i]?.dtsUs ?? 0));
    expect(Math.max(...steps) - Math.min(...steps)).toBeLessThanOrEqual(1);
    expect(tracksOf(events)).toMatchObject([{ video: undefined, audio: { sampleRate: 44_100, channelCount: 1 } }]);
  });

  test("picture alone is carried without sound", () => {
    const events = send(new Ingest(), [...silent.headers, ...silent.media]);
    expectKept(events);
    expect(samplesOf(events, "video")).toHaveLength(50);
    expect(tracksOf(events)).toMatchObject([{ audio: undefined }]);
  });

  test("a variable frame rate keeps the time of every picture", async () => {
    const vfr = await encodeClip({
      seconds: 4,
      fps: 30,
      gop: 15,
      filter: "select='not(between(mod(n,30),10,22))'",
      encoderArgs: ["-fps_mode", "vfr"],
    });
    const events = send(new Ingest(), [...vfr.headers, ...vfr.media]);
    expectKept(events);
    const wire = vfr.media.filter(({ messageType }) => messageType === 9).map(({ timestampMs }) => timestampMs * 1000);
    expect(samplesOf(events, "video").map(({ ptsUs }) => ptsUs)).toEqual(wire);
  });
});

describe("what changes in mid-stream", () => {
  test("a new size by a new sequence header gives new tracks, which start at a key frame", async () => {
    const ingest = new Ingest();
    const next = shiftMessages([...larger.headers, ...larger.media], clip.durationMs);
    const events = [...send(ingest, [...clip.headers, ...clip.media]), ...send(ingest, next)];
    expectKept(events);
    expect(tracksOf(events).at(-1)?.video).toMatchObject({ width: 320, height: 180 });
    expect(samplesOf(events, "video")).toHaveLength(100);
  });

  test("a new size by parameter sets in the stream itself does as well", () => {
    const ingest = new Ingest();
    const next = shiftMessages(inBand(larger), clip.durationMs);
    const events = [...send(ingest, [...clip.headers, ...clip.media]), ...send(ingest, next)];
    expectKept(events);
    expect(tracksOf(events).at(-1)?.video).toMatchObject({ width: 320, height: 180 });
    expect(samplesOf(events, "video")).toHaveLength(100);
  });

  test("the same headers again change nothing", () => {
    const ingest = new Ingest();
    const again = [...clip.media.slice(0, 30), ...clip.headers, ...clip.media.slice(30)];
    const events = send(ingest, [...clip.headers, ...again]);
    expectKept(events);
    expect(samplesOf(events, "video")).toHaveLength(50);
    expect(tracksOf(events)).toHaveLength(2);
  });

  test.each([
    { why: "an hour forward", jumpMs: 3_600_000 },
    { why: "back to zero", jumpMs: -2_000 },
    { why: "over the end of 32 bits", jumpMs: 2 ** 32 - 3_000 },
  ])("a clock that jumps $why is joined on, once told", ({ jumpMs }) => {
    const ingest = new Ingest();
    const wrapped = shiftMessages(clip.media, clip.durationMs + jumpMs).map((message) => ({
      ...message,
      timestampMs: ((message.timestampMs % 2 ** 32) + 2 ** 32) % 2 ** 32,
    }));
    const events = [...send(ingest, [...clip.headers, ...clip.media]), ...send(ingest, wrapped)];
    expectKept(events);
    const times = samplesOf(events, "video").map(({ ptsUs }) => ptsUs / 1000);
    expect(times).toHaveLength(100);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(4_300);
    expect(noticesOf(events).filter((code) => code === "TIMESTAMPS_REBASED")).toHaveLength(1);
  });

  test("time stamps that wrap in mid-stream go on", () => {
    const events = send(new Ingest(), [
      ...clip.headers,
      ...clip.media.map((message) => ({ ...message, timestampMs: (message.timestampMs + 2 ** 32 - 1_000) % 2 ** 32 })),
    ]);
    expectKept(events);
    const times = samplesOf(events, "video").map(({ ptsUs }) => ptsUs / 1000);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBe(1_960);
    expect(noticesOf(events)).toEqual([]);
  });
});

describe("a publisher that returns", () => {
  test("continues the timeline at a key frame, without new tracks if they are the same", () => {
    const ingest = new Ingest();
    const events = send(ingest, [...clip.headers, ...clip.media]);
    ingest.restart();
    events.push(...send(ingest, [...clip.headers, ...clip.media.slice(5)]));
    expectKept(events);
    const times = samplesOf(events, "video").map(({ ptsUs }) => ptsUs / 1000);
    const steps = times.slice(1).map((ms, i) => ms - (times[i] ?? 0));
    // The picture waits for its key frame, 400 ms into the clip; the sound does not.
    expect(Math.max(...steps)).toBeLessThan(450);
    expect(tracksOf(events)).toHaveLength(2);
  });

  test("without sound drops it at a key frame after a second, filled with silence until then", () => {
    const ingest = new Ingest();
    const events = send(ingest, [...clip.headers, ...clip.media]);
    ingest.restart();
    const after = send(ingest, [...silent.headers, ...silent.media]);
    expectKept([...events, ...after]);
    expect(tracksOf(after)).toMatchObject([{ video: { width: 160 }, audio: undefined }]);
    expect(samplesOf(after, "video")).toHaveLength(50);
  });

  test("without picture drops it after a second", () => {
    const ingest = new Ingest();
    const events = send(ingest, [...clip.headers, ...clip.media]);
    ingest.restart();
    const after = send(ingest, [...soundOnly.headers, ...soundOnly.media]);
    expectKept([...events, ...after]);
    expect(tracksOf(after).at(-1)).toMatchObject({ video: undefined, audio: { sampleRate: 44_100 } });
  });
});

describe("sound that is missing", () => {
  test.each([
    { why: "in between", from: 20, to: 45 },
    { why: "from the beginning", from: 0, to: 60 },
    { why: "to the end", from: 40, to: 1_000 },
  ])("$why is filled with silence that a decoder takes for silence", async ({ from, to }) => {
    let sounds = 0;
    const holed = clip.media.filter(({ messageType }) => messageType === 9 || !between(sounds++, from, to));
    const events = send(new Ingest(), [...clip.headers, ...holed]);
    expectKept(events);
    expect(noticesOf(events)).toEqual(["SILENCE_FILLED"]);
    const placed = samplesOf(events, "audio");
    const steps = placed.slice(1).map(({ dtsUs }, i) => dtsUs - (placed[i]?.dtsUs ?? 0));
    expect(Math.max(...steps), "no hole").toBeLessThan(22_000);
    const end = samplesOf(events, "video").at(-1)?.dtsUs ?? 0;
    expect(end - (placed.at(-1)?.dtsUs ?? 0)).toBeLessThan(100_000);
    const { frames, complaints } = await decode(fileOf(events), { stream: "a", format: "mp4" });
    expect(complaints).toBe("");
    expect(frames).toHaveLength(placed.length);
    const md5s = new Map<string, number>();
    for (const { md5 } of frames) md5s.set(md5, (md5s.get(md5) ?? 0) + 1);
    // Tone never repeats itself to the bit; zeros do.
    expect(Math.max(...md5s.values())).toBeGreaterThan(10);
  });

  test("comes back in step after the silence", () => {
    let sounds = 0;
    const holed = clip.media.filter(({ messageType }) => messageType === 9 || !between(sounds++, 10, 75));
    const events = send(new Ingest(), [...clip.headers, ...holed]);
    expectKept(events);
    const last = samplesOf(events, "audio").at(-1);
    const lastWire = clip.media.filter(({ messageType }) => messageType === 8).at(-1)?.timestampMs ?? 0;
    expect(Math.abs((last?.ptsUs ?? 0) / 1000 - lastWire)).toBeLessThan(60);
  });

  test("is no concern while sound comes late, but comes", () => {
    const late = clip.media.map((message) =>
      message.messageType === 8 ? { ...message, timestampMs: message.timestampMs + 3_000 } : message,
    );
    const events = send(new Ingest(), [...clip.headers, ...late]);
    expect(noticesOf(events)).not.toContain("SILENCE_FILLED");
  });
});

describe("what cannot be used is left out, and said once", () => {
  test("frames before their configuration", () => {
    const events = send(new Ingest(), clip.media);
    expect(samplesOf(events, "video")).toEqual([]);
    expect(noticesOf(events)).toEqual(["FRAME_BEFORE_CONFIG"]);
  });

  test.each([
    { why: "Sorenson H.263", message: video([0x12, 0, 0, 0]) },
    { why: "MP3", message: audio([0x2f, 0xff, 0xfb]) },
    { why: "an unknown FourCC", message: video([0x90, 0x78, 0x78, 0x78, 0x78, 0]) },
  ])("$why", ({ message }) => {
    const events = send(new Ingest(), [message, message]);
    expect(noticesOf(events)).toEqual(["CODEC_UNSUPPORTED"]);
    expect(samplesOf(events)).toEqual([]);
  });

  test.each([
    { why: "a sequence header cut short", message: video([0x17, 0, 0, 0, 0, 1, 100]) },
    { why: "an AudioSpecificConfig cut short", message: audio([0xaf, 0, 0x12]) },
  ])("$why", ({ message }) => {
    const [event, ...more] = send(new Ingest(), [message]);
    expect(event).toMatchObject({ kind: "refused", reason: { message: expect.stringMatching(/./) } });
    expect(more).toEqual([]);
  });

  test("a picture whose NAL units are cut short, while the stream goes on", () => {
    const cut = clip.media.map((message, i) =>
      message.messageType === 9 && i > 20 && i < 24 ? { ...message, body: message.body.subarray(0, 12) } : message,
    );
    const events = send(new Ingest(), [...clip.headers, ...cut]);
    expect(events.filter(({ kind }) => kind === "refused").length).toBeGreaterThan(0);
    expect(samplesOf(events, "video").length).toBeGreaterThan(40);
    expectKept(events);
  });

  test("pictures before the first key frame", () => {
    const events = send(new Ingest(), [...silent.headers, ...silent.media.slice(3)]);
    expect(samplesOf(events, "video")).toHaveLength(40);
    expectKept(events);
  });

  test("further tracks of a multitrack publisher", () => {
    const [header, first] = [silent.headers[0], silent.media[0]];
    const multi = (message: ClipMessage | undefined, packetType: number): ClipMessage => {
      const payload = message?.body.subarray(5) ?? new Uint8Array();
      const cts = packetType === 1 ? [0, 0, 0] : [];
      const byteCount = payload.length + cts.length;
      const length = [byteCount >> 16, (byteCount >> 8) & 255, byteCount & 255];
      const tracks = [0, 1].flatMap((id) => [id, ...length, ...cts, ...payload]);
      return video([0x96, 0x10 | packetType, 0x61, 0x76, 0x63, 0x31, ...tracks]);
    };
    const events = send(new Ingest(), [multi(header, 0), multi(first, 1)]);
    expect(noticesOf(events)).toEqual(["EXTRA_TRACKS"]);
    expect(samplesOf(events, "video")).toHaveLength(1);
  });
});

test.each(seeds(60))("whatever is lost, repeated or spoilt, the promises are kept, seed %i", (seed) => {
  const random = createRandom(seed);
  const ingest = new Ingest();
  const events: IngestEvent[] = [];
  let shiftMs = 0;
  for (let round = 0; round < 6; round++) {
    const source = random.pick([clip, silent, larger, soundOnly]);
    const messages = [...source.headers, ...source.media].flatMap((message) => {
      if (random.chance(0.05)) return [];
      if (random.chance(0.005)) shiftMs += random.int(-20_000, 20_000);
      const body = random.chance(0.03) ? spoil(message.body, random) : message.body;
      const timestampMs = (((message.timestampMs + shiftMs) % 2 ** 32) + 2 ** 32) % 2 ** 32;
      return random.chance(0.02) ? [message, { ...message, body, timestampMs }] : [{ ...message, body, timestampMs }];
    });
    events.push(...send(ingest, messages));
    if (random.chance(0.5)) ingest.restart();
    shiftMs += source.durationMs;
  }
  expectKept(events);
  expect(fileOf(events).length).toBeGreaterThan(0);
});

function spoil(body: Uint8Array, random: Random): Uint8Array {
  const spoilt = body.slice(0, random.int(0, body.length));
  if (spoilt.length > 0) spoilt[random.int(0, Math.min(20, spoilt.length - 1))] = random.int(0, 255);
  return spoilt;
}

function between(n: number, from: number, to: number): boolean {
  return n >= from && n < to;
}

function video(bytes: readonly number[]): ClipMessage {
  return { messageType: 9, timestampMs: 0, body: Uint8Array.from(bytes) };
}

function audio(bytes: readonly number[]): ClipMessage {
  return { messageType: 8, timestampMs: 0, body: Uint8Array.from(bytes) };
}

/** The clip with its parameter sets in front of every key frame, and no sequence header of its own. */
function inBand(source: Clip): ClipMessage[] {
  const record = source.headers.find(({ messageType }) => messageType === 9)?.body.subarray(5) ?? new Uint8Array();
  const spsBytes = ((record[6] ?? 0) << 8) | (record[7] ?? 0);
  const sps = record.subarray(8, 8 + spsBytes);
  const ppsAt = 8 + spsBytes + 1;
  const ppsBytes = ((record[ppsAt] ?? 0) << 8) | (record[ppsAt + 1] ?? 0);
  const pps = record.subarray(ppsAt + 2, ppsAt + 2 + ppsBytes);
  const prefixed = (nal: Uint8Array) => [0, 0, nal.length >> 8, nal.length & 255, ...nal];
  return source.media.map((message) => {
    const isKey = message.messageType === 9 && (message.body[0] ?? 0) >> 4 === 1;
    if (!isKey) return message;
    const [head, data] = [message.body.subarray(0, 5), message.body.subarray(5)];
    return { ...message, body: Uint8Array.from([...head, ...prefixed(sps), ...prefixed(pps), ...data]) };
  });
}

/** The clip with an SPS that says nothing of reordering, as phone encoders write it. */
function withoutReorderLimit(source: Clip): Clip {
  const headers = source.headers.map((message) => {
    if (message.messageType !== 9) return message;
    const { body } = message;
    const spsBytes = ((body[11] ?? 0) << 8) | (body[12] ?? 0);
    const sps = withoutRestriction(body.subarray(13, 13 + spsBytes));
    const rest = body.subarray(13 + spsBytes);
    return { ...message, body: Uint8Array.from([...body.subarray(0, 11), 0, sps.length, ...sps, ...rest]) };
  });
  return { ...source, headers };
}

/** Cuts the last fields of the VUI, which x264 always writes with the same few values (H.264 §E.1.1). */
function withoutRestriction(sps: Uint8Array): Uint8Array {
  const plain = removeEmulationPrevention(sps);
  const bits = [...plain]
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("")
    .replace(/10*$/, "");
  const ue = (value: number) => "0".repeat(31 - Math.clz32(value + 1)) + (value + 1).toString(2);
  for (let mv = 6; mv < 17; mv++) {
    for (let frames = 0; frames < 17; frames++) {
      const tail = `1111${ue(mv)}${ue(mv)}${ue(2)}${ue(frames)}`;
      if (!bits.endsWith(tail)) continue;
      const cut = `${bits.slice(0, -tail.length)}01`;
      const bytes = cut.padEnd(Math.ceil(cut.length / 8) * 8, "0").match(/.{8}/g) ?? [];
      return addEmulationPrevention(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 2)));
    }
  }
  throw new Error("This SPS is not as x264 writes it");
}
