import type { Candidate } from "./candidates.ts";
import type { SearchLimits } from "./profiles.ts";

/** Numbers of the search; lengths in fractions of the screen's shorter side. */
const SEARCH = {
  /** Mean difference of a cell's samples, in levels, above which it is new. */
  newLevel: 4,
  /** Share of the cells of a row, within the narrowest card, that are new where a card has come. */
  rowShare: 0.22,
  /** Share of the cells of a column, within the rows found, that are new where the card is. */
  columnShare: 0.15,
  /** Rows without anything new between lines of one card. */
  gapRows: 1,
  /** From what is on a card to its edge. */
  padding: 0.03,
  /** Of a card in portrait, whose content says little about how wide it is. */
  margin: 0.026,
} as const;
const CELL = 8;

/**
 * Finds where something new stands, for cards whose outline does not show because they are as bright as what is behind
 * them: their text and icon still are new, in a block of rows near the top.
 *
 * @param cells Differences from a picture some tenths of a second ago; see `cellDifferences`.
 * @param width Of the small picture, in samples.
 * @param into Filled with the rectangles found, from the top.
 * @returns How many were filled.
 */
export function findChange(
  cells: Int32Array,
  width: number,
  height: number,
  unit: number,
  isPortrait: boolean,
  limits: SearchLimits,
  into: Candidate[],
): number {
  const columns = Math.ceil(width / CELL);
  const rows = Math.ceil(height / CELL);
  const fromColumn = Math.ceil(limits.leftTo / CELL);
  const toColumn = columns - fromColumn;
  const limit = SEARCH.newLevel * CELL * CELL;
  let count = 0;
  let firstRow = -1;
  let lastRow = -1;
  for (let row = 0; row <= rows && count < into.length; row++) {
    const isNew = row < rows && newShare(cells, columns, row, fromColumn, toColumn, limit) >= SEARCH.rowShare;
    if (isNew) {
      if (firstRow < 0) firstRow = row;
      lastRow = row;
      if (row < rows - 1) continue;
    }
    if (firstRow < 0 || (row - lastRow <= SEARCH.gapRows && row < rows)) continue;
    const padding = SEARCH.padding * unit;
    const top = Math.max(0, firstRow * CELL - (firstRow === 0 ? 0 : padding));
    const bottom = Math.min(height - 1, (lastRow + 1) * CELL + padding * 0.5);
    const left = isPortrait
      ? SEARCH.margin * unit
      : leftOf(cells, columns, firstRow, lastRow, limits, limit) - padding * 0.5;
    firstRow = -1;
    if (top > limits.topTo + padding || bottom - top > limits.heightTo + padding) continue;
    const candidate = into[count] as Candidate;
    candidate.left = Math.max(1, Math.round(left));
    candidate.top = top < 3 ? 0 : Math.round(top);
    candidate.bottom = Math.round(bottom);
    candidate.strength = 0;
    count++;
  }
  return count;
}

function newShare(cells: Int32Array, columns: number, row: number, from: number, to: number, limit: number): number {
  let count = 0;
  for (let column = from; column < to; column++) if ((cells[row * columns + column] as number) >= limit) count++;
  return to > from ? count / (to - from) : 0;
}

/** The outermost of two mirrored columns in which something is new, on either side. */
function leftOf(
  cells: Int32Array,
  columns: number,
  firstRow: number,
  lastRow: number,
  limits: SearchLimits,
  limit: number,
): number {
  const from = Math.max(0, Math.floor(limits.leftFrom / CELL));
  const to = Math.min(columns >> 1, Math.ceil(limits.leftTo / CELL));
  const least = SEARCH.columnShare * (lastRow - firstRow + 1);
  // From the inside, so that things that move far from the card do not widen it.
  let left = to;
  for (let column = to - 1; column >= from; column--) {
    let near = 0;
    let far = 0;
    for (let row = firstRow; row <= lastRow; row++) {
      if ((cells[row * columns + column] as number) >= limit) near++;
      if ((cells[row * columns + columns - 1 - column] as number) >= limit) far++;
    }
    if (Math.max(near, far) < least) break;
    left = column;
  }
  return left * CELL;
}
