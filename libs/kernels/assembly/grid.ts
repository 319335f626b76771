// Means and textures of the cells of a grid, one row of cells at a time.
import { difference } from "./lanes";

/**
 * @param rows Rows of the picture that make the row of cells, `stride` apart.
 * @param scratch Room for two sums of 32 bits for each sample of a row.
 */
export function cellRow(
  from: usize,
  stride: i32,
  rows: i32,
  columns: i32,
  size: i32,
  meanScale: i32,
  textureScale: i32,
  toMean: usize,
  toTexture: usize,
  scratch: usize,
): void {
  const width = columns * size;
  const details = scratch + 4 * ((width + 31) & ~15);
  let group = 1;
  if (size & 1) sumSamples(from, stride, rows, width, scratch, details);
  else if (size & 2) {
    group = 2;
    sumPairs(from, stride, rows, width, scratch, details);
  } else {
    group = 4;
    sumQuads(from, stride, rows, width, scratch, details);
  }
  // The last sample of a row has no neighbour within the region.
  const last = details + 4 * ((width - 1) / group);
  let beyond = 0;
  for (let row = 0; row < rows; row++) {
    const at = from + row * stride + width;
    beyond += abs(<i32>load<u8>(at) - <i32>load<u8>(at - 1));
  }
  store<i32>(last, load<i32>(last) - beyond);
  const count = size / group;
  let at = scratch;
  let detailAt = details;
  for (let column = 0; column < columns; column++) {
    let sum = 0;
    let detail = 0;
    for (let i = 0; i < count; i++) {
      sum += load<i32>(at);
      detail += load<i32>(detailAt);
      at += 4;
      detailAt += 4;
    }
    store<u8>(toMean + column, <u8>min<u32>(255, (<u32>(sum * meanScale) + 32768) >>> 16));
    store<u8>(toTexture + column, <u8>min<u32>(255, <u32>(detail * textureScale) >>> 16));
  }
}

/** Sums of four samples next to one another, and of their differences to the next sample. */
function sumQuads(from: usize, stride: i32, rows: i32, width: i32, sums: usize, details: usize): void {
  for (let x = 0; x < width; x += 16) {
    let at = from + x;
    let sum = i16x8.splat(0);
    let detail = sum;
    for (let row = 0; row < rows; row++) {
      const samples = v128.load(at);
      sum = i16x8.add(sum, i16x8.extadd_pairwise_i8x16_u(samples));
      detail = i16x8.add(detail, i16x8.extadd_pairwise_i8x16_u(difference(samples, v128.load(at, 1))));
      at += stride;
    }
    v128.store(sums + x, i32x4.extadd_pairwise_i16x8_u(sum));
    v128.store(details + x, i32x4.extadd_pairwise_i16x8_u(detail));
  }
}

function sumPairs(from: usize, stride: i32, rows: i32, width: i32, sums: usize, details: usize): void {
  for (let x = 0; x < width; x += 16) {
    let at = from + x;
    let sum = i16x8.splat(0);
    let detail = sum;
    for (let row = 0; row < rows; row++) {
      const samples = v128.load(at);
      sum = i16x8.add(sum, i16x8.extadd_pairwise_i8x16_u(samples));
      detail = i16x8.add(detail, i16x8.extadd_pairwise_i8x16_u(difference(samples, v128.load(at, 1))));
      at += stride;
    }
    storeWide(sums + 2 * x, sum);
    storeWide(details + 2 * x, detail);
  }
}

function sumSamples(from: usize, stride: i32, rows: i32, width: i32, sums: usize, details: usize): void {
  for (let x = 0; x < width; x += 16) {
    let at = from + x;
    let sumLow = i16x8.splat(0);
    let sumHigh = sumLow;
    let detailLow = sumLow;
    let detailHigh = sumLow;
    for (let row = 0; row < rows; row++) {
      const samples = v128.load(at);
      const change = difference(samples, v128.load(at, 1));
      sumLow = i16x8.add(sumLow, i16x8.extend_low_i8x16_u(samples));
      sumHigh = i16x8.add(sumHigh, i16x8.extend_high_i8x16_u(samples));
      detailLow = i16x8.add(detailLow, i16x8.extend_low_i8x16_u(change));
      detailHigh = i16x8.add(detailHigh, i16x8.extend_high_i8x16_u(change));
      at += stride;
    }
    storeWide(sums + 4 * x, sumLow);
    storeWide(sums + 4 * x + 32, sumHigh);
    storeWide(details + 4 * x, detailLow);
    storeWide(details + 4 * x + 32, detailHigh);
  }
}

// @ts-ignore: decorator
@inline
function storeWide(to: usize, lanes: v128): void {
  v128.store(to, i32x4.extend_low_i16x8_u(lanes), 0);
  v128.store(to, i32x4.extend_high_i16x8_u(lanes), 16);
}
