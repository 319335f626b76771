import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { AacEncoder, type AacEncoderOptions } from "./encoder.ts";
import { SCALE_FACTOR_TABLE, SPECTRAL_TABLES } from "./huffman-tables.ts";
import { FRAME_LENGTH, Mdct } from "./mdct.ts";

/** ADTS, so that ffmpeg can read the frames (ISO 14496-3 §1.A.3.2). */
function adts(frame: Uint8Array, options: AacEncoderOptions): Uint8Array {
  const length = frame.length + 7;
  const rate = options.sampleRate === 48_000 ? 3 : 4;
  const channels = options.channelCount;
  const header = [
    0xff,
    0xf1,
    0x40 | (rate << 2),
    (channels << 6) | (length >> 11),
    (length >> 3) & 255,
    ((length & 7) << 5) | 31,
    0xfc,
  ];
  return Uint8Array.from([...header, ...frame]);
}

type Signal = (seconds: number, channel: number) => number;

/** Chords of decaying square-like tones, a bass, a hi-hat: music as a game machine makes it. */
const music: Signal = (t, channel) => {
  const beat = t * 4 - Math.floor(t * 4);
  const chord = [261.63, 329.63, 392, 523.25][Math.floor(t * 4) % 4] as number;
  let value = 0;
  for (const [n, gain] of [
    [1, 1],
    [3, 1 / 3],
    [5, 1 / 5],
    [7, 1 / 7],
    [9, 1 / 9],
  ] as const) {
    value += 0.2 * gain * Math.sin(2 * Math.PI * chord * n * t) * Math.exp(-2 * beat);
  }
  value += 0.25 * Math.sin(2 * Math.PI * 65.4 * t);
  const hash = Math.sin(Math.floor(t * 48_000) * 12.9898) * 43_758.5453;
  value += 0.05 * (2 * (hash - Math.floor(hash)) - 1) * Math.exp(-20 * beat);
  return value * (channel === 0 ? 1 : 0.8);
};

function encode(
  options: AacEncoderOptions,
  signal: Signal,
  seconds: number,
): { frames: Uint8Array[]; input: Float32Array[] } {
  const frameCount = Math.floor((seconds * options.sampleRate) / FRAME_LENGTH);
  const input = Array.from({ length: options.channelCount }, (_, channel) =>
    Float32Array.from({ length: (frameCount + 1) * FRAME_LENGTH }, (_, i) => signal(i / options.sampleRate, channel)),
  );
  const encoder = new AacEncoder(options);
  const part = (n: number) => input.map((samples) => samples.subarray(n * FRAME_LENGTH, (n + 1) * FRAME_LENGTH));
  const frames = Array.from({ length: frameCount }, (_, n) => encoder.encode(part(n), part(n + 1)));
  return { frames, input };
}

function decode(frames: Uint8Array[], options: AacEncoderOptions): { channels: Float32Array[]; messages: string } {
  const args = ["-v", "warning", "-f", "aac", "-i", "pipe:0", "-f", "f32le", "pipe:1"];
  const input = Buffer.concat(frames.map((frame) => adts(frame, options)));
  const run = spawnSync("ffmpeg", args, { input, maxBuffer: 1 << 28 });
  if (run.error) throw new Error("Cannot run ffmpeg, which checks the encoder: install it", { cause: run.error });
  const all = new Float32Array(
    run.stdout.buffer.slice(run.stdout.byteOffset, run.stdout.byteOffset + run.stdout.length),
  );
  const count = options.channelCount;
  const channels = Array.from({ length: count }, (_, c) =>
    Float32Array.from({ length: all.length / count }, (_, i) => all[i * count + c]!),
  );
  return { channels, messages: run.stderr.toString() };
}

/** Signal and noise energy between two frequencies, measured through the transform that the codec itself uses. */
function bandRatioDb(input: Float32Array, output: Float32Array, sampleRate: number, fromHz: number, toHz: number) {
  const mdct = new Mdct();
  const from = Math.ceil((fromHz * 2 * FRAME_LENGTH) / sampleRate);
  const to = Math.floor((toHz * 2 * FRAME_LENGTH) / sampleRate);
  const a = new Float64Array(FRAME_LENGTH);
  const b = new Float64Array(FRAME_LENGTH);
  let signal = 0;
  let noise = 0;
  // The first frames fade in.
  for (let n = 4; (n + 2) * FRAME_LENGTH <= output.length; n++) {
    const cut = (x: Float32Array, k: number) => x.subarray((n + k) * FRAME_LENGTH, (n + k + 1) * FRAME_LENGTH);
    mdct.transform(cut(input, 0), cut(input, 1), a);
    mdct.transform(cut(output, 0), cut(output, 1), b);
    for (let i = from; i < to; i++) {
      signal += a[i]! ** 2;
      noise += (a[i]! - b[i]!) ** 2;
    }
  }
  return 10 * Math.log10(signal / noise);
}

describe("a foreign decoder gives the sound back", () => {
  const cases = [
    { sampleRate: 48_000, channelCount: 2, bitrateKbps: 96 },
    { sampleRate: 44_100, channelCount: 2, bitrateKbps: 128 },
    { sampleRate: 48_000, channelCount: 1, bitrateKbps: 64 },
  ] as const;
  test.each(cases)("$sampleRate Hz, $channelCount channels, $bitrateKbps kbit/s", (options) => {
    const { frames, input } = encode(options, music, 4);
    const { channels, messages } = decode(frames, options);
    expect(messages).toBe("");
    expect(channels[0]!.length).toBe(frames.length * FRAME_LENGTH);
    for (let c = 0; c < options.channelCount; c++) {
      for (const [fromHz, toHz, leastDb] of [
        [30, 300, 20],
        [300, 1000, 18],
        [1000, 3000, 18],
        [3000, 6000, 15],
      ] as const) {
        const ratio = bandRatioDb(input[c]!, channels[c]!, options.sampleRate, fromHz, toHz);
        expect(ratio, `channel ${c}, ${fromHz} to ${toHz} Hz`).toBeGreaterThan(leastDb);
      }
      const energy = (x: Float32Array, end: number) => x.subarray(4096, end).reduce((sum, v) => sum + v * v, 0);
      const levelDb =
        10 * Math.log10(energy(channels[c]!, channels[c]!.length) / energy(input[c]!, channels[c]!.length));
      expect(Math.abs(levelDb)).toBeLessThan(0.2);
    }
  });

  test("two channels that have nothing in common stay apart", () => {
    const options = { sampleRate: 48_000, channelCount: 2, bitrateKbps: 96 } as const;
    const { frames, input } = encode(options, (t, c) => 0.4 * Math.sin(2 * Math.PI * (c === 0 ? 440 : 1234) * t), 1);
    const { channels } = decode(frames, options);
    for (let c = 0; c < 2; c++) expect(bandRatioDb(input[c]!, channels[c]!, 48_000, 200, 2000)).toBeGreaterThan(20);
  });

  test("full-scale square waves do not overflow the levels", () => {
    const options = { sampleRate: 48_000, channelCount: 1, bitrateKbps: 320 } as const;
    const { frames } = encode(options, (t) => (Math.floor(t * 200) % 2 === 0 ? 1 : -1), 0.5);
    expect(decode(frames, options).messages).toBe("");
  });

  test("silence is nearly free", () => {
    const options = { sampleRate: 48_000, channelCount: 2, bitrateKbps: 96 } as const;
    const { frames } = encode(options, () => 0, 0.5);
    expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThan(16);
    expect(decode(frames, options).messages).toBe("");
  });
});

test("the bitrate stays at or below its target", () => {
  const { frames } = encode({ sampleRate: 48_000, channelCount: 2, bitrateKbps: 64 }, music, 4);
  const bitCount = frames.reduce((sum, frame) => sum + frame.length * 8, 0);
  expect(bitCount / (frames.length * FRAME_LENGTH)).toBeLessThan(64 / 48);
  expect(bitCount / (frames.length * FRAME_LENGTH)).toBeGreaterThan(50 / 48);
});

test("a frame never exceeds 6144 bits a channel, the decoder's buffer", () => {
  const { frames } = encode({ sampleRate: 48_000, channelCount: 1, bitrateKbps: 128 }, music, 2);
  expect(Math.max(...frames.map((frame) => frame.length * 8))).toBeLessThanOrEqual(6144);
});

test("the fast transform equals the defining sum", () => {
  const at = (i: number) => Math.sin(i * i * 0.001) * 0.7;
  const first = Float32Array.from({ length: FRAME_LENGTH }, (_, i) => at(i));
  const second = Float32Array.from({ length: FRAME_LENGTH }, (_, i) => at(i + FRAME_LENGTH));
  const fast = new Float64Array(FRAME_LENGTH);
  new Mdct().transform(first, second, fast);
  for (const k of [0, 1, 2, 511, 512, 1000, 1023]) {
    let sum = 0;
    for (let n = 0; n < 2 * FRAME_LENGTH; n++) {
      const sample = n < FRAME_LENGTH ? first[n]! : second[n - FRAME_LENGTH]!;
      sum +=
        2 *
        Math.sin((Math.PI * (n + 0.5)) / 2048) *
        sample *
        Math.cos(((2 * Math.PI) / 2048) * (n + 512.5) * (k + 0.5));
    }
    expect(fast[k]).toBeCloseTo(sum, 6);
  }
});

test.each([...SPECTRAL_TABLES.entries(), [11, SCALE_FACTOR_TABLE] as const])(
  "codebook %i is a complete prefix code",
  (_, table) => {
    const words = [...table.codes].map((code, i) => code.toString(2).padStart(table.lengths[i]!, "0")).sort();
    for (let i = 1; i < words.length; i++) expect(words[i]!.startsWith(words[i - 1]!)).toBe(false);
    expect(words.reduce((sum, word) => sum + 2 ** -word.length, 0)).toBe(1);
  },
);

test("a bitrate out of range is refused", () => {
  expect(() => new AacEncoder({ sampleRate: 48_000, channelCount: 2, bitrateKbps: 8 })).toThrow(/give 16 to 320/);
});
