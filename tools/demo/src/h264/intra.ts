/** Intra 16x16 prediction modes (H.264 table 8-4). */
export const INTRA_VERTICAL = 0;
export const INTRA_HORIZONTAL = 1;
export const INTRA_DC = 2;
export const INTRA_PLANE = 3;

/** Chroma prediction modes (H.264 table 8-5). */
export const CHROMA_DC = 0;
export const CHROMA_HORIZONTAL = 1;
export const CHROMA_VERTICAL = 2;

/**
 * Writes the prediction of the 16x16 luma block at `offset` of `plane` from its reconstructed neighbours into
 * `out` (256 values). The neighbours that `mode` needs must exist.
 *
 * @see H.264 §8.3.3
 */
export function predictLuma(
  plane: Uint8Array,
  offset: number,
  stride: number,
  mode: number,
  hasLeft: boolean,
  hasTop: boolean,
  out: Uint8Array,
): void {
  const top = offset - stride;
  if (mode === INTRA_VERTICAL) {
    for (let x = 0; x < 16; x++) out[x] = plane[top + x]!;
    for (let filled = 16; filled < 256; filled *= 2) out.copyWithin(filled, 0, filled);
  } else if (mode === INTRA_HORIZONTAL) {
    for (let y = 0; y < 16; y++) out.fill(plane[offset + y * stride - 1]!, y * 16, y * 16 + 16);
  } else if (mode === INTRA_DC) {
    let sum = 0;
    if (hasTop) for (let x = 0; x < 16; x++) sum += plane[top + x]!;
    if (hasLeft) for (let y = 0; y < 16; y++) sum += plane[offset + y * stride - 1]!;
    const mean = hasTop && hasLeft ? (sum + 16) >> 5 : hasTop || hasLeft ? (sum + 8) >> 4 : 128;
    out.fill(mean);
  } else {
    predictPlane(plane, offset, stride, out);
  }
}

function predictPlane(plane: Uint8Array, offset: number, stride: number, out: Uint8Array): void {
  const top = offset - stride;
  let h = 0;
  let v = 0;
  for (let i = 0; i < 8; i++) {
    h += (i + 1) * (plane[top + 8 + i]! - plane[top + 6 - i]!);
    v += (i + 1) * (plane[offset + (8 + i) * stride - 1]! - plane[offset + (6 - i) * stride - 1]!);
  }
  const a = 16 * (plane[offset + 15 * stride - 1]! + plane[top + 15]!);
  const b = (5 * h + 32) >> 6;
  const c = (5 * v + 32) >> 6;
  for (let y = 0; y < 16; y++) {
    let value = a - 7 * b + c * (y - 7) + 16;
    for (let x = 0; x < 16; x++, value += b) {
      const pixel = value >> 5;
      out[y * 16 + x] = pixel < 0 ? 0 : pixel > 255 ? 255 : pixel;
    }
  }
}

/**
 * Writes the prediction of the 8x8 chroma block at `offset` into the plane itself. The neighbours that `mode` needs
 * must exist.
 *
 * @see H.264 §8.3.4
 */
export function predictChroma(
  plane: Uint8Array,
  offset: number,
  stride: number,
  mode: number,
  hasLeft: boolean,
  hasTop: boolean,
): void {
  const top = offset - stride;
  if (mode === CHROMA_VERTICAL) {
    for (let y = 0; y < 8; y++) plane.copyWithin(offset + y * stride, top, top + 8);
    return;
  }
  if (mode === CHROMA_HORIZONTAL) {
    for (let y = 0; y < 8; y++) {
      const p = offset + y * stride;
      plane.fill(plane[p - 1]!, p, p + 8);
    }
    return;
  }
  for (let by = 0; by < 8; by += 4) {
    for (let bx = 0; bx < 8; bx += 4) {
      const dc = chromaDc(plane, offset, stride, bx, by, hasLeft, hasTop);
      for (let y = 0; y < 4; y++) {
        const p = offset + (by + y) * stride + bx;
        plane.fill(dc, p, p + 4);
      }
    }
  }
}

function chromaDc(
  plane: Uint8Array,
  offset: number,
  stride: number,
  bx: number,
  by: number,
  hasLeft: boolean,
  hasTop: boolean,
): number {
  let topSum = 0;
  let leftSum = 0;
  if (hasTop) for (let i = 0; i < 4; i++) topSum += plane[offset - stride + bx + i]!;
  if (hasLeft) for (let i = 0; i < 4; i++) leftSum += plane[offset + (by + i) * stride - 1]!;
  if (!hasTop && !hasLeft) return 128;
  // The two blocks off the diagonal look at one side only, if it is there.
  const isTopOnly = hasTop && (!hasLeft || (bx > 0 && by === 0));
  const isLeftOnly = hasLeft && (!hasTop || (bx === 0 && by > 0));
  if (isTopOnly) return (topSum + 2) >> 2;
  if (isLeftOnly) return (leftSum + 2) >> 2;
  return (topSum + leftSum + 4) >> 3;
}

/** Sum of absolute differences of a 16x16 block of `plane` and `prediction` (256 values); gives up above `limit`. */
export function lumaDifference(
  plane: Uint8Array,
  offset: number,
  stride: number,
  prediction: Uint8Array,
  limit: number,
): number {
  let sum = 0;
  for (let y = 0; y < 16; y++) {
    const p = offset + y * stride;
    const q = y * 16;
    for (let x = 0; x < 16; x++) {
      const d = plane[p + x]! - prediction[q + x]!;
      sum += d < 0 ? -d : d;
    }
    if (sum > limit) return sum;
  }
  return sum;
}

/** Error of predicting the 8x8 block of `source` horizontally (`step` = stride) or vertically from `recon`. */
export function chromaDifference(
  source: Uint8Array,
  recon: Uint8Array,
  offset: number,
  stride: number,
  isVertical: boolean,
): number {
  let sum = 0;
  for (let y = 0; y < 8; y++) {
    const p = offset + y * stride;
    for (let x = 0; x < 8; x++) {
      const d = source[p + x]! - recon[isVertical ? offset - stride + x : p - 1]!;
      sum += d < 0 ? -d : d;
    }
  }
  return sum;
}
