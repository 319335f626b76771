// Small building blocks of vector code. Every load may read up to 127 bytes past the samples it is asked for: the
// memory around them is the kernels' own, and what comes from there is masked out or overwritten.

/** Lanes 0 to count - 1 set, the rest clear. `count` is 1 to 15, or more for all. */
// @ts-ignore: decorator
@inline
export function firstLanes(count: i32): v128 {
  const lanes = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return i8x16.lt_u(lanes, i8x16.splat(<i8>min(count, 16)));
}

// @ts-ignore: decorator
@inline
export function difference(a: v128, b: v128): v128 {
  return v128.or(i8x16.sub_sat_u(a, b), i8x16.sub_sat_u(b, a));
}

/** Sums of four neighbouring bytes each, as 32-bit lanes. */
// @ts-ignore: decorator
@inline
export function sumsOfFour(bytes: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.extadd_pairwise_i8x16_u(bytes), i16x8.splat(1));
}

// @ts-ignore: decorator
@inline
export function total(lanes: v128): i32 {
  const halves = i32x4.add(lanes, v128.shuffle<i32>(lanes, lanes, 2, 3, 0, 1));
  return i32x4.extract_lane(halves, 0) + i32x4.extract_lane(halves, 1);
}

/** Adds 32-bit lanes to two of 64 bits. */
// @ts-ignore: decorator
@inline
export function widen(sums: v128, lanes: v128): v128 {
  return i64x2.add(sums, i64x2.add(i64x2.extend_low_i32x4_u(lanes), i64x2.extend_high_i32x4_u(lanes)));
}

// @ts-ignore: decorator
@inline
export function total64(lanes: v128): f64 {
  return <f64>(i64x2.extract_lane(lanes, 0) + i64x2.extract_lane(lanes, 1));
}
