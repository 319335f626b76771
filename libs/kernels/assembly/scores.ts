import { difference, firstLanes, sumsOfFour, total, total64, widen } from "./lanes";
import { differenceOf } from "./profiles";

export function textureSums(at: usize, stride: i32, width: i32, height: i32, to: usize): void {
  let sum: i64 = 0;
  let detail: i64 = 0;
  let squares = i64x2.splat(0);
  for (let y = 0; y < height; y++) {
    let rowSum = i32x4.splat(0);
    let rowDetail = rowSum;
    let rowSquares = rowSum;
    for (let x = 0; x < width; x += 16) {
      const values = v128.and(v128.load(at + x), firstLanes(width - x));
      rowSum = i32x4.add(rowSum, sumsOfFour(values));
      const low = i16x8.extend_low_i8x16_u(values);
      const high = i16x8.extend_high_i8x16_u(values);
      rowSquares = i32x4.add(rowSquares, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
      const steps = difference(v128.load(at + x), v128.load(at + x, 1));
      // The last sample has no right neighbour.
      rowDetail = i32x4.add(rowDetail, sumsOfFour(v128.and(steps, firstLanes(width - 1 - x))));
    }
    sum += <i64>total(rowSum);
    detail += <i64>total(rowDetail);
    squares = widen(squares, rowSquares);
    at += stride;
  }
  f64.store(to, <f64>sum);
  f64.store(to, total64(squares), 8);
  f64.store(to, <f64>detail, 16);
}

/** Sum of absolute differences across a horizontal line: the row at `at` and the one above. */
export function contrastAcross(at: usize, stride: i32, count: i32): i32 {
  return differenceOf(at - stride, at, count);
}

/** Sum of absolute differences across a vertical line: the column at `at` and the one to the left. */
export function contrastDown(at: usize, stride: i32, count: i32): i32 {
  let sum = 0;
  for (let y = 0; y < count; y++) {
    sum += abs(<i32>load<u8>(at) - <i32>load<u8>(at - 1));
    at += stride;
  }
  return sum;
}

export function templateSums(image: usize, stride: i32, template: usize, width: i32, height: i32, to: usize): void {
  let sumA: i64 = 0;
  let sumB: i64 = 0;
  let products = i64x2.splat(0);
  let squaresA = products;
  let squaresB = products;
  for (let y = 0; y < height; y++) {
    let rowA = i32x4.splat(0);
    let rowB = rowA;
    let rowAb = rowA;
    let rowAa = rowA;
    let rowBb = rowA;
    for (let x = 0; x < width; x += 16) {
      const mask = firstLanes(width - x);
      const a = v128.and(v128.load(image + x), mask);
      const b = v128.and(v128.load(template + x), mask);
      rowA = i32x4.add(rowA, sumsOfFour(a));
      rowB = i32x4.add(rowB, sumsOfFour(b));
      const lowA = i16x8.extend_low_i8x16_u(a);
      const highA = i16x8.extend_high_i8x16_u(a);
      const lowB = i16x8.extend_low_i8x16_u(b);
      const highB = i16x8.extend_high_i8x16_u(b);
      rowAb = i32x4.add(rowAb, i32x4.add(i32x4.dot_i16x8_s(lowA, lowB), i32x4.dot_i16x8_s(highA, highB)));
      rowAa = i32x4.add(rowAa, i32x4.add(i32x4.dot_i16x8_s(lowA, lowA), i32x4.dot_i16x8_s(highA, highA)));
      rowBb = i32x4.add(rowBb, i32x4.add(i32x4.dot_i16x8_s(lowB, lowB), i32x4.dot_i16x8_s(highB, highB)));
    }
    sumA += <i64>total(rowA);
    sumB += <i64>total(rowB);
    products = widen(products, rowAb);
    squaresA = widen(squaresA, rowAa);
    squaresB = widen(squaresB, rowBb);
    image += stride;
    template += width;
  }
  f64.store(to, <f64>sumA);
  f64.store(to, <f64>sumB, 8);
  f64.store(to, total64(products), 16);
  f64.store(to, total64(squaresA), 24);
  f64.store(to, total64(squaresB), 32);
}
