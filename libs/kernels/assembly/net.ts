// Layers of a small network over cells, on 16-bit activations with 16-bit weights and sums of 32 bits. Pictures are
// NHWC: channels of a cell, cells of a row, rows. All places are byte offsets; steps are bytes too.

/** Activations are at most this; the caller has made sure that no sum can leave 32 bits. */
const MOST: i32 = 8191;

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
    const row = <i16>min(255, 4 * y);
    let out = to + y * toPitch;
    for (let x = 0; x < width; x++) {
      const now = <i32>load<u8>(luma);
      const detail = <i32>load<u8>(texture);
      store<i16>(out, <i16>now, 0);
      store<i16>(out, <i16>detail, 2);
      store<i16>(out, <i16>abs(now - <i32>load<u8>(lumaBefore)), 4);
      store<i16>(out, <i16>abs(now - <i32>load<u8>(lumaOlder)), 6);
      store<i16>(out, <i16>abs(detail - <i32>load<u8>(textureOlder)), 8);
      store<i16>(out, row, 10);
      out += 12;
      luma++;
      texture++;
      lumaBefore++;
      lumaOlder++;
      textureOlder++;
    }
  }
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
        let a0 = biasLow;
        let a1 = biasHigh;
        let b0 = biasLow;
        let b1 = biasHigh;
        let c0 = biasLow;
        let c1 = biasHigh;
        let d0 = biasLow;
        let d1 = biasHigh;
        let w = weights;
        for (let run = 0; run < runs; run++) {
          let a = at + run * runStep;
          let b = a + pixelStep;
          let c = b + pixelStep;
          let d = c + pixelStep;
          for (const end = a + 4 * pairs; a < end; a += 4) {
            const w0 = v128.load(w, 0);
            const w1 = v128.load(w, 16);
            w += 32;
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
            b += 4;
            c += 4;
            d += 4;
          }
        }
        v128.store(out, activate(a0, a1, shift, floor, more));
        v128.store(out + toPixel, activate(b0, b1, shift, floor, more ? more + toPixel : 0));
        v128.store(out + 2 * toPixel, activate(c0, c1, shift, floor, more ? more + 2 * toPixel : 0));
        v128.store(out + 3 * toPixel, activate(d0, d1, shift, floor, more ? more + 3 * toPixel : 0));
        at += 4 * pixelStep;
        out += 4 * toPixel;
        if (more) more += 4 * toPixel;
      }
      for (; x < width; x++) {
        let a0 = biasLow;
        let a1 = biasHigh;
        let w = weights;
        for (let run = 0; run < runs; run++) {
          let a = at + run * runStep;
          for (const end = a + 4 * pairs; a < end; a += 4) {
            const va = v128.load32_splat(a);
            a0 = i32x4.add(a0, i32x4.dot_i16x8_s(va, v128.load(w, 0)));
            a1 = i32x4.add(a1, i32x4.dot_i16x8_s(va, v128.load(w, 16)));
            w += 32;
          }
        }
        v128.store(out, activate(a0, a1, shift, floor, more));
        at += pixelStep;
        out += toPixel;
        if (more) more += toPixel;
      }
    }
    weights += 32 * runs * pairs;
    bias += 32;
  }
}

/** Each channel alone over 3 by 3 cells, `tapStep` and `tapPitch` apart; nothing below 0 is kept. */
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
  const least = i16x8.splat(0);
  for (let block = 0; block < channels; block += 8) {
    const biasLow = v128.load(bias, 0);
    const biasHigh = v128.load(bias, 16);
    const w0 = v128.load(weights, 0);
    const w1 = v128.load(weights, 16);
    const w2 = v128.load(weights, 32);
    const w3 = v128.load(weights, 48);
    const w4 = v128.load(weights, 64);
    const w5 = v128.load(weights, 80);
    const w6 = v128.load(weights, 96);
    const w7 = v128.load(weights, 112);
    const w8 = v128.load(weights, 128);
    for (let y = 0; y < height; y++) {
      let a = from + y * rowStep + 2 * block;
      let b = a + tapPitch;
      let c = b + tapPitch;
      let out = to + y * toPitch + 2 * block;
      for (let x = 0; x < width; x++) {
        let low = biasLow;
        let high = biasHigh;
        let v = v128.load(a);
        low = i32x4.add(low, i32x4.extmul_low_i16x8_s(v, w0));
        high = i32x4.add(high, i32x4.extmul_high_i16x8_s(v, w0));
        v = v128.load(a + tapStep);
        low = i32x4.add(low, i32x4.extmul_low_i16x8_s(v, w1));
        high = i32x4.add(high, i32x4.extmul_high_i16x8_s(v, w1));
        v = v128.load(a + 2 * tapStep);
        low = i32x4.add(low, i32x4.extmul_low_i16x8_s(v, w2));
        high = i32x4.add(high, i32x4.extmul_high_i16x8_s(v, w2));
        v = v128.load(b);
        low = i32x4.add(low, i32x4.extmul_low_i16x8_s(v, w3));
        high = i32x4.add(high, i32x4.extmul_high_i16x8_s(v, w3));
        v = v128.load(b + tapStep);
        low = i32x4.add(low, i32x4.extmul_low_i16x8_s(v, w4));
        high = i32x4.add(high, i32x4.extmul_high_i16x8_s(v, w4));
        v = v128.load(b + 2 * tapStep);
        low = i32x4.add(low, i32x4.extmul_low_i16x8_s(v, w5));
        high = i32x4.add(high, i32x4.extmul_high_i16x8_s(v, w5));
        v = v128.load(c);
        low = i32x4.add(low, i32x4.extmul_low_i16x8_s(v, w6));
        high = i32x4.add(high, i32x4.extmul_high_i16x8_s(v, w6));
        v = v128.load(c + tapStep);
        low = i32x4.add(low, i32x4.extmul_low_i16x8_s(v, w7));
        high = i32x4.add(high, i32x4.extmul_high_i16x8_s(v, w7));
        v = v128.load(c + 2 * tapStep);
        low = i32x4.add(low, i32x4.extmul_low_i16x8_s(v, w8));
        high = i32x4.add(high, i32x4.extmul_high_i16x8_s(v, w8));
        v128.store(out, activate(low, high, shift, least, 0));
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
