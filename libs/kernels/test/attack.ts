import type { Kernels, ObscureStrength, Plane, YuvFrame } from "../src/index.ts";
import { drawText, type TextPlace } from "./banner-font.ts";

/** A banner of one line: 0.96 of a portrait picture's width, and a line height above and below the text. */
export interface Scene {
  readonly shortSide: number;
  /** Of a capital letter, in luma samples. */
  readonly letterHeight: number;
  readonly paper: number;
  readonly ink: number;
}

/** What an attacker compares: averages of squares of the picture, or whatever else is made of it. */
export type Features = Float32Array;

export interface Candidate {
  readonly phrase: number;
  readonly features: Features;
}

/** Makes and obscures banners, and looks at them as an attacker does. */
export class Laboratory {
  readonly width: number;
  readonly height: number;
  readonly #kernels: Kernels;
  readonly #scene: Scene;
  readonly #frame: YuvFrame;
  readonly #fine: ReturnType<Kernels["image"]>;
  readonly #coarse: ReturnType<Kernels["image"]>;

  constructor(kernels: Kernels, scene: Scene) {
    this.width = Math.round(scene.shortSide * 0.96);
    this.height = Math.round(scene.shortSide * 0.18);
    this.#kernels = kernels;
    this.#scene = scene;
    const chroma = () => flatPlane((this.width + 1) >> 1, (this.height + 1) >> 1, 128);
    this.#frame = { y: flatPlane(this.width, this.height, scene.paper), u: chroma(), v: chroma() };
    this.#fine = kernels.image(this.width * this.height);
    this.#coarse = kernels.image(this.width * this.height);
  }

  /** A banner with a phrase, in memory that the next one takes. */
  draw(phrase: string, place: TextPlace): Plane {
    this.#frame.y.data.fill(this.#scene.paper);
    drawText(this.#frame.y.data, this.width, phrase, place, this.#scene);
    return this.#frame.y;
  }

  obscure(strength: ObscureStrength): void {
    this.#kernels.obscure(this.#frame, { x: 0, y: 0, width: this.width, height: this.height }, strength);
  }

  /** What re-encoding does to the samples: each is off by at most 2. */
  addNoise(random: () => number): void {
    const { data } = this.#frame.y;
    for (let i = 0; i < data.length; i++) {
      data[i] = Math.max(0, Math.min(255, (data[i] as number) + Math.floor(random() * 5) - 2));
    }
  }

  /** Averages of squares, a 45th of the short side each: several to a cell, and several hundred to a banner. */
  features(): Features {
    const { y } = this.#frame;
    const fine = this.#kernels.subsample(y, { x: 0, y: 0, width: y.width, height: y.height }, 8, 1, this.#fine);
    const factor = this.#scene.shortSide >= 1440 ? 4 : this.#scene.shortSide >= 720 ? 2 : 1;
    const plane = { data: fine.pixels, stride: fine.width, width: fine.width, height: fine.height };
    const region = { x: 0, y: 0, width: fine.width, height: fine.height };
    return Float32Array.from(this.#kernels.subsample(plane, region, factor, 1, this.#coarse).pixels);
  }

  /** The banner's samples as they are. */
  samples(): Float32Array {
    return Float32Array.from(this.#frame.y.data);
  }

  /** Every phrase at each of the places that the attacker tries: drawn once for a size, then moved by whole samples. */
  library(phrases: readonly string[], { sizes, offsets }: Grid, look: () => Features): Candidate[] {
    const { shortSide, letterHeight, paper } = this.#scene;
    const { data } = this.#frame.y;
    const corner = { x: Math.floor(shortSide * NEAREST_X), y: Math.floor(shortSide * NEAREST_Y) };
    return phrases.flatMap((text, phrase) =>
      sizes.flatMap((size) => {
        const drawn = this.draw(text, { ...corner, height: letterHeight * size }).data.slice();
        return offsets.map(({ x, y }) => {
          const shift = Math.round(shortSide * y) * this.width + Math.round(shortSide * x);
          data.fill(paper);
          data.set(drawn.subarray(0, drawn.length - shift), shift);
          return { phrase, features: look() };
        });
      }),
    );
  }

  /** A place as it happens, known to nobody: sizes differ by 6 %, offsets by more than a cell. */
  randomPlace(random: () => number): TextPlace {
    const { shortSide, letterHeight } = this.#scene;
    return {
      x: shortSide * (NEAREST_X + SPREAD_X * random()),
      y: shortSide * (NEAREST_Y + SPREAD_Y * random()),
      height: letterHeight * (1 - SPREAD_SIZE + 2 * SPREAD_SIZE * random()),
    };
  }
}

/** Where texts begin, as shares of the short side, and how much their sizes differ. */
const NEAREST_X = 0.1;
const SPREAD_X = 0.1;
const NEAREST_Y = 0.05;
const SPREAD_Y = 0.05;
const SPREAD_SIZE = 0.06;

/** What the attacker tries: sizes as shares of the expected one, offsets as shares of the short side. */
export interface Grid {
  readonly sizes: readonly number[];
  readonly offsets: readonly { readonly x: number; readonly y: number }[];
}

/** An even grid over all that {@link Laboratory.randomPlace} may be. */
export function gridOf(columns: number, rows: number, sizes: number): Grid {
  const steps = (count: number) => Array.from({ length: count }, (_, index) => (index + 0.5) / count);
  return {
    sizes: steps(sizes).map((size) => 1 - SPREAD_SIZE + 2 * SPREAD_SIZE * size),
    offsets: steps(columns).flatMap((x) => steps(rows).map((y) => ({ x: SPREAD_X * x, y: SPREAD_Y * y }))),
  };
}

function flatPlane(width: number, height: number, fill: number): Plane {
  return { data: new Uint8Array(width * height).fill(fill), stride: width, width, height };
}

/**
 * How likely it is that the attacker names the right phrase: 1 over the number of phrases that come nearest, if the
 * right one is among them.
 */
export function guess(seen: Features, library: readonly Candidate[], phrase: number, phraseCount: number): number {
  const nearest = new Float64Array(phraseCount).fill(Number.POSITIVE_INFINITY);
  for (const candidate of library) {
    const limit = nearest[candidate.phrase] as number;
    const distance = distanceBetween(seen, candidate.features, limit);
    if (distance < limit) nearest[candidate.phrase] = distance;
  }
  const least = nearest.reduce((best, distance) => Math.min(best, distance));
  return nearest[phrase] === least ? 1 / nearest.filter((distance) => distance === least).length : 0;
}

/** Squared; any number over `limit` if it is over that. */
function distanceBetween(a: Features, b: Features, limit: number): number {
  let sum = 0;
  for (let i = 0; i < a.length && sum <= limit; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    sum += difference * difference;
  }
  return sum;
}

/** Zero mean and unit length, so that brightness and contrast do not count; all 0 where nothing stands out. */
export function normalized(values: Float32Array): Features {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const length = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0));
  return values.map((value) => (length > 0 ? (value - mean) / length : 0));
}
