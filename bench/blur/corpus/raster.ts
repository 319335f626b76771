import type { Region, YuvFrame } from "@kagami/kernels";
import type { RgbaImage } from "./png.ts";
import type { ClipSpec } from "./spec.ts";

/** A line of text in a sprite, in the sprite's pixels. */
export interface TextLine extends Region {
  readonly fontPx: number;
}

/** What the browser knows of a card besides its pixels. */
export interface SpriteLayout {
  /** The card without its shadow. */
  readonly box: Region;
  readonly lines: readonly TextLine[];
}

/** A card; all of its samples have alpha multiplied in. */
export interface Sprite {
  readonly luma: {
    readonly width: number;
    readonly height: number;
    readonly y: Uint8Array;
    readonly a: Uint8Array;
    /** For each row, the first column with alpha and the one after the last. */
    readonly spans: Int32Array;
  };
  /** Of the size of `luma`. */
  readonly u: Uint8Array;
  readonly v: Uint8Array;
  /** Chroma at half the size, made when first drawn: for even and odd positions in both directions. */
  readonly chroma: (ChromaLayer | undefined)[];
  readonly box: Region;
  readonly lines: readonly ContrastLine[];
}

export interface ChromaLayer {
  readonly width: number;
  readonly height: number;
  readonly u: Uint8Array;
  readonly v: Uint8Array;
  readonly a: Uint8Array;
  readonly spans: Int32Array;
}

export interface ContrastLine extends TextLine {
  /** Between letters and what is behind them, in luma levels. */
  readonly contrast: number;
}

type Colour = Pick<ClipSpec, "colour" | "brightness">;
type Weights = readonly [r: number, g: number, b: number, offset: number];

function matrix({ colour, brightness }: Colour): { y: Weights; u: Weights; v: Weights } {
  const [kr, kb] = colour === "bt709-limited" ? [0.2126, 0.0722] : [0.299, 0.114];
  const kg = 1 - kr - kb;
  const [lumaRange, chromaRange, black] = colour === "bt601-full" ? [1, 1, 0] : [219 / 255, 224 / 255, 16];
  const luma = lumaRange * brightness;
  const chroma = chromaRange * brightness;
  return {
    y: [kr * luma, kg * luma, kb * luma, black],
    u: [(-kr / (2 - 2 * kb)) * chroma, (-kg / (2 - 2 * kb)) * chroma, chroma / 2, 128],
    v: [chroma / 2, (-kg / (2 - 2 * kr)) * chroma, (-kb / (2 - 2 * kr)) * chroma, 128],
  };
}

/** Converts a card; what is outside limits of 8 bits cannot come out of the matrices. */
export function toSprite(image: RgbaImage, layout: SpriteLayout, colour: Colour): Sprite {
  const { rgba, width, height } = image;
  const count = width * height;
  const [y, u, v, a] = [new Uint8Array(count), new Uint8Array(count), new Uint8Array(count), new Uint8Array(count)];
  const weights = matrix(colour);
  for (let i = 0; i < count; i++) {
    const alpha = rgba[i * 4 + 3]!;
    if (alpha === 0) continue;
    const share = alpha / 255;
    const [r, g, b] = [rgba[i * 4]!, rgba[i * 4 + 1]!, rgba[i * 4 + 2]!];
    y[i] = mix(weights.y, r, g, b) * share + 0.5;
    u[i] = mix(weights.u, r, g, b) * share + 0.5;
    v[i] = mix(weights.v, r, g, b) * share + 0.5;
    a[i] = alpha;
  }
  const luma = { width, height, y, a, spans: rowSpans(a, width, height) };
  const lines = layout.lines.map((line) => ({ ...line, contrast: contrastOf(luma, line) }));
  return { luma, u, v, chroma: [], box: layout.box, lines };
}

/** For each row, the first column with alpha and the one after the last. */
export function rowSpans(alpha: Uint8Array, width: number, height: number): Int32Array {
  const spans = new Int32Array(height * 2);
  for (let y = 0; y < height; y++) {
    let first = 0;
    let last = width;
    while (first < last && alpha[y * width + first] === 0) first++;
    while (last > first && alpha[y * width + last - 1] === 0) last--;
    spans[y * 2] = first;
    spans[y * 2 + 1] = last;
  }
  return spans;
}

function mix(weights: Weights, r: number, g: number, b: number): number {
  return weights[0] * r + weights[1] * g + weights[2] * b + weights[3];
}

/** Spread of luma within a line: what all but the darkest and the lightest 2 % of its samples lie between. */
function contrastOf(sprite: Sprite["luma"], line: Region): number {
  const histogram = new Uint32Array(256);
  let count = 0;
  const bottom = Math.min(sprite.height, Math.ceil(line.y + line.height));
  const right = Math.min(sprite.width, Math.ceil(line.x + line.width));
  for (let y = Math.max(0, Math.floor(line.y)); y < bottom; y++) {
    for (let x = Math.max(0, Math.floor(line.x)); x < right; x++) {
      const i = y * sprite.width + x;
      // Over middle gray, so that a translucent card does not count as black.
      const luma = sprite.y[i]! + ((255 - sprite.a[i]!) * 128) / 255;
      histogram[Math.min(255, Math.round(luma))]!++;
      count++;
    }
  }
  const find = (share: number): number => {
    let sum = 0;
    return histogram.findIndex((entry) => {
      sum += entry;
      return sum > count * share;
    });
  };
  return count === 0 ? 0 : find(0.98) - find(0.02);
}

/** Converts an opaque picture to 4:2:0; a chroma sample is the mean of its four pixels. */
export function toPlate(image: RgbaImage, colour: Colour): YuvFrame {
  const frame = createFrame(image.width, image.height);
  const { width, height, rgba } = image;
  const weights = matrix(colour);
  for (let i = 0; i < width * height; i++) {
    frame.y.data[i] = mix(weights.y, rgba[i * 4]!, rgba[i * 4 + 1]!, rgba[i * 4 + 2]!) + 0.5;
  }
  for (let cy = 0; cy < frame.u.height; cy++) {
    for (let cx = 0; cx < frame.u.width; cx++) {
      let [r, g, b] = [0, 0, 0];
      for (let k = 0; k < 4; k++) {
        const x = Math.min(width - 1, cx * 2 + (k & 1));
        const i = (Math.min(height - 1, cy * 2 + (k >> 1)) * width + x) * 4;
        r += rgba[i]! / 4;
        g += rgba[i + 1]! / 4;
        b += rgba[i + 2]! / 4;
      }
      frame.u.data[cy * frame.u.stride + cx] = mix(weights.u, r, g, b) + 0.5;
      frame.v.data[cy * frame.v.stride + cx] = mix(weights.v, r, g, b) + 0.5;
    }
  }
  return frame;
}

/** A frame whose three planes follow one another in one buffer, as raw video has them; `bytes` is that buffer. */
export interface PackedFrame extends YuvFrame {
  readonly bytes: Uint8Array;
}

export function createFrame(width: number, height: number): PackedFrame {
  const [halfWidth, halfHeight] = [(width + 1) >> 1, (height + 1) >> 1];
  const [luma, chroma] = [width * height, halfWidth * halfHeight];
  const bytes = new Uint8Array(luma + 2 * chroma);
  const plane = (start: number) => ({
    data: bytes.subarray(start, start + chroma),
    stride: halfWidth,
    width: halfWidth,
    height: halfHeight,
  });
  return {
    bytes,
    y: { data: bytes.subarray(0, luma), stride: width, width, height },
    u: plane(luma),
    v: plane(luma + chroma),
  };
}
