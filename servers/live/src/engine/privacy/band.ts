import type { Region } from "@kagami/kernels";

/** The part of a picture that is looked at, and how it is made small. */
export interface Band {
  /** Of the picture, in luma samples. */
  readonly pictureWidth: number;
  readonly pictureHeight: number;
  /** What is subsampled, in luma samples of the picture. */
  readonly region: Region;
  readonly factor: 1 | 2 | 4 | 8;
  /** Rows taken of each `factor`; see `Kernels.subsample`. */
  readonly rowStep: number;
  /** Of the small picture, in its samples. */
  readonly width: number;
  readonly height: number;
  /** The picture's shorter side in samples of the small picture; all geometry is in fractions of it. */
  readonly unit: number;
  readonly isPortrait: boolean;
}

/** A small picture's shorter side is at least this, so that one sample is about two points of a phone's screen. */
const SHORT_SIDE_SAMPLES = 128;
const FACTORS = [8, 4, 2] as const;
/** Lowest row that a banner reaches, in shorter sides; taller cards are seen in part and covered by their profile. */
const BAND_HEIGHT = 0.62;
/** Smaller pictures hold no banner that anybody could read. */
const SMALLEST_SIDE = 64;

/**
 * Lays out the band for pictures of a size.
 *
 * @returns `undefined` for pictures too small to read a banner in.
 */
export function layOutBand(pictureWidth: number, pictureHeight: number): Band | undefined {
  const shortSide = Math.min(pictureWidth, pictureHeight);
  if (shortSide < SMALLEST_SIDE) return undefined;
  const factor = FACTORS.find((candidate) => shortSide / candidate >= SHORT_SIDE_SAMPLES) ?? 1;
  const width = Math.floor(pictureWidth / factor);
  const height = Math.floor(Math.min(pictureHeight, shortSide * BAND_HEIGHT) / factor);
  return {
    pictureWidth,
    pictureHeight,
    region: { x: 0, y: 0, width: width * factor, height: height * factor },
    factor,
    // One of four rows is enough to see edges by, and is what the time goes into.
    rowStep: factor === 8 ? 4 : factor === 1 ? 1 : 2,
    width,
    height,
    unit: shortSide / factor,
    isPortrait: pictureHeight >= pictureWidth,
  };
}
