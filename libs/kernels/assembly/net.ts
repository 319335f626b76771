// Layers of a small network over cells, on 16-bit activations with 16-bit weights and sums of 32 bits. Pictures are
// NHWC: channels of a cell, cells of a row, rows. All places are byte offsets; steps are bytes too. What is written never
// overlaps what is read, and nothing is read or written past the last cell.

/** Activations are at most this; the caller has made sure that no sum can leave 32 bits. */
const MOST: i32 = 8191;
/** How far down a cell is: so much for each row, up to 255. */
const ROW_STEP: i32 = 4;

/** Puts what the network is told of each cell side by side: six 16-bit channels. */
export function packCells(
  luma: usize,
  texture: usize,
  lumaBefore: usize,
  lumaOlder: usize,
  textureOlder: usize,
  width: i32,
  height: i32,
  to: usize,
  toPitch: i32,
): void {
  for (let y = 0; y < height; y++) {
    const down = min(255, ROW_STEP * y);
    const out = to + y * toPitch;
    let x = 0;
    for (; x + 4 <= width; x += 4) {
      packFour(luma + x, texture + x, lumaBefore + x, lumaOlder + x, textureOlder + x, down, out + 12 * x);
    }
    for (; x < width; x++) {
      packCell(luma + x, texture + x, lumaBefore + x, lumaOlder + x, textureOlder + x, down, out + 12 * x);
    }
    luma += width;
    texture += width;
    lumaBefore += width;
    lumaOlder += width;
    textureOlder += width;
  }
}

// @ts-ignore: decorator
@inline
function packCell(
  luma: usize,
  texture: usize,
  lumaBefore: usize,
  lumaOlder: usize,
  textureOlder: usize,
  down: i32,
  out: usize,
): void {
  const now = <i32>load<u8>(luma);
  const detail = <i32>load<u8>(texture);
  store<i16>(out, <i16>now, 0);
  store<i16>(out, <i16>detail, 2);
  store<i16>(out, <i16>abs(now - <i32>load<u8>(lumaBefore)), 4);
  store<i16>(out, <i16>abs(now - <i32>load<u8>(lumaOlder)), 6);
  store<i16>(out, <i16>abs(detail - <i32>load<u8>(textureOlder)), 8);
  store<i16>(out, <i16>down, 10);
}

/** Pairs of channels of four cells each, then put in the order of the cells: three times 16 bytes. */
// @ts-ignore: decorator
@inline
function packFour(
  luma: usize,
  texture: usize,
  lumaBefore: usize,
  lumaOlder: usize,
  textureOlder: usize,
  down: i32,
  out: usize,
): void {
  const now = fourSamples(luma);
  const detail = fourSamples(texture);
  const sinceBefore = i16x8.abs(i16x8.sub(now, fourSamples(lumaBefore)));
  const sinceOlder = i16x8.abs(i16x8.sub(now, fourSamples(lumaOlder)));
  const detailChange = i16x8.abs(i16x8.sub(detail, fourSamples(textureOlder)));
  const p = v128.shuffle<i16>(now, detail, 0, 8, 1, 9, 2, 10, 3, 11);
  const q = v128.shuffle<i16>(sinceBefore, sinceOlder, 0, 8, 1, 9, 2, 10, 3, 11);
  const r = v128.shuffle<i16>(detailChange, i16x8.splat(<i16>down), 0, 8, 1, 9, 2, 10, 3, 11);
  // p0 q0 r0 p1 | q1 r1 p2 q2 | r2 p3 q3 r3
  const rp = v128.shuffle<i32>(r, p, 0, 5, 2, 7);
  const pqLow = v128.shuffle<i32>(p, q, 0, 4, 1, 5);
  const pqHigh = v128.shuffle<i32>(p, q, 2, 6, 3, 7);
  const qr = v128.shuffle<i32>(q, r, 1, 5, 3, 7);
  v128.store(out, v128.shuffle<i32>(pqLow, rp, 0, 1, 4, 5), 0);
  v128.store(out, v128.shuffle<i32>(qr, pqHigh, 0, 1, 4, 5), 16);
  v128.store(out, v128.shuffle<i32>(rp, qr, 2, 3, 6, 7), 32);
}

// @ts-ignore: decorator
@inline
function fourSamples(at: usize): v128 {
  return i16x8.extend_low_i8x16_u(v128.load32_zero(at));
}

// @ts-ignore: decorator
@inline
function activate(low: v128, high: v128, shift: i32, least: v128, residual: usize): v128 {
  let values = i16x8.narrow_i32x4_s(i32x4.shr_s(low, shift), i32x4.shr_s(high, shift));
  values = i16x8.max_s(values, least);
  if (residual) values = i16x8.add_sat_s(values, v128.load(residual));
  return i16x8.min_s(values, i16x8.splat(<i16>MOST));
}

/**
 * Sums over `runs` pieces of `pairs` pairs of neighbouring values each, for 8 outputs at a time: a convolution of 3 by 3
 * has three runs of three cells, one of 1 by 1 has a single run.
 *
 * @param weights For each 8 outputs, for each pair: both weights of output 0, of output 1, and so on.
 * @param bias 32 bits for each output, half of the last bit that is kept included.
 * @param residual Where values that are added lie, in the layout of the output; 0 for none.
 */
export function dense(
  from: usize,
  pixelStep: i32,
  rowStep: i32,
  runStep: i32,
  runs: i32,
  pairs: i32,
  weights: usize,
  bias: usize,
  outputs: i32,
  shift: i32,
  least: i32,
  residual: usize,
  to: usize,
  toPixel: i32,
  toPitch: i32,
  width: i32,
  height: i32,
): void {
  const floor = i16x8.splat(<i16>least);
  for (let block = 0; block < outputs; block += 8) {
    const biasLow = v128.load(bias, 0);
    const biasHigh = v128.load(bias, 16);
    for (let y = 0; y < height; y++) {
      let at = from + y * rowStep;
      let out = to + y * toPitch + 2 * block;
      let more = residual ? residual + y * toPitch + 2 * block : 0;
      let x = 0;
      for (; x + 4 <= width; x += 4) {
        denseFour(at, pixelStep, runStep, runs, pairs, weights, biasLow, biasHigh, shift, floor, more, out, toPixel);
        at += 4 * pixelStep;
        out += 4 * toPixel;
        if (more) more += 4 * toPixel;
      }
      for (; x < width; x++) {
        denseCell(at, runStep, runs, pairs, weights, biasLow, biasHigh, shift, floor, more, out);
        at += pixelStep;
        out += toPixel;
        if (more) more += toPixel;
      }
    }
    weights += 32 * runs * pairs;
    bias += 32;
  }
}

// @ts-ignore: decorator
@inline
function denseCell(
  at: usize,
  runStep: i32,
  runs: i32,
  pairs: i32,
  weights: usize,
  biasLow: v128,
  biasHigh: v128,
  shift: i32,
  floor: v128,
  residual: usize,
  out: usize,
): void {
  let low = biasLow;
  let high = biasHigh;
  for (let run = 0; run < runs; run++) {
    let a = at + run * runStep;
    for (const end = a + 4 * pairs; a < end; a += 4) {
      const values = v128.load32_splat(a);
      low = i32x4.add(low, i32x4.dot_i16x8_s(values, v128.load(weights, 0)));
      high = i32x4.add(high, i32x4.dot_i16x8_s(values, v128.load(weights, 16)));
      weights += 32;
    }
  }
  v128.store(out, activate(low, high, shift, floor, residual));
}

/** Four cells at once: each weight that was loaded is used four times. */
// @ts-ignore: decorator
@inline
function denseFour(
  at: usize,
  pixelStep: i32,
  runStep: i32,
  runs: i32,
  pairs: i32,
  weights: usize,
  biasLow: v128,
  biasHigh: v128,
  shift: i32,
  floor: v128,
  residual: usize,
  out: usize,
  toPixel: i32,
): void {
  let a0 = biasLow;
  let a1 = biasHigh;
  let b0 = biasLow;
  let b1 = biasHigh;
  let c0 = biasLow;
  let c1 = biasHigh;
  let d0 = biasLow;
  let d1 = biasHigh;
  for (let run = 0; run < runs; run++) {
    let a = at + run * runStep;
    let b = a + pixelStep;
    let c = b + pixelStep;
    let d = c + pixelStep;
    for (const end = a + 4 * pairs; a < end; a += 4) {
      const w0 = v128.load(weights, 0);
      const w1 = v128.load(weights, 16);
      const va = v128.load32_splat(a);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(va, w0));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(va, w1));
      const vb = v128.load32_splat(b);
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(vb, w0));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(vb, w1));
      const vc = v128.load32_splat(c);
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(vc, w0));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(vc, w1));
      const vd = v128.load32_splat(d);
      d0 = i32x4.add(d0, i32x4.dot_i16x8_s(vd, w0));
      d1 = i32x4.add(d1, i32x4.dot_i16x8_s(vd, w1));
      weights += 32;
      b += 4;
      c += 4;
      d += 4;
    }
  }
  const next = residual ? toPixel : 0;
  v128.store(out, activate(a0, a1, shift, floor, residual));
  v128.store(out + toPixel, activate(b0, b1, shift, floor, residual + next));
  v128.store(out + 2 * toPixel, activate(c0, c1, shift, floor, residual + 2 * next));
  v128.store(out + 3 * toPixel, activate(d0, d1, shift, floor, residual + 3 * next));
}

/**
 * Each channel alone over 3 by 3 cells, `tapStep` and `tapPitch` apart; nothing below 0 is kept.
 *
 * Two taps at a time, their channels in turn, so that one instruction multiplies both and adds them.
 */
export function depthwise(
  from: usize,
  pixelStep: i32,
  rowStep: i32,
  tapStep: i32,
  tapPitch: i32,
  channels: i32,
  weights: usize,
  bias: usize,
  shift: i32,
  to: usize,
  toPixel: i32,
  toPitch: i32,
  width: i32,
  height: i32,
): void {
  const zero = i16x8.splat(0);
  const second = 2 * tapStep;
  for (let block = 0; block < channels; block += 8) {
    const biasLow = v128.load(bias, 0);
    const biasHigh = v128.load(bias, 16);
    const low01 = lowPairs(v128.load(weights, 0), v128.load(weights, 16));
    const high01 = highPairs(v128.load(weights, 0), v128.load(weights, 16));
    const low23 = lowPairs(v128.load(weights, 32), v128.load(weights, 48));
    const high23 = highPairs(v128.load(weights, 32), v128.load(weights, 48));
    const low45 = lowPairs(v128.load(weights, 64), v128.load(weights, 80));
    const high45 = highPairs(v128.load(weights, 64), v128.load(weights, 80));
    const low67 = lowPairs(v128.load(weights, 96), v128.load(weights, 112));
    const high67 = highPairs(v128.load(weights, 96), v128.load(weights, 112));
    const low8 = lowPairs(v128.load(weights, 128), zero);
    const high8 = highPairs(v128.load(weights, 128), zero);
    for (let y = 0; y < height; y++) {
      let a = from + y * rowStep + 2 * block;
      let b = a + tapPitch;
      let c = b + tapPitch;
      let out = to + y * toPitch + 2 * block;
      for (let x = 0; x < width; x++) {
        let u = v128.load(a);
        let v = v128.load(a + tapStep);
        let low = i32x4.add(biasLow, i32x4.dot_i16x8_s(lowPairs(u, v), low01));
        let high = i32x4.add(biasHigh, i32x4.dot_i16x8_s(highPairs(u, v), high01));
        u = v128.load(a + second);
        v = v128.load(b);
        low = i32x4.add(low, i32x4.dot_i16x8_s(lowPairs(u, v), low23));
        high = i32x4.add(high, i32x4.dot_i16x8_s(highPairs(u, v), high23));
        u = v128.load(b + tapStep);
        v = v128.load(b + second);
        low = i32x4.add(low, i32x4.dot_i16x8_s(lowPairs(u, v), low45));
        high = i32x4.add(high, i32x4.dot_i16x8_s(highPairs(u, v), high45));
        u = v128.load(c);
        v = v128.load(c + tapStep);
        low = i32x4.add(low, i32x4.dot_i16x8_s(lowPairs(u, v), low67));
        high = i32x4.add(high, i32x4.dot_i16x8_s(highPairs(u, v), high67));
        u = v128.load(c + second);
        low = i32x4.add(low, i32x4.dot_i16x8_s(lowPairs(u, zero), low8));
        high = i32x4.add(high, i32x4.dot_i16x8_s(highPairs(u, zero), high8));
        v128.store(out, activate(low, high, shift, zero, 0));
        a += pixelStep;
        b += pixelStep;
        c += pixelStep;
        out += toPixel;
      }
    }
    weights += 144;
    bias += 32;
  }
}

/** The first four lanes of both, in turn. */
// @ts-ignore: decorator
@inline
function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Adds a picture of half the size to another; nothing below 0 is kept. */
export function addUpsampled(
  from: usize,
  fromPitch: i32,
  coarse: usize,
  coarsePitch: i32,
  channels: i32,
  to: usize,
  toPitch: i32,
  width: i32,
  height: i32,
): void {
  const zero = i16x8.splat(0);
  const most = i16x8.splat(<i16>MOST);
  const step = 2 * channels;
  for (let y = 0; y < height; y++) {
    let at = from + y * fromPitch;
    let out = to + y * toPitch;
    const row = coarse + (y >> 1) * coarsePitch;
    for (let x = 0; x < width; x++) {
      const add = row + (x >> 1) * step;
      for (let c = 0; c < step; c += 16) {
        const sum = i16x8.add_sat_s(v128.load(at + c), v128.load(add + c));
        v128.store(out + c, i16x8.min_s(i16x8.max_s(sum, zero), most));
      }
      at += step;
      out += step;
    }
  }
}
