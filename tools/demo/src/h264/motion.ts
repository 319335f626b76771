import type { Picture } from "./picture.ts";

/** Whether two blocks of `size`x`size` bytes in planes of the same stride are equal. */
export function isSameBlock(
  a: Uint8Array,
  aOffset: number,
  b: Uint8Array,
  bOffset: number,
  stride: number,
  size: number,
): boolean {
  for (let y = 0; y < size; y++) {
    const p = aOffset + y * stride;
    const q = bOffset + y * stride;
    for (let x = 0; x < size; x++) {
      if (a[p + x] !== b[q + x]) return false;
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
  copyBlock(from.y, at + dy * stride + dx, to.y, at, stride, 16);
  const chromaStride = stride >> 1;
  const chromaAt = mbY * 8 * chromaStride + mbX * 8;
  const chromaFrom = chromaAt + (dy >> 1) * chromaStride + (dx >> 1);
  if (((dx | dy) & 1) === 0) {
    copyBlock(from.u, chromaFrom, to.u, chromaAt, chromaStride, 8);
    copyBlock(from.v, chromaFrom, to.v, chromaAt, chromaStride, 8);
  } else {
    halfPixelBlock(from.u, chromaFrom, to.u, chromaAt, chromaStride, dx & 1, dy & 1);
    halfPixelBlock(from.v, chromaFrom, to.v, chromaAt, chromaStride, dx & 1, dy & 1);
  }
}

function copyBlock(
  from: Uint8Array,
  fromOffset: number,
  to: Uint8Array,
  toOffset: number,
  stride: number,
  size: number,
): void {
  for (let y = 0; y < size; y++) {
    const p = fromOffset + y * stride;
    const q = toOffset + y * stride;
    for (let x = 0; x < size; x++) to[q + x] = from[p + x]!;
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
