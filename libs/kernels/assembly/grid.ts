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
    sumQuads(from, stride, width, scratch, details);
  }
  // The last sample of a row has no neighbour within the region.
  const last = details + 4 * ((width - 1) / group);
  let beyond = 0;
  for (let row = 0; row < rows; row++) {
    const at = from + row * stride + width;
    beyond += abs(<i32>load<u8>(at) - <i32>load<u8>(at - 1));
  }
  store<i32>(last, load<i32>(last) - beyond);
  scaleSums(scratch, columns, size / group, meanScale, toMean, 32768);
  scaleSums(details, columns, size / group, textureScale, toTexture, 0);
}

/** Sums of `count` entries each, multiplied by `scale`, without their last 16 bits: four at once. */
function scaleSums(entries: usize, columns: i32, count: i32, scale: i32, to: usize, half: i32): void {
  const step = 4 * count;
  const scales = i32x4.splat(scale);
  const halves = i32x4.splat(half);
  let column = 0;
  for (; column + 4 <= columns; column += 4) {
    let sums = i32x4.splat(0);
    for (let at = entries, end = entries + step; at < end; at += 4) {
      let each = v128.load32_zero(at);
      each = v128.load_lane<i32>(at + step, each, 1);
      each = v128.load_lane<i32>(at + 2 * step, each, 2);
      each = v128.load_lane<i32>(at + 3 * step, each, 3);
      sums = i32x4.add(sums, each);
    }
    // Narrowing keeps what is over 255 at 255.
    sums = i32x4.shr_u(i32x4.add(i32x4.mul(sums, scales), halves), 16);
    const shorts = i16x8.narrow_i32x4_s(sums, sums);
    v128.store_lane<i32>(to + column, i8x16.narrow_i16x8_u(shorts, shorts), 0);
    entries += 4 * step;
  }
  for (; column < columns; column++) {
    let sum = 0;
    for (const end = entries + step; entries < end; entries += 4) sum += load<i32>(entries);
    store<u8>(to + column, <u8>min<u32>(255, <u32>(sum * scale + half) >>> 16));
  }
}

/**
 * Sums of four samples next to one another, and of their differences to the next sample. Cells that such groups fill
 * have four rows at least, and no more than four are looked at.
 */
function sumQuads(from: usize, stride: i32, width: i32, sums: usize, details: usize): void {
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
    v128.store(sums + x, i32x4.dot_i16x8_s(sum, ones));
    v128.store(details + x, i32x4.dot_i16x8_s(detail, ones));
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
