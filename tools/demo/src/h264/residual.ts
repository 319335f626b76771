import type { BitWriter } from "../bit-writer.ts";
import { CHROMA_DC_CONTEXT, putResidualBlock } from "./cavlc.ts";
import type { Picture } from "./picture.ts";
import { BLOCK_X, BLOCK_Y, CHROMA_QP, ZIGZAG } from "./tables.ts";
import {
  addInverse4x4,
  addInverseDc,
  forward4x4,
  hadamard4x4,
  QP_TABLES,
  type QpTable,
  quantise,
  scaleLevels,
} from "./transform.ts";

/** Stands in the border of a count grid for "no such block"; counts themselves are at most 16. */
const UNAVAILABLE = 64;

/** Coefficient counts of 4x4 blocks, with a border on the left and on top: the contexts of CAVLC (H.264 §9.2.1). */
class CountGrid {
  readonly stride: number;
  readonly counts: Uint8Array;

  constructor(width: number, height: number) {
    this.stride = width + 1;
    this.counts = new Uint8Array(this.stride * (height + 1));
  }

  reset(): void {
    this.counts.fill(0);
    this.counts.fill(UNAVAILABLE, 0, this.stride);
    for (let i = 0; i < this.counts.length; i += this.stride) this.counts[i] = UNAVAILABLE;
  }

  /** Place of block (`x`, `y`). */
  at(x: number, y: number): number {
    return (y + 1) * this.stride + x + 1;
  }

  /** nC of the block at `place`. */
  context(place: number): number {
    const sum = this.counts[place - 1]! + this.counts[place - this.stride]!;
    // With one neighbour missing the other one counts alone; with both, the sum is 128 and the context 0.
    return sum < UNAVAILABLE ? (sum + 1) >> 1 : sum & 31;
  }
}

/**
 * The residual of one macroblock at a time: transforms and quantises it against the prediction that stands in the
 * reconstruction, adds the decoded residual there, and writes the levels.
 *
 * The order of calls is `transform*`, then `reconstruct*`, then `put*`; levels live here between them.
 */
export class ResidualCoder {
  readonly #lumaGrid: CountGrid;
  readonly #chromaGrids: readonly [CountGrid, CountGrid];
  readonly #coefficients = new Int32Array(256);
  readonly #levels = new Int16Array(256);
  readonly #dc = new Int32Array(16);
  readonly #dcLevels = new Int16Array(16);
  readonly #chromaCoefficients = new Int32Array(128);
  readonly #chromaLevels = new Int16Array(128);
  readonly #chromaDcLevels = new Int16Array(8);
  #luma: QpTable = QP_TABLES[26] as QpTable;
  #chroma: QpTable = QP_TABLES[26] as QpTable;

  constructor(mbWidth: number, mbHeight: number) {
    this.#lumaGrid = new CountGrid(mbWidth * 4, mbHeight * 4);
    this.#chromaGrids = [new CountGrid(mbWidth * 2, mbHeight * 2), new CountGrid(mbWidth * 2, mbHeight * 2)];
  }

  /** Starts a slice: no neighbours, one QP throughout. */
  beginSlice(qp: number): void {
    this.#lumaGrid.reset();
    for (const grid of this.#chromaGrids) grid.reset();
    this.#luma = QP_TABLES[qp] as QpTable;
    this.#chroma = QP_TABLES[CHROMA_QP[qp]!] as QpTable;
  }

  /** @returns The luma coded_block_pattern (4 bits) of an inter macroblock. */
  transformInterLuma(source: Uint8Array, recon: Uint8Array, offset: number, stride: number): number {
    const levels = this.#levels;
    const table = this.#luma;
    let pattern = 0;
    let cost = 0;
    for (let quarter = 0; quarter < 4; quarter++) {
      let quarterCost = 0;
      for (let i = 0; i < 4; i++) {
        const block = quarter * 4 + i;
        const at = offset + BLOCK_Y[block]! * 4 * stride + BLOCK_X[block]! * 4;
        const error = forward4x4(source, recon, at, stride, this.#coefficients, block * 16);
        // The worst weight of one error is 4, where the quantiser is 2/5 of the one the dead zone is for: 1.6 in all.
        if (
          error * 1.6 < table.interDeadZone ||
          quantise(this.#coefficients, levels, block * 16, 0, table, table.interBias) === 0
        ) {
          levels.fill(0, block * 16, block * 16 + 16);
        } else {
          quarterCost += isolatedCost(levels, block * 16);
        }
      }
      cost += quarterCost;
      if (quarterCost >= 4) pattern |= 1 << quarter;
      else levels.fill(0, quarter * 64, quarter * 64 + 64);
    }
    if (cost >= 6) return pattern;
    levels.fill(0);
    return 0;
  }

  reconstructInterLuma(recon: Uint8Array, offset: number, stride: number, pattern: number): void {
    for (let block = 0; block < 16; block++) {
      if ((pattern & (1 << (block >> 2))) === 0) continue;
      scaleLevels(this.#levels, block * 16, 0, this.#luma, this.#coefficients);
      const at = offset + BLOCK_Y[block]! * 4 * stride + BLOCK_X[block]! * 4;
      this.#addBlock(this.#coefficients, block * 16, recon, at, stride);
    }
  }

  /** @returns Whether an Intra 16x16 macroblock has AC levels. Its DC levels are always coded. */
  transformIntraLuma(source: Uint8Array, recon: Uint8Array, offset: number, stride: number): boolean {
    const table = this.#luma;
    let nonZeroCount = 0;
    for (let block = 0; block < 16; block++) {
      const at = offset + BLOCK_Y[block]! * 4 * stride + BLOCK_X[block]! * 4;
      forward4x4(source, recon, at, stride, this.#coefficients, block * 16);
      nonZeroCount += quantise(this.#coefficients, this.#levels, block * 16, 1, table, table.intraBias);
      this.#dc[BLOCK_Y[block]! * 4 + BLOCK_X[block]!] = this.#coefficients[block * 16]!;
    }
    hadamard4x4(this.#dc);
    const quant = table.quant[0]!;
    for (let i = 0; i < 16; i++) {
      const value = this.#dc[ZIGZAG[i]!]! >> 1;
      const magnitude = Math.min(2047, (Math.abs(value) * quant + 2 * table.intraBias) >>> (table.shift + 1));
      this.#dcLevels[i] = value < 0 ? -magnitude : magnitude;
    }
    return nonZeroCount > 0;
  }

  reconstructIntraLuma(recon: Uint8Array, offset: number, stride: number, hasAc: boolean): void {
    const dc = this.#dc;
    for (let i = 0; i < 16; i++) dc[ZIGZAG[i]!] = this.#dcLevels[i]!;
    hadamard4x4(dc);
    // H.264 §8.5.10: scale is already shifted by QP / 6, and the flat weight of 16 cancels four of the six bits.
    const scale = this.#luma.scale[0]!;
    for (let block = 0; block < 16; block++) {
      const at = offset + BLOCK_Y[block]! * 4 * stride + BLOCK_X[block]! * 4;
      const value = (dc[BLOCK_Y[block]! * 4 + BLOCK_X[block]!]! * scale + 2) >> 2;
      if (hasAc) {
        scaleLevels(this.#levels, block * 16, 1, this.#luma, this.#coefficients);
        this.#coefficients[block * 16] = value;
        this.#addBlock(this.#coefficients, block * 16, recon, at, stride);
      } else {
        addInverseDc(value, recon, at, stride);
      }
    }
  }

  /** @returns The chroma part of coded_block_pattern: 0 nothing, 1 DC only, 2 DC and AC. */
  transformChroma(source: Picture, recon: Picture, offset: number, stride: number, isIntra: boolean): number {
    const table = this.#chroma;
    const bias = isIntra ? table.intraBias : table.interBias;
    let acCount = 0;
    let dcCount = 0;
    for (let plane = 0; plane < 2; plane++) {
      const from = plane === 0 ? source.u : source.v;
      const to = plane === 0 ? recon.u : recon.v;
      for (let block = 0; block < 4; block++) {
        const at = offset + (block >> 1) * 4 * stride + (block & 1) * 4;
        const start = plane * 64 + block * 16;
        forward4x4(from, to, at, stride, this.#chromaCoefficients, start);
        acCount += quantise(this.#chromaCoefficients, this.#chromaLevels, start, 1, table, bias);
      }
      dcCount += this.#quantiseChromaDc(plane, bias);
    }
    return acCount > 0 ? 2 : dcCount > 0 ? 1 : 0;
  }

  #quantiseChromaDc(plane: number, bias: number): number {
    const c = this.#chromaCoefficients;
    const start = plane * 64;
    const a = c[start]! + c[start + 16]!;
    const b = c[start]! - c[start + 16]!;
    const d = c[start + 32]! + c[start + 48]!;
    const e = c[start + 32]! - c[start + 48]!;
    let nonZeroCount = 0;
    for (let i = 0; i < 4; i++) {
      const value = i === 0 ? a + d : i === 1 ? b + e : i === 2 ? a - d : b - e;
      const magnitude = Math.min(
        2047,
        (Math.abs(value) * this.#chroma.quant[0]! + 2 * bias) >>> (this.#chroma.shift + 1),
      );
      this.#chromaDcLevels[plane * 4 + i] = value < 0 ? -magnitude : magnitude;
      if (magnitude !== 0) nonZeroCount++;
    }
    return nonZeroCount;
  }

  reconstructChroma(recon: Picture, offset: number, stride: number, pattern: number): void {
    if (pattern === 0) return;
    for (let plane = 0; plane < 2; plane++) {
      const to = plane === 0 ? recon.u : recon.v;
      const dc = this.#chromaDcLevels;
      const p = plane * 4;
      const a = dc[p]! + dc[p + 1]!;
      const b = dc[p]! - dc[p + 1]!;
      const d = dc[p + 2]! + dc[p + 3]!;
      const e = dc[p + 2]! - dc[p + 3]!;
      for (let block = 0; block < 4; block++) {
        const at = offset + (block >> 1) * 4 * stride + (block & 1) * 4;
        const start = plane * 64 + block * 16;
        const sum = block === 0 ? a + d : block === 1 ? b + e : block === 2 ? a - d : b - e;
        const value = (sum * this.#chroma.scale[0]!) >> 1;
        if (pattern === 2) {
          scaleLevels(this.#chromaLevels, start, 1, this.#chroma, this.#chromaCoefficients);
          this.#chromaCoefficients[start] = value;
          this.#addBlock(this.#chromaCoefficients, start, to, at, stride);
        } else {
          addInverseDc(value, to, at, stride);
        }
      }
    }
  }

  #addBlock(coefficients: Int32Array, start: number, plane: Uint8Array, at: number, stride: number): void {
    let ac = 0;
    for (let i = 1; i < 16; i++) ac |= coefficients[start + i]!;
    if (ac === 0) addInverseDc(coefficients[start]!, plane, at, stride);
    else addInverse4x4(coefficients, start, plane, at, stride);
  }

  /** Writes the luma levels of an inter macroblock. */
  putInterLuma(bits: BitWriter, mbX: number, mbY: number, pattern: number): void {
    const grid = this.#lumaGrid;
    for (let block = 0; block < 16; block++) {
      if ((pattern & (1 << (block >> 2))) === 0) continue;
      const place = grid.at(mbX * 4 + BLOCK_X[block]!, mbY * 4 + BLOCK_Y[block]!);
      grid.counts[place] = putResidualBlock(bits, this.#levels, block * 16, 16, grid.context(place));
    }
  }

  /** Writes the luma levels of an Intra 16x16 macroblock. */
  putIntraLuma(bits: BitWriter, mbX: number, mbY: number, hasAc: boolean): void {
    const grid = this.#lumaGrid;
    putResidualBlock(bits, this.#dcLevels, 0, 16, grid.context(grid.at(mbX * 4, mbY * 4)));
    if (!hasAc) return;
    for (let block = 0; block < 16; block++) {
      const place = grid.at(mbX * 4 + BLOCK_X[block]!, mbY * 4 + BLOCK_Y[block]!);
      grid.counts[place] = putResidualBlock(bits, this.#levels, block * 16 + 1, 15, grid.context(place));
    }
  }

  /** Writes the chroma levels of a macroblock. */
  putChroma(bits: BitWriter, mbX: number, mbY: number, pattern: number): void {
    if (pattern === 0) return;
    putResidualBlock(bits, this.#chromaDcLevels, 0, 4, CHROMA_DC_CONTEXT);
    putResidualBlock(bits, this.#chromaDcLevels, 4, 4, CHROMA_DC_CONTEXT);
    if (pattern !== 2) return;
    for (let plane = 0; plane < 2; plane++) {
      const grid = this.#chromaGrids[plane] as CountGrid;
      for (let block = 0; block < 4; block++) {
        const place = grid.at(mbX * 2 + (block & 1), mbY * 2 + (block >> 1));
        const start = plane * 64 + block * 16 + 1;
        grid.counts[place] = putResidualBlock(bits, this.#chromaLevels, start, 15, grid.context(place));
      }
    }
  }
}

/** What a one costs by the zeros before it: lone high-frequency ones are worth less than their bits. */
const ONE_COST = Uint8Array.of(3, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

/** A measure of how much a block's levels matter: 9 if any is above one in magnitude. */
function isolatedCost(levels: Int16Array, start: number): number {
  let cost = 0;
  let run = 0;
  for (let i = 0; i < 16; i++) {
    const level = levels[start + i]!;
    if (level === 0) {
      run++;
      continue;
    }
    if (level > 1 || level < -1) return 9;
    cost += ONE_COST[run]!;
    run = 0;
  }
  return cost;
}
