// Averages of squares. Rows of the result are written in order and in whole vectors: what is written past the end of
// one is overwritten by the next.

/** `rows` rows, `rowStride` apart, make one of the result; the next one's begin `groupStride` later. */
export function halve(from: usize, rowStride: i32, groupStride: i32, rows: i32, width: i32, height: i32, to: usize): void {
  const shift = 1 + (31 - clz(rows));
  const bias = i16x8.splat(<i16>(<i32>1 << (shift - 1)));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x += 16) {
      let at = from + 2 * x;
      let low = bias;
      let high = bias;
      for (let row = 0; row < rows; row++) {
        low = i16x8.add(low, i16x8.extadd_pairwise_i8x16_u(v128.load(at)));
        high = i16x8.add(high, i16x8.extadd_pairwise_i8x16_u(v128.load(at, 16)));
        at += rowStride;
      }
      v128.store(to + x, i8x16.narrow_i16x8_u(i16x8.shr_u(low, shift), i16x8.shr_u(high, shift)));
    }
    from += groupStride;
    to += width;
  }
}

export function quarter(from: usize, rowStride: i32, groupStride: i32, rows: i32, width: i32, height: i32, to: usize): void {
  const shift = 2 + (31 - clz(rows));
  const bias = i32x4.splat(1 << (shift - 1));
  const ones = i16x8.splat(1);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x += 16) {
      let at = from + 4 * x;
      let a = i16x8.splat(0);
      let b = a;
      let c = a;
      let d = a;
      for (let row = 0; row < rows; row++) {
        a = i16x8.add(a, i16x8.extadd_pairwise_i8x16_u(v128.load(at)));
        b = i16x8.add(b, i16x8.extadd_pairwise_i8x16_u(v128.load(at, 16)));
        c = i16x8.add(c, i16x8.extadd_pairwise_i8x16_u(v128.load(at, 32)));
        d = i16x8.add(d, i16x8.extadd_pairwise_i8x16_u(v128.load(at, 48)));
        at += rowStride;
      }
      a = i32x4.shr_u(i32x4.add(i32x4.dot_i16x8_s(a, ones), bias), shift);
      b = i32x4.shr_u(i32x4.add(i32x4.dot_i16x8_s(b, ones), bias), shift);
      c = i32x4.shr_u(i32x4.add(i32x4.dot_i16x8_s(c, ones), bias), shift);
      d = i32x4.shr_u(i32x4.add(i32x4.dot_i16x8_s(d, ones), bias), shift);
      v128.store(to + x, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
    }
    from += groupStride;
    to += width;
  }
}

export function eighth(from: usize, rowStride: i32, groupStride: i32, rows: i32, width: i32, height: i32, to: usize): void {
  const shift = 3 + (31 - clz(rows));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x += 16) {
      const at = from + 8 * x;
      const a = fourEighths(at, rowStride, rows, shift);
      const b = fourEighths(at + 32, rowStride, rows, shift);
      const c = fourEighths(at + 64, rowStride, rows, shift);
      const d = fourEighths(at + 96, rowStride, rows, shift);
      v128.store(to + x, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
    }
    from += groupStride;
    to += width;
  }
}

/** Four samples of the result, as 32-bit lanes. */
// @ts-ignore: decorator
@inline
function fourEighths(at: usize, rowStride: i32, rows: i32, shift: i32): v128 {
  const ones = i16x8.splat(1);
  let a = i16x8.splat(0);
  let b = a;
  for (let row = 0; row < rows; row++) {
    a = i16x8.add(a, i16x8.extadd_pairwise_i8x16_u(v128.load(at)));
    b = i16x8.add(b, i16x8.extadd_pairwise_i8x16_u(v128.load(at, 16)));
    at += rowStride;
  }
  a = i32x4.dot_i16x8_s(a, ones);
  b = i32x4.dot_i16x8_s(b, ones);
  const sums = i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
  return i32x4.shr_u(i32x4.add(sums, i32x4.splat(1 << (shift - 1))), shift);
}
