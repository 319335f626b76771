import type { Region } from "@kagami/kernels";

/** The part of a picture that is looked at, and how it is made small. */
export interface Band {
  /** The phone's screen in the picture, in luma samples. */
  readonly screen: Region;
  /** What is subsampled, in luma samples of the picture. */
  readonly region: Region;
  readonly factor: 1 | 2 | 4 | 8;
  /** Rows taken of each `factor`; see `Kernels.subsample`. */
  readonly rowStep: number;
  /** Of the small picture, in its samples. */
  readonly width: number;
  readonly height: number;
  /** The screen's shorter side in samples of the small picture; all geometry is in fractions of it. */
  readonly unit: number;
  readonly isPortrait: boolean;
}

/** A small picture's shorter side is at least this, so that one sample is about two points of a phone's screen. */
const SHORT_SIDE_SAMPLES = 128;
const FACTORS = [8, 4, 2] as const;
/** Lowest row that is looked at, in shorter sides: the largest banners end there. */
const BAND_HEIGHT = { portrait: 0.9, landscape: 0.75 } as const;
/** Smaller screens hold no banner that anybody could read. */
const SMALLEST_SIDE = 64;
/** Most samples of a small picture. */
export const BAND_SAMPLES: number = 1 << 16;

/**
 * Lays out the band for a screen.
 *
 * @returns `undefined` for screens too small to read a banner on.
 */
export function layOutBand(screen: Region): Band | undefined {
  const shortSide = Math.min(screen.width, screen.height);
  if (shortSide < SMALLEST_SIDE) return undefined;
  const factor = FACTORS.find((candidate) => shortSide / candidate >= SHORT_SIDE_SAMPLES) ?? 1;
  const isPortrait = screen.height >= screen.width;
  const width = Math.floor(screen.width / factor);
  const wanted = Math.min(screen.height, shortSide * (isPortrait ? BAND_HEIGHT.portrait : BAND_HEIGHT.landscape));
  const height = Math.min(Math.floor(wanted / factor), Math.floor(BAND_SAMPLES / width));
  if (height < SMALLEST_SIDE / 2) return undefined;
  return {
    screen,
    region: { x: screen.x, y: screen.y, width: width * factor, height: height * factor },
    factor,
    // One of four rows is enough to see edges by, and is what the time goes into.
    rowStep: Math.min(factor, 4),
    width,
    height,
    unit: shortSide / factor,
    isPortrait,
  };
}

/** Whole luma samples of the picture around a rectangle of the small one, within the screen. */
export function toPicture(band: Band, left: number, top: number, right: number, bottom: number): Region {
  const { screen, factor } = band;
  const x = Math.max(0, Math.floor(left * factor));
  const y = Math.max(0, Math.floor(top * factor));
  const endX = Math.min(screen.width, Math.ceil(right * factor));
  const endY = Math.min(screen.height, Math.ceil(bottom * factor));
  return { x: screen.x + x, y: screen.y + y, width: Math.max(1, endX - x), height: Math.max(1, endY - y) };
}
