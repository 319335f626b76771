import type { GrayImage, Kernels, ProfileSlot } from "@kagami/kernels";

/** Rows of one tile of upright edges, columns of one tile of level edges. */
export const TILE_ROWS = 4;
export const TILE_COLUMNS = 8;
/** Steps are stored in so many parts of a level: a soft shadow's are below one. */
export const STEP_SCALE = 4;

/**
 * Where a picture has edges, averaged over short pieces of them.
 *
 * A card's side is an edge of one sign at one x over many tiles; texture averages out within a tile and differs from
 * one to the next. So a tile is the smallest thing that is worth asking about, and there are few enough of them to ask
 * about every rectangle.
 */
export interface EdgeTiles {
  readonly width: number;
  readonly height: number;
  readonly bandCount: number;
  readonly laneCount: number;
  /** The step from x - 1 to x + 1, in quarters of a level, at `band * width + x`. */
  readonly upright: Int32Array;
  /** The step from y - 1 to y + 1, in quarters of a level, at `y * laneCount + lane`. */
  readonly level: Int32Array;
}

/** Room for the tiles of pictures of at most so many samples. */
export interface TileSlots {
  readonly upright: ProfileSlot;
  readonly level: ProfileSlot;
}

/** Measures where pictures have edges. The result is valid until the next picture. */
export function measureTiles(kernels: Kernels, image: GrayImage, { upright, level }: TileSlots): EdgeTiles {
  const { width, height } = image;
  return {
    width,
    height,
    bandCount: Math.floor(height / TILE_ROWS),
    laneCount: Math.floor(width / TILE_COLUMNS),
    upright: kernels.uprightTiles(image, upright).sums,
    level: kernels.levelTiles(image, level).sums,
  };
}
