// Means and textures of the cells of a grid, one row of cells at a time.
import { difference } from "./lanes";

/**
 * First sums of one, two or four samples next to one another, whatever divides a cell, over all rows; then sums of
 * these for each cell. A sum of samples and one of their differences share 32 bits, in the lower and the upper half:
 * of a whole cell, either is 64 * 4 * 255 at most.
 *
 * @param rows Rows of the picture that make the row of cells, `stride` apart: four, unless the cells are smaller.
 * @param scratch Room for 32 bits for each sample of a row, and 128 bytes.
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
  let group = 1;
  if (size & 1) sumSamples(from, stride, rows, width, scratch);
  else if (size & 2) {
    group = 2;
    sumPairs(from, stride, rows, width, scratch);
  } else {
    group = 4;
    sumQuads(from, stride, width, scratch);
  }
  // The last sample of a row has no neighbour within the region.
  const last = scratch + 4 * ((width - 1) / group);
  let beyond = 0;
  for (let row = 0; row < rows; row++) {
    const at = from + row * stride + width;
    beyond += abs(<i32>load<u8>(at) - <i32>load<u8>(at - 1));
  }
  store<i32>(last, load<i32>(last) - (beyond << 16));
  scaleSums(scratch, columns, size / group, meanScale, textureScale, toMean, toTexture);
}

/** Of each cell, `count` sums added up, multiplied by the scales, without their last 16 bits: four cells at once. */
function scaleSums(
  sums: usize,
  columns: i32,
  count: i32,
  meanScale: i32,
  textureScale: i32,
  toMean: usize,
  toTexture: usize,
): void {
  const step = 4 * count;
  const low = i32x4.splat(0xffff);
  const half = i32x4.splat(32768);
  let column = 0;
  for (; column + 4 <= columns; column += 4) {
    let both = i32x4.splat(0);
    for (let at = sums, end = sums + step; at < end; at += 4) {
      let each = v128.load32_zero(at);
      each = v128.load_lane<i32>(at + step, each, 1);
      each = v128.load_lane<i32>(at + 2 * step, each, 2);
      each = v128.load_lane<i32>(at + 3 * step, each, 3);
      both = i32x4.add(both, each);
    }
    const means = i32x4.add(i32x4.mul(v128.and(both, low), i32x4.splat(meanScale)), half);
    const textures = i32x4.mul(i32x4.shr_u(both, 16), i32x4.splat(textureScale));
    // Narrowing keeps what is over 255 at 255.
    const shorts = i16x8.narrow_i32x4_s(i32x4.shr_u(means, 16), i32x4.shr_u(textures, 16));
    const bytes = i8x16.narrow_i16x8_u(shorts, shorts);
    v128.store_lane<i32>(toMean + column, bytes, 0);
    v128.store_lane<i32>(toTexture + column, bytes, 1);
    sums += 4 * step;
  }
  for (; column < columns; column++) {
    let both: u32 = 0;
    for (const end = sums + step; sums < end; sums += 4) both += load<u32>(sums);
    store<u8>(toMean + column, <u8>min<u32>(255, ((both & 0xffff) * meanScale + 32768) >>> 16));
    store<u8>(toTexture + column, <u8>min<u32>(255, ((both >>> 16) * textureScale) >>> 16));
  }
}

/** Always four rows: cells that are made of such groups have that many. */
function sumQuads(from: usize, stride: i32, width: i32, sums: usize): void {
  const ones = i16x8.splat(1);
  for (let x = 0; x < width; x += 16) {
    const a = from + x;
    const b = a + stride;
    const c = b + stride;
    const d = c + stride;
    const first = v128.load(a);
    const second = v128.load(b);
    const third = v128.load(c);
    const fourth = v128.load(d);
    const sum = i16x8.add(
      i16x8.add(i16x8.extadd_pairwise_i8x16_u(first), i16x8.extadd_pairwise_i8x16_u(second)),
      i16x8.add(i16x8.extadd_pairwise_i8x16_u(third), i16x8.extadd_pairwise_i8x16_u(fourth)),
    );
    const detail = i16x8.add(
      i16x8.add(
        i16x8.extadd_pairwise_i8x16_u(difference(first, v128.load(a, 1))),
        i16x8.extadd_pairwise_i8x16_u(difference(second, v128.load(b, 1))),
      ),
      i16x8.add(
        i16x8.extadd_pairwise_i8x16_u(difference(third, v128.load(c, 1))),
        i16x8.extadd_pairwise_i8x16_u(difference(fourth, v128.load(d, 1))),
      ),
    );
    v128.store(sums + x, v128.or(i32x4.dot_i16x8_s(sum, ones), i32x4.shl(i32x4.dot_i16x8_s(detail, ones), 16)));
  }
}

function sumPairs(from: usize, stride: i32, rows: i32, width: i32, sums: usize): void {
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
    storeBoth(sums + 2 * x, sum, detail);
  }
}

function sumSamples(from: usize, stride: i32, rows: i32, width: i32, sums: usize): void {
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
    storeBoth(sums + 4 * x, sumLow, detailLow);
    storeBoth(sums + 4 * x + 32, sumHigh, detailHigh);
  }
}

/** Eight lanes of each, in turn. */
// @ts-ignore: decorator
@inline
function storeBoth(to: usize, lower: v128, upper: v128): void {
  v128.store(to, v128.shuffle<i16>(lower, upper, 0, 8, 1, 9, 2, 10, 3, 11), 0);
  v128.store(to, v128.shuffle<i16>(lower, upper, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}
