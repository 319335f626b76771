import type { Region } from "@kagami/kernels";

/** The part of a picture that is looked at, and the cells it is looked at in. */
export interface Grid {
  /** The phone's screen in the picture, in luma samples. */
  readonly screen: Region;
  /** Whole cells from the screen's upper edge down, in luma samples of the picture. */
  readonly region: Region;
  /** Side of a cell, in luma samples. */
  readonly cellSize: number;
  readonly columns: number;
  readonly rows: number;
  /** The screen's shorter side in cells; all geometry is in fractions of it. */
  readonly unit: number;
  readonly isPortrait: boolean;
}

/** A rectangle in cells; edges may lie within a cell. */
export interface CellBox {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Cells along the shorter side: a line of a banner's text is two to three of them high. */
const CELLS_ACROSS = 60;
/** Lowest row that is looked at, in shorter sides: the largest banners end there. */
const BAND_HEIGHT = { portrait: 0.9, landscape: 0.75 } as const;
/** Smaller screens hold no banner that anybody could read. */
const SMALLEST_SIDE = 64;
/** Most cells of a grid: a longer screen is looked at less far down. */
export const CELL_LIMIT = 16_384;

/**
 * Lays out the grid for a screen.
 *
 * @returns `undefined` for screens too small to read a banner on.
 */
export function layOutGrid(screen: Region): Grid | undefined {
  const shortSide = Math.min(screen.width, screen.height);
  if (shortSide < SMALLEST_SIDE) return undefined;
  const cellSize = Math.max(1, Math.round(shortSide / CELLS_ACROSS));
  const isPortrait = screen.height >= screen.width;
  const columns = Math.floor(screen.width / cellSize);
  const wanted = Math.min(screen.height, shortSide * (isPortrait ? BAND_HEIGHT.portrait : BAND_HEIGHT.landscape));
  const rows = Math.min(Math.floor(wanted / cellSize), Math.floor(CELL_LIMIT / columns));
  if (rows < CELLS_ACROSS / 4) return undefined;
  return {
    screen,
    region: { x: screen.x, y: screen.y, width: columns * cellSize, height: rows * cellSize },
    cellSize,
    columns,
    rows,
    unit: shortSide / cellSize,
    isPortrait,
  };
}

/** Whole luma samples of the picture around a box, within the screen. */
export function toPicture({ screen, cellSize }: Grid, { left, top, right, bottom }: CellBox): Region {
  const x = Math.min(screen.width - 1, Math.max(0, Math.floor(left * cellSize)));
  const y = Math.min(screen.height - 1, Math.max(0, Math.floor(top * cellSize)));
  const endX = Math.min(screen.width, Math.ceil(right * cellSize));
  const endY = Math.min(screen.height, Math.ceil(bottom * cellSize));
  return { x: screen.x + x, y: screen.y + y, width: Math.max(1, endX - x), height: Math.max(1, endY - y) };
}
