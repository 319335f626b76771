import { boxMultiplier, cellCount } from "../cells.ts";
import type { Plane, Region } from "../frame.ts";
import { MAX_SIDE } from "../limits.ts";

/** A copy of the row or column that is being blurred; its content means nothing between calls. */
const line = new Uint8Array(MAX_SIDE);

export function obscurePlane(plane: Plane, region: Region, cell: number, step: number, radius: number): void {
  const { data, stride } = plane;
  const corner = region.y * stride + region.x;
  const { width, height } = region;
  if (cell > 1 || step > 1) mosaic(data, corner, stride, width, height, cell, step);
  if (radius === 0) return;
  for (let pass = 0; pass < 2; pass++) {
    for (let y = 0; y < height; y++) blurLine(data, corner + y * stride, 1, width, radius);
  }
  for (let pass = 0; pass < 2; pass++) {
    for (let x = 0; x < width; x++) blurLine(data, corner + x, stride, height, radius);
  }
}

/** Averages are exact, halves rounded up, before they are rounded to multiples of `step`, halves up again. */
function mosaic(
  data: Uint8Array,
  corner: number,
  stride: number,
  width: number,
  height: number,
  cell: number,
  step: number,
): void {
  const columns = cellCount(width, cell);
  const rows = cellCount(height, cell);
  for (let row = 0; row < rows; row++) {
    const top = row * cell;
    const bottom = row + 1 === rows ? height : top + cell;
    for (let column = 0; column < columns; column++) {
      const left = column * cell;
      const right = column + 1 === columns ? width : left + cell;
      fillWithAverage(data, corner + top * stride + left, stride, right - left, bottom - top, step);
    }
  }
}

function fillWithAverage(
  data: Uint8Array,
  corner: number,
  stride: number,
  width: number,
  height: number,
  step: number,
): void {
  let sum = 0;
  for (let y = 0; y < height; y++) {
    const start = corner + y * stride;
    for (let at = start; at < start + width; at++) sum += data[at]!;
  }
  const count = width * height;
  const average = Math.floor((sum + (count >> 1)) / count);
  const rounded = Math.min(255, Math.floor((average + (step >> 1)) / step) * step);
  for (let y = 0; y < height; y++) data.fill(rounded, corner + y * stride, corner + y * stride + width);
}

/** Averages over `2 * radius + 1` samples by a running sum; beyond the ends the first and last sample go on. */
function blurLine(data: Uint8Array, start: number, step: number, length: number, radius: number): void {
  const multiplier = boxMultiplier(radius);
  const last = length - 1;
  for (let i = 0; i < length; i++) line[i] = data[start + i * step]!;
  let sum = radius * line[0]!;
  for (let i = 0; i <= radius; i++) sum += line[Math.min(i, last)]!;
  for (let i = 0; i < length; i++) {
    data[start + i * step] = (sum * multiplier + 16_384) >> 15;
    sum += line[Math.min(i + radius + 1, last)]! - line[Math.max(i - radius, 0)]!;
  }
}
