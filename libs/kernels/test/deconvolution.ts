/**
 * Sharpens a blurred picture by Richardson and Lucy's iteration, with the very blur that the kernels use: two boxes of
 * a known radius, edges going on.
 */
export function deconvolve(
  seen: Float32Array,
  width: number,
  height: number,
  radius: number,
  iterations: number,
): Float32Array {
  let estimate = seen.slice();
  for (let i = 0; i < iterations; i++) {
    const blurred = blurTwice(estimate, width, height, radius);
    const ratios = seen.map((value, at) => value / Math.max(1e-3, blurred[at] as number));
    const corrections = blurTwice(ratios, width, height, radius);
    estimate = estimate.map((value, at) => value * (corrections[at] as number));
  }
  return estimate;
}

function blurTwice(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const result = values.slice();
  const line = new Float32Array(Math.max(width, height));
  for (let pass = 0; pass < 2; pass++) {
    for (let y = 0; y < height; y++) blurLine(result, line, y * width, 1, width, radius);
    for (let x = 0; x < width; x++) blurLine(result, line, x, width, height, radius);
  }
  return result;
}

function blurLine(
  values: Float32Array,
  line: Float32Array,
  start: number,
  step: number,
  length: number,
  radius: number,
): void {
  for (let i = 0; i < length; i++) line[i] = values[start + i * step] as number;
  const at = (i: number) => line[Math.max(0, Math.min(length - 1, i))] as number;
  let sum = 0;
  for (let i = -radius; i <= radius; i++) sum += at(i);
  for (let i = 0; i < length; i++) {
    values[start + i * step] = sum / (2 * radius + 1);
    sum += at(i + radius + 1) - at(i - radius);
  }
}

/** Averages of squares of 4 by 4. */
export function averageSquares(values: Float32Array, width: number, height: number): Float32Array {
  const columns = width >> 2;
  const averages = new Float32Array(columns * (height >> 2));
  for (let y = 0; y < height >> 2; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let i = 0; i < 16; i++) sum += values[(4 * y + (i >> 2)) * width + 4 * x + (i & 3)] as number;
      averages[y * columns + x] = sum / 16;
    }
  }
  return averages;
}
