import { ZIGZAG } from "./tables.ts";

// Multipliers of quantisation and of scaling by QP % 6, for the three kinds of position in a 4x4 block:
// both coordinates even, both odd, mixed (H.264 §8.5.9; the quantiser is the encoder's own business).
const QUANT = [
  13107, 5243, 8066, 11916, 4660, 7490, 10082, 4194, 6554, 9362, 3647, 5825, 8192, 3355, 5243, 7282, 2893, 4559,
];
const SCALE = [10, 16, 13, 11, 18, 14, 13, 20, 16, 14, 23, 18, 16, 25, 20, 18, 29, 23];

/** What one QP means for a 4x4 block; arrays are in zigzag order. */
export interface QpTable {
  readonly quant: Int32Array;
  /** Level to coefficient, the shift by QP / 6 included. */
  readonly scale: Int32Array;
  readonly shift: number;
  readonly intraBias: number;
  readonly interBias: number;
  /** A transform coefficient below this in magnitude becomes 0 in an inter block, wherever it stands. */
  readonly interDeadZone: number;
}

/** One row for each QP, 0 to 51. */
export const QP_TABLES: readonly QpTable[] = Array.from({ length: 52 }, (_, qp) => {
  const quant = new Int32Array(16);
  const scale = new Int32Array(16);
  for (let i = 0; i < 16; i++) {
    const raster = ZIGZAG[i] as number;
    const oddCount = (raster & 1) + ((raster >> 2) & 1);
    const kind = (qp % 6) * 3 + (oddCount === 0 ? 0 : oddCount === 2 ? 1 : 2);
    quant[i] = QUANT[kind] as number;
    scale[i] = (SCALE[kind] as number) << Math.floor(qp / 6);
  }
  const shift = 15 + Math.floor(qp / 6);
  const interBias = Math.floor((1 << shift) / 6);
  const interDeadZone = Math.floor(((1 << shift) - interBias) / (QUANT[(qp % 6) * 3] as number));
  return { quant, scale, shift, intraBias: Math.floor((1 << shift) / 3), interBias, interDeadZone };
});

const row = new Int32Array(16);

/**
 * Transforms the difference of `source` and `prediction` of the 4x4 block at `offset` into 16 coefficients in
 * zigzag order from `out[start]` on. Both planes have the same `stride`.
 *
 * @returns The sum of the absolute differences.
 */
export function forward4x4(
  source: Uint8Array,
  prediction: Uint8Array,
  offset: number,
  stride: number,
  out: Int32Array,
  start: number,
): number {
  let sum = 0;
  for (let y = 0; y < 4; y++) {
    const p = offset + y * stride;
    const a = source[p]! - prediction[p]!;
    const b = source[p + 1]! - prediction[p + 1]!;
    const c = source[p + 2]! - prediction[p + 2]!;
    const d = source[p + 3]! - prediction[p + 3]!;
    sum += (a < 0 ? -a : a) + (b < 0 ? -b : b) + (c < 0 ? -c : c) + (d < 0 ? -d : d);
    const outer = a + d;
    const inner = b + c;
    const outerDiff = a - d;
    const innerDiff = b - c;
    row[y * 4] = outer + inner;
    row[y * 4 + 1] = 2 * outerDiff + innerDiff;
    row[y * 4 + 2] = outer - inner;
    row[y * 4 + 3] = outerDiff - 2 * innerDiff;
  }
  if (sum === 0) {
    out.fill(0, start, start + 16);
    return 0;
  }
  for (let x = 0; x < 4; x++) {
    const a = row[x]!;
    const b = row[x + 4]!;
    const c = row[x + 8]!;
    const d = row[x + 12]!;
    const outer = a + d;
    const inner = b + c;
    const outerDiff = a - d;
    const innerDiff = b - c;
    out[start + UNZIGZAG[x]!] = outer + inner;
    out[start + UNZIGZAG[x + 4]!] = 2 * outerDiff + innerDiff;
    out[start + UNZIGZAG[x + 8]!] = outer - inner;
    out[start + UNZIGZAG[x + 12]!] = outerDiff - 2 * innerDiff;
  }
  return sum;
}

const UNZIGZAG = new Uint8Array(16);
for (let i = 0; i < 16; i++) UNZIGZAG[ZIGZAG[i] as number] = i;

/**
 * Quantises `coefficients[start + first, start + 16)` into `levels` at the same place.
 *
 * @returns How many levels are not 0.
 */
export function quantise(
  coefficients: Int32Array,
  levels: Int16Array,
  start: number,
  first: number,
  table: QpTable,
  bias: number,
): number {
  let nonZeroCount = 0;
  const { quant, shift } = table;
  for (let i = first; i < 16; i++) {
    const value = coefficients[start + i]!;
    // At most 4080 * 9 * 13107 / ... : 36720 * 13107 < 2^31, so 32-bit arithmetic is enough.
    const magnitude = ((value < 0 ? -value : value) * quant[i]! + bias) >>> shift;
    levels[start + i] = value < 0 ? -magnitude : magnitude;
    if (magnitude !== 0) nonZeroCount++;
  }
  return nonZeroCount;
}

/** Levels `[start + first, start + 16)` back to coefficients in `out`, as a decoder does (H.264 §8.5.12.1). */
export function scaleLevels(levels: Int16Array, start: number, first: number, table: QpTable, out: Int32Array): void {
  const { scale } = table;
  for (let i = first; i < 16; i++) out[start + i] = levels[start + i]! * scale[i]!;
}

/** Adds the inverse transform of `coefficients[start, start + 16)` (zigzag order) to the block at `offset` (H.264 §8.5.12.2). */
export function addInverse4x4(
  coefficients: Int32Array,
  start: number,
  plane: Uint8Array,
  offset: number,
  stride: number,
): void {
  for (let y = 0; y < 4; y++) {
    const a = coefficients[start + UNZIGZAG[y * 4]!]!;
    const b = coefficients[start + UNZIGZAG[y * 4 + 1]!]!;
    const c = coefficients[start + UNZIGZAG[y * 4 + 2]!]!;
    const d = coefficients[start + UNZIGZAG[y * 4 + 3]!]!;
    const e = a + c;
    const f = a - c;
    const g = (b >> 1) - d;
    const h = b + (d >> 1);
    row[y * 4] = e + h;
    row[y * 4 + 1] = f + g;
    row[y * 4 + 2] = f - g;
    row[y * 4 + 3] = e - h;
  }
  for (let x = 0; x < 4; x++) {
    const a = row[x]!;
    const b = row[x + 4]!;
    const c = row[x + 8]!;
    const d = row[x + 12]!;
    const e = a + c + 32;
    const f = a - c + 32;
    const g = (b >> 1) - d;
    const h = b + (d >> 1);
    const p = offset + x;
    plane[p] = clip(plane[p]! + ((e + h) >> 6));
    plane[p + stride] = clip(plane[p + stride]! + ((f + g) >> 6));
    plane[p + 2 * stride] = clip(plane[p + 2 * stride]! + ((f - g) >> 6));
    plane[p + 3 * stride] = clip(plane[p + 3 * stride]! + ((e - h) >> 6));
  }
}

/** Adds a block whose only coefficient is `dc`; the same result as `addInverse4x4`, four times as fast. */
export function addInverseDc(dc: number, plane: Uint8Array, offset: number, stride: number): void {
  const value = (dc + 32) >> 6;
  if (value === 0) return;
  for (let y = 0; y < 4; y++) {
    const p = offset + y * stride;
    plane[p] = clip(plane[p]! + value);
    plane[p + 1] = clip(plane[p + 1]! + value);
    plane[p + 2] = clip(plane[p + 2]! + value);
    plane[p + 3] = clip(plane[p + 3]! + value);
  }
}

function clip(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** The 4x4 Hadamard transform in place, raster order; it is its own inverse but for the scale (H.264 §8.5.10). */
export function hadamard4x4(block: Int32Array): void {
  for (let pass = 0; pass < 2; pass++) {
    const step = pass === 0 ? 1 : 4;
    const next = pass === 0 ? 4 : 1;
    for (let i = 0; i < 4; i++) {
      const p = i * next;
      const a = block[p]!;
      const b = block[p + step]!;
      const c = block[p + 2 * step]!;
      const d = block[p + 3 * step]!;
      block[p] = a + b + c + d;
      block[p + step] = a + b - c - d;
      block[p + 2 * step] = a - b - c + d;
      block[p + 3 * step] = a - b + c - d;
    }
  }
}
