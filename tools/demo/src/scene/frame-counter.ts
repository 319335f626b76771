/** Cells of the counter strip. */
export const COUNTER_CELL_COUNT = 32;
/** Pictures counted before the counter starts again at 0. */
export const COUNTER_LIMIT = 1 << 24;

const COUNTER_BITS = 24;
const CHECK_BITS = 6;

/** First row of the strip in a picture of `height` rows: it takes the lowest fortieth, an even number of rows. */
export function counterTop(height: number): number {
  return height - 2 * Math.round(height / 80);
}

/** First column of a cell; cell 32 would start at the right edge. Cells are even parts of the width. */
export function counterCellLeft(cell: number, width: number): number {
  return 2 * Math.round((cell * width) / (2 * COUNTER_CELL_COUNT));
}

/**
 * The cells of `index` from left to right, true for white: one white and one black cell to measure by, 24 cells of the
 * picture's number, highest bit first, and 6 of a checksum.
 */
export function counterCells(index: number): boolean[] {
  const counter = index % COUNTER_LIMIT;
  const cells = [true, false];
  for (let bit = COUNTER_BITS - 1; bit >= 0; bit--) cells.push(((counter >> bit) & 1) === 1);
  const check = checksum(counter);
  for (let bit = CHECK_BITS - 1; bit >= 0; bit--) cells.push(((check >> bit) & 1) === 1);
  return cells;
}

/** Six bits of a multiplicative hash; picture 0 does not have checksum 0. */
function checksum(counter: number): number {
  return Math.imul(counter ^ 0x2a5a5a, 0x9e3779b1) >>> 26;
}

/** Pixels to read a counter from: RGBA as a canvas gives them, or a luma plane. */
export interface CounterPixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly format: "rgba" | "luma";
  /** Bytes from one row to the next, if there is padding. */
  readonly strideBytes?: number;
}

/**
 * Reads the number of a picture drawn with `counter: true`. The pixels may be a scaled copy of the picture, as long
 * as the whole picture is there and a cell is still a few pixels wide.
 *
 * @returns `undefined` if the strip is not there or fails its checksum.
 */
export function readFrameCounter(pixels: CounterPixels): number | undefined {
  const { width, height } = pixels;
  const y = (counterTop(height) + height) / 2;
  const cellWidth = width / COUNTER_CELL_COUNT;
  const levels = Array.from({ length: COUNTER_CELL_COUNT }, (_, cell) =>
    meanLevel(pixels, (cell + 0.5) * cellWidth, y, cellWidth),
  );
  const white = levels[0] as number;
  const black = levels[1] as number;
  if (white - black < 64) return undefined;
  const threshold = (white + black) / 2;
  let counter = 0;
  for (let bit = 0; bit < COUNTER_BITS; bit++)
    counter = counter * 2 + ((levels[2 + bit] as number) > threshold ? 1 : 0);
  let check = 0;
  for (let bit = 0; bit < CHECK_BITS; bit++)
    check = check * 2 + ((levels[2 + COUNTER_BITS + bit] as number) > threshold ? 1 : 0);
  return check === checksum(counter) ? counter : undefined;
}

/** Mean brightness of a few pixels around (`x`, `y`). */
function meanLevel(pixels: CounterPixels, x: number, y: number, cellWidth: number): number {
  const { data, width, height, format } = pixels;
  const bytesPerPixel = format === "rgba" ? 4 : 1;
  const stride = pixels.strideBytes ?? width * bytesPerPixel;
  const radius = Math.max(0, Math.floor(cellWidth / 6));
  let sum = 0;
  let count = 0;
  for (let row = Math.floor(y) - radius; row <= Math.floor(y) + radius; row++) {
    for (let column = Math.floor(x) - radius; column <= Math.floor(x) + radius; column++) {
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const at = row * stride + column * bytesPerPixel;
      // Green carries most of the brightness, and the cells are grey.
      sum += (format === "rgba" ? data[at + 1] : data[at]) ?? 0;
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}
