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
  /** For each band of rows, the step from x - 1 to x + 1 at x, in quarters of a level; `width` entries each. */
  readonly upright: readonly Int16Array[];
  /** For each lane of columns, the step from y - 1 to y + 1 at y, in quarters of a level; `height` entries each. */
  readonly level: readonly Int16Array[];
}

/** Makes the edge tiles of pictures of one size, always in the same memory. */
export class EdgeTiler {
  readonly #kernels: Kernels;
  readonly #slot: ProfileSlot;
  readonly tiles: EdgeTiles;

  constructor(kernels: Kernels, slot: ProfileSlot, width: number, height: number) {
    this.#kernels = kernels;
    this.#slot = slot;
    const bandCount = Math.floor(height / TILE_ROWS);
    const laneCount = Math.floor(width / TILE_COLUMNS);
    this.tiles = {
      width,
      height,
      bandCount,
      laneCount,
      upright: Array.from({ length: bandCount }, () => new Int16Array(width)),
      level: Array.from({ length: laneCount }, () => new Int16Array(height)),
    };
  }

  measure(image: GrayImage): void {
    const { upright, level, bandCount, laneCount } = this.tiles;
    for (let band = 0; band < bandCount; band++) {
      const top = band * TILE_ROWS;
      const { sums } = this.#kernels.columnSteps(image, top, top + TILE_ROWS, this.#slot);
      storeSteps(sums, image.width - 1, STEP_SCALE / TILE_ROWS, upright[band] as Int16Array);
    }
    for (let lane = 0; lane < laneCount; lane++) {
      const left = lane * TILE_COLUMNS;
      const { sums } = this.#kernels.rowSteps(image, left, left + TILE_COLUMNS, this.#slot);
      storeSteps(sums, image.height - 1, STEP_SCALE / TILE_COLUMNS, level[lane] as Int16Array);
    }
  }
}

/** Two steps together: a card's edge seldom falls between two samples. */
function storeSteps(sums: Int32Array, count: number, scale: number, into: Int16Array): void {
  let before = 0;
  for (let i = 0; i < count; i++) {
    const step = sums[i] as number;
    into[i] = ((before + step) * scale) | 0;
    before = step;
  }
  into[count] = (before * scale) | 0;
}
