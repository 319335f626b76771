import type { BitWriter } from "../bit-writer.ts";
import {
  CHROMA_ZEROS_CODE,
  CHROMA_ZEROS_LENGTH,
  COEFF_TOKEN_CODE,
  COEFF_TOKEN_LENGTH,
  RUN_BEFORE_CODE,
  RUN_BEFORE_LENGTH,
  TOTAL_ZEROS_CODE,
  TOTAL_ZEROS_LENGTH,
} from "./tables.ts";

/** `nC` of a chroma DC block, which has a table of its own. */
export const CHROMA_DC_CONTEXT = -1;

// The non-zero levels of the block at hand and their places, highest frequency first.
const level = new Int32Array(16);
const place = new Int32Array(16);

/**
 * Writes residual_block_cavlc for `levels[start, start + count)`, which are in scan order.
 *
 * @param count 16, 15 (a block whose DC is coded apart) or 4 (chroma DC).
 * @param nC The mean of the neighbours' coefficient counts, or `CHROMA_DC_CONTEXT`.
 * @returns TotalCoeff, the context of later blocks.
 * @see H.264 §7.3.5.3.2, §9.2
 */
export function putResidualBlock(
  bits: BitWriter,
  levels: Int16Array,
  start: number,
  count: number,
  nC: number,
): number {
  let total = 0;
  for (let i = count - 1; i >= 0; i--) {
    const value = levels[start + i]!;
    if (value === 0) continue;
    level[total] = value;
    place[total++] = i;
  }
  let ones = 0;
  while (ones < 3 && ones < total && (level[ones] === 1 || level[ones] === -1)) ones++;

  const context = nC < 0 ? 4 : nC < 2 ? 0 : nC < 4 ? 1 : nC < 8 ? 2 : 3;
  const token = context * 68 + total * 4 + ones;
  bits.put(COEFF_TOKEN_CODE[token]!, COEFF_TOKEN_LENGTH[token]!);
  if (total === 0) return 0;

  putLevels(bits, total, ones);
  let zerosLeft = place[0]! + 1 - total;
  if (total < count) {
    if (count === 4) {
      const index = (total - 1) * 4 + zerosLeft;
      bits.put(CHROMA_ZEROS_CODE[index]!, CHROMA_ZEROS_LENGTH[index]!);
    } else {
      const index = (total - 1) * 16 + zerosLeft;
      bits.put(TOTAL_ZEROS_CODE[index]!, TOTAL_ZEROS_LENGTH[index]!);
    }
  }
  for (let k = 0; k + 1 < total && zerosLeft > 0; k++) {
    const run = place[k]! - place[k + 1]! - 1;
    const index = ((zerosLeft < 7 ? zerosLeft : 7) - 1) * 16 + run;
    bits.put(RUN_BEFORE_CODE[index]!, RUN_BEFORE_LENGTH[index]!);
    zerosLeft -= run;
  }
  return total;
}

function putLevels(bits: BitWriter, total: number, ones: number): void {
  for (let k = 0; k < ones; k++) bits.put(level[k]! < 0 ? 1 : 0, 1);
  let suffixLength = total > 10 && ones < 3 ? 1 : 0;
  for (let k = ones; k < total; k++) {
    const value = level[k]!;
    const magnitude = value < 0 ? -value : value;
    let code = value > 0 ? 2 * value - 2 : -2 * value - 1;
    // After fewer than three trailing ones the next level cannot be another one, so the codes move down.
    if (k === ones && ones < 3) code -= 2;
    if (suffixLength === 0) {
      if (code < 14) bits.put(1, code + 1);
      else if (code < 30) bits.put((1 << 4) | (code - 14), 19);
      else putEscape(bits, code - 30);
      suffixLength = 1;
    } else if (code < 15 << suffixLength) {
      const prefix = code >> suffixLength;
      bits.put((1 << suffixLength) | (code & ((1 << suffixLength) - 1)), prefix + 1 + suffixLength);
    } else {
      putEscape(bits, code - (15 << suffixLength));
    }
    if (magnitude > 3 << (suffixLength - 1) && suffixLength < 6) suffixLength++;
  }
}

/** level_prefix 15 and a suffix of 12 bits: the longest code that the Baseline profile has. */
function putEscape(bits: BitWriter, suffix: number): void {
  bits.put(1, 16);
  bits.put(suffix, 12);
}
