import type { Picture } from "./picture.ts";

/** Whether macroblock (`mbX`, `mbY`) of `a` equals the one of `b` at the same place, all three planes. */
export function isStill(a: Picture, b: Picture, mbX: number, mbY: number): boolean {
  const stride = a.codedWidth >> 2;
  const at = mbY * 16 * stride + mbX * 4;
  for (let y = 0, p = at; y < 16; y++, p += stride) {
    if (a.y32[p] !== b.y32[p] || a.y32[p + 1] !== b.y32[p + 1]) return false;
    if (a.y32[p + 2] !== b.y32[p + 2] || a.y32[p + 3] !== b.y32[p + 3]) return false;
  }
  const chromaStride = stride >> 1;
  const chromaAt = mbY * 8 * chromaStride + mbX * 2;
  for (let y = 0, p = chromaAt; y < 8; y++, p += chromaStride) {
    if (a.u32[p] !== b.u32[p] || a.u32[p + 1] !== b.u32[p + 1]) return false;
    if (a.v32[p] !== b.v32[p] || a.v32[p + 1] !== b.v32[p + 1]) return false;
  }
  return true;
}

/** Whether macroblock (`mbX`, `mbY`) of `a` equals the one of `b` displaced by (`dx`, `dy`), which are even. */
export function isMoved(a: Picture, b: Picture, mbX: number, mbY: number, dx: number, dy: number): boolean {
  const stride = a.codedWidth >> 1;
  const at = mbY * 16 * stride + mbX * 8;
  const shift = dy * stride + (dx >> 1);
  for (let y = 0, p = at; y < 16; y++, p += stride) {
    for (let x = p; x < p + 8; x++) if (a.y16[x] !== b.y16[x + shift]) return false;
  }
  const chromaStride = a.codedWidth >> 1;
  const chromaAt = mbY * 8 * chromaStride + mbX * 8;
  const chromaShift = (dy >> 1) * chromaStride + (dx >> 1);
  for (let y = 0, p = chromaAt; y < 8; y++, p += chromaStride) {
    for (let x = p; x < p + 8; x++) {
      if (a.u[x] !== b.u[x + chromaShift] || a.v[x] !== b.v[x + chromaShift]) return false;
    }
  }
  return true;
}

/** Sum of absolute differences of two 16x16 blocks; gives up after the row where it passes `limit`. */
export function blockDifference(
  a: Uint8Array,
  aOffset: number,
  b: Uint8Array,
  bOffset: number,
  stride: number,
  limit: number,
): number {
  let sum = 0;
  for (let y = 0; y < 16; y++) {
    const p = aOffset + y * stride;
    const q = bOffset + y * stride;
    for (let x = 0; x < 16; x++) {
      const d = a[p + x]! - b[q + x]!;
      sum += d < 0 ? -d : d;
    }
    if (sum > limit) return sum;
  }
  return sum;
}

/**
 * Writes the inter prediction of macroblock (`mbX`, `mbY`) into `to`, from `from` displaced by (`dx`, `dy`) whole luma
 * pixels. The displaced block and, for odd displacements, one chroma pixel beyond it must lie in the picture.
 *
 * @see H.264 §8.4.2.2
 */
export function predictInter(from: Picture, to: Picture, mbX: number, mbY: number, dx: number, dy: number): void {
  const stride = from.codedWidth;
  const at = mbY * 16 * stride + mbX * 16;
  if ((dx & 1) === 0) copyBlock(from.y16, (at + dy * stride + dx) >> 1, to.y16, at >> 1, stride >> 1, 8, 16);
  else copyBlock(from.y, at + dy * stride + dx, to.y, at, stride, 16, 16);
  const chromaStride = stride >> 1;
  const chromaAt = mbY * 8 * chromaStride + mbX * 8;
  const chromaFrom = chromaAt + (dy >> 1) * chromaStride + (dx >> 1);
  if (((dx | dy) & 1) === 0) {
    copyBlock(from.u, chromaFrom, to.u, chromaAt, chromaStride, 8, 8);
    copyBlock(from.v, chromaFrom, to.v, chromaAt, chromaStride, 8, 8);
  } else {
    halfPixelBlock(from.u, chromaFrom, to.u, chromaAt, chromaStride, dx & 1, dy & 1);
    halfPixelBlock(from.v, chromaFrom, to.v, chromaAt, chromaStride, dx & 1, dy & 1);
  }
}

function copyBlock(
  from: Uint8Array | Uint16Array,
  fromOffset: number,
  to: Uint8Array | Uint16Array,
  toOffset: number,
  stride: number,
  width: number,
  height: number,
): void {
  for (let y = 0; y < height; y++) {
    const p = fromOffset + y * stride;
    const q = toOffset + y * stride;
    for (let x = 0; x < width; x++) to[q + x] = from[p + x]!;
  }
}

/** Chroma at half a pixel: an odd luma displacement is 4/8 of a chroma pixel. */
function halfPixelBlock(
  from: Uint8Array,
  fromOffset: number,
  to: Uint8Array,
  toOffset: number,
  stride: number,
  halfX: number,
  halfY: number,
): void {
  const right = halfX;
  const below = halfY * stride;
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      const p = fromOffset + y * stride + x;
      to[toOffset + y * stride + x] =
        (from[p]! + from[p + right]! + from[p + below]! + from[p + below + right]! + 2) >> 2;
    }
  }
}
