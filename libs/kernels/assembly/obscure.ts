// Mosaic and box blur of one plane, in place.
//
// The rows of a mosaic's cell are all alike, so the blurs along the rows need to be done once for each row of cells
// only. They and the blurs along the columns are one loop, `blurTwice`, over 16 lines side by side, a line in each
// lane: for the columns they lie in the plane like that; for the rows they are turned.
//
//   plane ──averages──▶ cells[column][lane = row of cells] ──blurTwice──▶ lines[x][lane] ──turn──▶ the plane's first
//   rows, one for each row of cells ──blurTwice, 16 columns at a time──▶ plane
//
// A row of cells starts no higher in the plane than the row that its turned line is written to, and groups of 16 are
// read before they are written: nothing is overwritten before its time.

/** Bytes of scratch memory: cells, lines, the first blur's result, sums of columns. */
const LINES: i32 = 4096 * 16;
const FIRST: i32 = 2 * LINES;
const SUMS: i32 = FIRST + (4096 + 128) * 16;

/**
 * @param stride At least `width` rounded up to a multiple of 16: rows are written in whole vectors.
 * @param step The averages are rounded to multiples of it.
 * @param columns Number of cells in a row; `rows` likewise. The last ones take what is left over.
 * @param multiplier See boxMultiplier() in src/cells.ts.
 */
export function obscure(
  plane: usize,
  stride: i32,
  width: i32,
  height: i32,
  cell: i32,
  step: i32,
  columns: i32,
  rows: i32,
  radius: i32,
  multiplier: i32,
  scratch: usize,
): void {
  const lines = scratch + LINES;
  const first = scratch + FIRST;
  for (let group = 0; group < rows; group += 16) {
    const lanes = min(16, rows - group);
    for (let lane = 0; lane < lanes; lane++) {
      const top = (group + lane) * cell;
      const bottom = group + lane + 1 < rows ? top + cell : height;
      averages(plane + top * stride, stride, width, bottom - top, cell, step, columns, scratch + SUMS, scratch + lane);
    }
    blurTwice(scratch, 16, columns, cell, width, radius, multiplier, first, lines, 16);
    turn(lines, width, lanes, plane + group * stride, stride);
  }
  for (let x = 0; x < width; x += 16) {
    blurTwice(plane + x, stride, rows, cell, height, radius, multiplier, first, plane + x, stride);
  }
}

/** Averages of one row of cells, 16 bytes apart. At most 256 rows, so that a column's sum fits 16 bits. */
function averages(from: usize, stride: i32, width: i32, height: i32, cell: i32, step: i32, columns: i32, sums: usize, to: usize): void {
  for (let x = 0; x < width; x += 32) {
    let at = from + x;
    let a = i16x8.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (let row = 0; row < height; row++) {
      const left = v128.load(at);
      const right = v128.load(at, 16);
      a = i16x8.add(a, i16x8.extend_low_i8x16_u(left));
      b = i16x8.add(b, i16x8.extend_high_i8x16_u(left));
      c = i16x8.add(c, i16x8.extend_low_i8x16_u(right));
      d = i16x8.add(d, i16x8.extend_high_i8x16_u(right));
      at += stride;
    }
    const sum = sums + 2 * x;
    v128.store(sum, a);
    v128.store(sum, b, 16);
    v128.store(sum, c, 32);
    v128.store(sum, d, 48);
  }
  for (let column = 0; column < columns; column++) {
    const left = column * cell;
    const right = column + 1 < columns ? left + cell : width;
    const count: u32 = (right - left) * height;
    const average: u32 = (sumOfPairs(sums + 2 * left, right - left) + (count >> 1)) / count;
    store<u8>(to + 16 * column, step > 1 ? min(255, ((average + (step >> 1)) / step) * step) : average);
  }
}

/** Sum of so many 16-bit numbers. */
function sumOfPairs(at: usize, count: i32): u32 {
  let sums = i32x4.splat(0);
  let i = 0;
  for (; i + 8 <= count; i += 8) sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(v128.load(at + 2 * i)));
  sums = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1));
  let sum: u32 = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  for (; i < count; i++) sum += load<u16>(at + 2 * i);
  return sum;
}

/**
 * Blurs 16 lines twice. They are given by their cells, `fromStride` apart and `cell` samples long, and written sample
 * by sample, `toStride` apart; the two may overlap, for all is read before the first is written.
 */
function blurTwice(
  from: usize,
  fromStride: i32,
  count: i32,
  cell: i32,
  length: i32,
  radius: i32,
  multiplier: i32,
  buffer: usize,
  to: usize,
  toStride: i32,
): void {
  blurCells(from, fromStride, count, cell, length, radius, multiplier, buffer + 16 * radius);
  // The first and the last sample go on beyond the ends.
  const first = v128.load(buffer + 16 * radius);
  const end = buffer + 16 * (radius + length);
  const last = v128.load(end - 16);
  for (let i = 0; i < radius; i++) v128.store(buffer + 16 * i, first);
  for (let i = 0; i <= radius; i++) v128.store(end + 16 * i, last);

  const factor = i16x8.splat(<i16>multiplier);
  const span = 16 * (2 * radius + 1);
  let low = i16x8.splat(0);
  let high = low;
  for (let at = buffer; at < buffer + span; at += 16) {
    const value = v128.load(at);
    low = i16x8.add(low, i16x8.extend_low_i8x16_u(value));
    high = i16x8.add(high, i16x8.extend_high_i8x16_u(value));
  }
  for (let i = 0; i < length; i++) {
    v128.store(to, average(low, high, factor));
    const enters = v128.load(buffer + span);
    const leaves = v128.load(buffer);
    low = i16x8.add(low, i16x8.sub(i16x8.extend_low_i8x16_u(enters), i16x8.extend_low_i8x16_u(leaves)));
    high = i16x8.add(high, i16x8.sub(i16x8.extend_high_i8x16_u(enters), i16x8.extend_high_i8x16_u(leaves)));
    buffer += 16;
    to += toStride;
  }
}

/** The first of the two blurs. What enters and what leaves the sum changes only where a cell ends. */
function blurCells(
  from: usize,
  fromStride: i32,
  count: i32,
  cell: i32,
  length: i32,
  radius: i32,
  multiplier: i32,
  to: usize,
): void {
  const factor = i16x8.splat(<i16>multiplier);
  const corner = v128.load(from);
  let low = i16x8.mul(i16x8.extend_low_i8x16_u(corner), i16x8.splat(<i16>radius));
  let high = i16x8.mul(i16x8.extend_high_i8x16_u(corner), i16x8.splat(<i16>radius));
  for (let i = 0; i < count && i * cell <= radius; i++) {
    const samples = (i + 1 < count ? min((i + 1) * cell, radius + 1) : radius + 1) - i * cell;
    const value = v128.load(from + i * fromStride);
    low = i16x8.add(low, i16x8.mul(i16x8.extend_low_i8x16_u(value), i16x8.splat(<i16>samples)));
    high = i16x8.add(high, i16x8.mul(i16x8.extend_high_i8x16_u(value), i16x8.splat(<i16>samples)));
  }
  let entering = min((radius + 1) / cell, count - 1);
  let leaving = 0;
  let i = 0;
  while (i < length) {
    const enters = v128.load(from + entering * fromStride);
    const leaves = v128.load(from + leaving * fromStride);
    const stepLow = i16x8.sub(i16x8.extend_low_i8x16_u(enters), i16x8.extend_low_i8x16_u(leaves));
    const stepHigh = i16x8.sub(i16x8.extend_high_i8x16_u(enters), i16x8.extend_high_i8x16_u(leaves));
    const nextEntering = entering + 1 < count ? (entering + 1) * cell - radius - 1 : length;
    const nextLeaving = leaving + 1 < count ? (leaving + 1) * cell + radius : length;
    const end = min(length, min(nextEntering, nextLeaving));
    for (; i < end; i++) {
      v128.store(to, average(low, high, factor));
      low = i16x8.add(low, stepLow);
      high = i16x8.add(high, stepHigh);
      to += 16;
    }
    if (end === nextEntering) entering = min(entering + 1, count - 1);
    if (end === nextLeaving) leaving = min(leaving + 1, count - 1);
  }
}

/** Sums are below 2^15, so the relaxed multiplication has one result on every machine. */
// @ts-ignore: decorator
@inline
function average(low: v128, high: v128, factor: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.relaxed_q15mulr_s(low, factor), i16x8.relaxed_q15mulr_s(high, factor));
}

/** Makes a row of each of the first lanes. */
function turn(lines: usize, width: i32, lanes: i32, to: usize, stride: i32): void {
  for (let lane = 0; lane < lanes; lane++) {
    for (let x = 0; x < width; x++) store<u8>(to + x, load<u8>(lines + 16 * x + lane));
    to += stride;
  }
}

/** Without a blur: the cells as they are. */
export function mosaic(
  plane: usize,
  stride: i32,
  width: i32,
  height: i32,
  cell: i32,
  step: i32,
  columns: i32,
  rows: i32,
  scratch: usize,
): void {
  for (let row = 0; row < rows; row++) {
    const top = plane + row * cell * stride;
    const count = row + 1 < rows ? cell : height - row * cell;
    averages(top, stride, width, count, cell, step, columns, scratch + SUMS, scratch);
    for (let column = 0; column < columns; column++) {
      const left = column * cell;
      const right = column + 1 < columns ? left + cell : width;
      memory.fill(top + left, load<u8>(scratch + 16 * column), right - left);
    }
    for (let y = 1; y < count; y++) memory.copy(top + y * stride, top, width);
  }
}
