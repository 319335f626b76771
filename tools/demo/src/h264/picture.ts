/**
 * A picture in planar YUV 4:2:0, BT.709 video range.
 *
 * The planes are stored as the encoder works on them: whole macroblocks of 16x16, so `stride` is `codedWidth` for
 * luma and half of it for both chroma planes. Pixels right of `width` and below `height` are padding.
 */
export interface Picture {
  /** Pixels; even. */
  readonly width: number;
  /** Pixels; even. */
  readonly height: number;
  readonly codedWidth: number;
  readonly codedHeight: number;
  readonly y: Uint8Array;
  readonly u: Uint8Array;
  readonly v: Uint8Array;
  /** The same luma, two and four pixels at a time: comparing and painting are several times as fast. */
  readonly y16: Uint16Array;
  readonly y32: Int32Array;
  readonly u32: Int32Array;
  readonly v32: Int32Array;
}

/**
 * Makes a black picture.
 *
 * @throws RangeError if a side is odd, below 16 or above 4096.
 */
export function createPicture(width: number, height: number): Picture {
  for (const side of [width, height]) {
    if (side % 2 !== 0 || side < 16 || side > 4096) {
      throw new RangeError(`Cannot make a picture of ${width}x${height}: both sides must be even, from 16 to 4096`);
    }
  }
  const codedWidth = (width + 15) & ~15;
  const codedHeight = (height + 15) & ~15;
  const lumaBytes = codedWidth * codedHeight;
  const y = new Uint8Array(lumaBytes).fill(16);
  const u = new Uint8Array(lumaBytes / 4).fill(128);
  const v = new Uint8Array(lumaBytes / 4).fill(128);
  const y16 = new Uint16Array(y.buffer);
  const y32 = new Int32Array(y.buffer);
  const u32 = new Int32Array(u.buffer);
  const v32 = new Int32Array(v.buffer);
  return { width, height, codedWidth, codedHeight, y, u, v, y16, y32, u32, v32 };
}

/** Copies the pixels of one picture to another of the same size. */
export function copyPicture(from: Picture, to: Picture): void {
  to.y.set(from.y);
  to.u.set(from.u);
  to.v.set(from.v);
}

/** Fills the padding with the nearest pixel, which costs the fewest bits. */
export function padPicture(picture: Picture): void {
  const { width, height, codedWidth, codedHeight } = picture;
  padPlane(picture.y, width, height, codedWidth, codedHeight);
  padPlane(picture.u, width / 2, height / 2, codedWidth / 2, codedHeight / 2);
  padPlane(picture.v, width / 2, height / 2, codedWidth / 2, codedHeight / 2);
}

function padPlane(plane: Uint8Array, width: number, height: number, stride: number, rowCount: number): void {
  if (width < stride) {
    for (let row = 0; row < height; row++)
      plane.fill(plane[row * stride + width - 1]!, row * stride + width, (row + 1) * stride);
  }
  for (let row = height; row < rowCount; row++) plane.copyWithin(row * stride, (height - 1) * stride, height * stride);
}

/** The visible pixels as one I420 buffer, Y then U then V without padding. A copy. */
export function toI420(picture: Picture): Uint8Array {
  const { width, height, codedWidth } = picture;
  const out = new Uint8Array((width * height * 3) / 2);
  let at = 0;
  for (const plane of [picture.y, picture.u, picture.v]) {
    const scale = plane === picture.y ? 1 : 2;
    for (let row = 0; row < height / scale; row++) {
      const start = (row * codedWidth) / scale;
      out.set(plane.subarray(start, start + width / scale), at);
      at += width / scale;
    }
  }
  return out;
}
