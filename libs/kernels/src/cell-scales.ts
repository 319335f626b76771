/** Rows of a cell that are read, those in its middle: neighbours, because one copy of them costs less than four. */
export const CELL_ROWS = 4;

/** What sums over a cell are multiplied by, before 16 bits are dropped. */
export interface CellScales {
  readonly mean: number;
  /** To a quarter of what the samples of one row change by, from one to the next, across the cell. */
  readonly texture: number;
}

export function cellScales(size: number): CellScales {
  const rowCount = Math.min(size, CELL_ROWS);
  return { mean: Math.round(65_536 / (size * rowCount)), texture: Math.round(65_536 / (4 * rowCount)) };
}
