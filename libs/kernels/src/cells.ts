/**
 * Along one side of a region: how many cells of a mosaic there are. They start at the region's corner; what is left
 * over at the end, if it is less than half a cell, goes with the last one, so that no thin strip keeps its detail.
 */
export function cellCount(length: number, cell: number): number {
  const whole = Math.floor(length / cell);
  const rest = length - whole * cell;
  return Math.max(1, whole + (rest > 0 && rest * 2 >= cell ? 1 : 0));
}

/**
 * What a sum over `2 * radius + 1` samples is multiplied by, before 2^14 is added and 15 bits are dropped, to get their
 * average: at most 1 off the exact one, and exact where all samples are equal. `radius` is 1 to 63.
 */
export function boxMultiplier(radius: number): number {
  return Math.round(32_768 / (2 * radius + 1));
}
