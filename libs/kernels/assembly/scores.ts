import { difference, firstLanes, sumsOfFour, total, total64, widen } from "./lanes";
import { differenceOf } from "./profiles";

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
