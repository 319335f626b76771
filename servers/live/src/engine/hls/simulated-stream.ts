import type { HlsFragment } from "./fragment.ts";

/** What a simulated publisher sends. Times are microseconds. */
export interface StreamShape {
  readonly seed: number;
  readonly seconds: number;
  /** Frames a second; `undefined` is a stream without video. */
  readonly fps?: number;
  /** Key frame distance in seconds. */
  readonly gopS?: number;
  /** Frame lengths vary by up to this share, as of a screen capture; 0 for a steady encoder. */
  readonly variation?: number;
  /** Round times to whole milliseconds as RTMP does. */
  readonly isMillisecond?: boolean;
  readonly hasAudio?: boolean;
  /** Audio frames in one fragment. */
  readonly audioBatch?: number;
}

/** A small, fast generator (mulberry32); tests need the same numbers from the same seed, nothing more. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * The fragments of a simulated broadcast in decode order. Each carries its number in its bytes, counted from
 * `firstNumber`, so that a loss or a repetition shows.
 */
export function simulateStream(shape: StreamShape, startUs = 0, firstNumber = 0): HlsFragment[] {
  const random = seededRandom(shape.seed);
  const lanes: Omit<HlsFragment, "bytes">[] = [];
  const endUs = startUs + shape.seconds * 1_000_000;
  if (shape.fps !== undefined) pushVideo(lanes, shape, shape.fps, random, startUs, endUs);
  if (shape.hasAudio ?? true) pushAudio(lanes, shape, startUs, endUs);
  // Stable: video before audio of the same time, as a muxer sends it.
  lanes.sort((a, b) => a.dtsUs - b.dtsUs);
  return lanes.map((fragment, i) => ({ ...fragment, bytes: numbered(firstNumber + i, 8 + Math.floor(random() * 40)) }));
}

/** The number that `simulateStream` gave a fragment, read at `offset`. */
export function numberAt(bytes: Uint8Array, offset = 0): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset);
}

function numbered(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function pushVideo(
  lanes: Omit<HlsFragment, "bytes">[],
  shape: StreamShape,
  fps: number,
  random: () => number,
  startUs: number,
  endUs: number,
): void {
  const grid = shape.isMillisecond ? 1_000 : 1;
  const gopUs = (shape.gopS ?? 2) * 1_000_000;
  const frameUs = 1_000_000 / fps;
  let exactUs = startUs;
  let nextKeyUs = startUs;
  // A sum of fractions may fall short of the end by a hair.
  while (exactUs < endUs - 1) {
    const lengthUs = frameUs * (1 + (shape.variation ?? 0) * (random() * 2 - 1));
    const dtsUs = Math.round(exactUs / grid) * grid;
    const durationUs = Math.round((exactUs + lengthUs) / grid) * grid - dtsUs;
    const isKey = exactUs >= nextKeyUs - frameUs / 2;
    if (isKey) nextKeyUs += gopUs;
    lanes.push({ kind: "video", dtsUs, durationUs, isKey });
    exactUs += lengthUs;
  }
}

function pushAudio(lanes: Omit<HlsFragment, "bytes">[], shape: StreamShape, startUs: number, endUs: number): void {
  const grid = shape.isMillisecond ? 1_000 : 1;
  const lengthUs = ((shape.audioBatch ?? 1) * 1_024_000_000) / 48_000;
  for (let i = 0; startUs + i * lengthUs < endUs; i++) {
    const dtsUs = Math.round((startUs + i * lengthUs) / grid) * grid;
    const durationUs = Math.round((startUs + (i + 1) * lengthUs) / grid) * grid - dtsUs;
    lanes.push({ kind: "audio", dtsUs, durationUs, isKey: true });
  }
}
