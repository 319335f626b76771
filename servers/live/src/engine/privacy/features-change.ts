import type { GrayImage } from "@kagami/kernels";
import type { Candidate } from "./candidates.ts";

const CELL = 8;
/** Mean difference of a cell's samples above which it has changed. */
const CHANGED_LEVEL = 5;

/** Mean change and share of changed cells, inside and outside. */
export function measureChange(
  cells: Int32Array,
  { width, height }: GrayImage,
  { left, top, bottom }: Candidate,
  into: Float32Array,
  at: number,
): void {
  const columns = Math.ceil(width / CELL);
  const rows = Math.ceil(height / CELL);
  const limit = CHANGED_LEVEL * CELL * CELL;
  let inside = 0;
  let outside = 0;
  let insideCount = 0;
  let outsideCount = 0;
  let insideChanged = 0;
  let outsideChanged = 0;
  for (let row = 0; row < rows; row++) {
    const y = row * CELL;
    const isRowIn = y + CELL / 2 >= top && y + CELL / 2 < bottom;
    for (let column = 0; column < columns; column++) {
      const x = column * CELL + CELL / 2;
      const difference = cells[row * columns + column] as number;
      if (isRowIn && x >= left && x < width - left) {
        inside += difference;
        insideCount++;
        if (difference >= limit) insideChanged++;
      } else {
        outside += difference;
        outsideCount++;
        if (difference >= limit) outsideChanged++;
      }
    }
  }
  const samples = CELL * CELL;
  into[at] = insideCount > 0 ? inside / (insideCount * samples) : 0;
  into[at + 1] = outsideCount > 0 ? outside / (outsideCount * samples) : 0;
  into[at + 2] = insideCount > 0 ? insideChanged / insideCount : 0;
  into[at + 3] = outsideCount > 0 ? outsideChanged / outsideCount : 0;
}
