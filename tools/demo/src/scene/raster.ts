import type { Picture } from "../h264/picture.ts";
import type { Bitmap } from "./bitmap.ts";

/**
 * Paints a canvas into a picture, each canvas pixel `scale` pixels wide and high.
 *
 * From scale 2 on, every canvas pixel has whole chroma samples of its own; at scale 1 four pixels share one sample,
 * and it is their mean.
 */
export function rasterise(canvas: Bitmap, picture: Picture, scale: number): void {
  rasteriseLuma(canvas, picture, scale);
  if (scale === 2) rasteriseChromaDouble(canvas, picture);
  else rasteriseChroma(canvas, picture, scale);
}

function rasteriseLuma(canvas: Bitmap, picture: Picture, scale: number): void {
  const { width, height, codedWidth: stride, y: plane, y16: pairs } = picture;
  const { pixels } = canvas;
  for (let row = 0; row * scale < height; row++) {
    const source = row * canvas.width;
    const start = row * scale * stride;
    if (scale === 1) {
      for (let x = 0; x < width; x++) plane[start + x] = pixels[source + x]!;
    } else if (scale === 2) {
      for (let x = 0; x < width >> 1; x++) pairs[(start >> 1) + x] = (pixels[source + x]! & 255) * 0x0101;
    } else {
      for (let x = 0; x < width; x++) plane[start + x] = pixels[source + ((x / scale) | 0)]!;
    }
    for (let copy = 1; copy < scale && row * scale + copy < height; copy++) {
      plane.copyWithin(start + copy * stride, start, start + width);
    }
  }
}

function rasteriseChromaDouble(canvas: Bitmap, picture: Picture): void {
  const stride = picture.codedWidth >> 1;
  const { u, v } = picture;
  const { pixels } = canvas;
  for (let row = 0; row < picture.height >> 1; row++) {
    const source = row * canvas.width;
    const start = row * stride;
    for (let x = 0; x < picture.width >> 1; x++) {
      const color = pixels[source + x]!;
      u[start + x] = color >> 8;
      v[start + x] = color >> 16;
    }
  }
}

function rasteriseChroma(canvas: Bitmap, picture: Picture, scale: number): void {
  const stride = picture.codedWidth >> 1;
  const { pixels } = canvas;
  for (let row = 0; row < picture.height >> 1; row++) {
    const upper = Math.floor((2 * row) / scale) * canvas.width;
    const lower = Math.floor((2 * row + 1) / scale) * canvas.width;
    for (let x = 0; x < picture.width >> 1; x++) {
      const left = Math.floor((2 * x) / scale);
      const right = Math.floor((2 * x + 1) / scale);
      const a = pixels[upper + left]!;
      const b = pixels[upper + right]!;
      const c = pixels[lower + left]!;
      const d = pixels[lower + right]!;
      const at = row * stride + x;
      picture.u[at] = (((a >> 8) & 255) + ((b >> 8) & 255) + ((c >> 8) & 255) + ((d >> 8) & 255) + 2) >> 2;
      picture.v[at] = ((a >> 16) + (b >> 16) + (c >> 16) + (d >> 16) + 2) >> 2;
    }
  }
}
