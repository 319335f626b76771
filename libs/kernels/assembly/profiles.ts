import { difference, firstLanes, sumsOfFour, total } from "./lanes";

export function rowSteps(image: usize, width: i32, height: i32, left: i32, right: i32, to: usize): void {
  let before = sumOf(image + left, right - left);
  for (let y = 0; y + 1 < height; y++) {
    image += width;
    const sum = sumOf(image + left, right - left);
    i32.store(to + 4 * y, sum - before);
    before = sum;
  }
}

export function rowEdges(image: usize, width: i32, height: i32, left: i32, right: i32, to: usize): void {
  for (let y = 0; y + 1 < height; y++) {
    i32.store(to + 4 * y, differenceOf(image + left, image + width + left, right - left));
    image += width;
  }
}

function sumOf(at: usize, count: i32): i32 {
  let sums = i32x4.splat(0);
  let x = 0;
  for (; x + 16 <= count; x += 16) sums = i32x4.add(sums, sumsOfFour(v128.load(at + x)));
  if (x < count) sums = i32x4.add(sums, sumsOfFour(v128.and(v128.load(at + x), firstLanes(count - x))));
  return total(sums);
}

/** Sum of absolute differences of two rows. */
export function differenceOf(a: usize, b: usize, count: i32): i32 {
  let sums = i32x4.splat(0);
  let x = 0;
  for (; x + 16 <= count; x += 16) {
    sums = i32x4.add(sums, sumsOfFour(difference(v128.load(a + x), v128.load(b + x))));
  }
  if (x < count) {
    const rest = v128.and(difference(v128.load(a + x), v128.load(b + x)), firstLanes(count - x));
    sums = i32x4.add(sums, sumsOfFour(rest));
  }
  return total(sums);
}

/** Rows whose differences are added up in 16 bits, sign included. */
const ROWS_AT_ONCE = 128;

export function columnSteps(image: usize, width: i32, top: i32, bottom: i32, to: usize): void {
  for (let x = 0; x + 1 < width; x += 16) {
    clear(to + 4 * x);
    for (let y = top; y < bottom; y += ROWS_AT_ONCE) {
      let at = image + y * width + x;
      let low = i16x8.splat(0);
      let high = low;
      for (let row = min(ROWS_AT_ONCE, bottom - y); row > 0; row--) {
        const a = v128.load(at);
        const b = v128.load(at, 1);
        low = i16x8.add(low, i16x8.sub(i16x8.extend_low_i8x16_u(b), i16x8.extend_low_i8x16_u(a)));
        high = i16x8.add(high, i16x8.sub(i16x8.extend_high_i8x16_u(b), i16x8.extend_high_i8x16_u(a)));
        at += width;
      }
      addTo(to + 4 * x, low, high);
    }
  }
}

export function columnEdges(image: usize, width: i32, top: i32, bottom: i32, to: usize): void {
  for (let x = 0; x + 1 < width; x += 16) {
    clear(to + 4 * x);
    for (let y = top; y < bottom; y += ROWS_AT_ONCE) {
      let at = image + y * width + x;
      let low = i16x8.splat(0);
      let high = low;
      for (let row = min(ROWS_AT_ONCE, bottom - y); row > 0; row--) {
        const edges = difference(v128.load(at), v128.load(at, 1));
        low = i16x8.add(low, i16x8.extend_low_i8x16_u(edges));
        high = i16x8.add(high, i16x8.extend_high_i8x16_u(edges));
        at += width;
      }
      addTo(to + 4 * x, low, high);
    }
  }
}

// @ts-ignore: decorator
@inline
function clear(to: usize): void {
  const zero = i32x4.splat(0);
  v128.store(to, zero);
  v128.store(to, zero, 16);
  v128.store(to, zero, 32);
  v128.store(to, zero, 48);
}

/** Adds 16 sums of 16 bits to as many of 32. */
// @ts-ignore: decorator
@inline
function addTo(to: usize, low: v128, high: v128): void {
  v128.store(to, i32x4.add(v128.load(to), i32x4.extend_low_i16x8_s(low)));
  v128.store(to, i32x4.add(v128.load(to, 16), i32x4.extend_high_i16x8_s(low)), 16);
  v128.store(to, i32x4.add(v128.load(to, 32), i32x4.extend_low_i16x8_s(high)), 32);
  v128.store(to, i32x4.add(v128.load(to, 48), i32x4.extend_high_i16x8_s(high)), 48);
}

/** Two squares of 8 by 8 at once; an entry too many at the end of a row is overwritten by the next row's first. */
export function cellDifferences(image: usize, before: usize, width: i32, height: i32, to: usize): void {
  const columns = (width + 7) >> 3;
  const ones = i16x8.splat(1);
  for (let y = 0; y < height; y += 8) {
    const rows = min(8, height - y);
    for (let x = 0; x < width; x += 16) {
      const mask = firstLanes(width - x);
      let at = y * width + x;
      let sums = i16x8.splat(0);
      for (let row = 0; row < rows; row++) {
        const changes = v128.and(difference(v128.load(image + at), v128.load(before + at)), mask);
        sums = i16x8.add(sums, i16x8.extadd_pairwise_i8x16_u(changes));
        at += width;
      }
      sums = i32x4.dot_i16x8_s(sums, ones);
      sums = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 1, 0, 3, 2));
      const cell = to + 4 * (x >> 3);
      i32.store(cell, i32x4.extract_lane(sums, 0));
      i32.store(cell, i32x4.extract_lane(sums, 2), 4);
    }
    to += 4 * columns;
  }
}
