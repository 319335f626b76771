import type { GrayImage } from "../kernels.ts";

export function rowSteps({ width, height, pixels }: GrayImage, left: number, right: number, into: Int32Array): void {
  for (let y = 0; y + 1 < height; y++) {
    let sum = 0;
    for (let at = y * width + left; at < y * width + right; at++) sum += pixels[at + width]! - pixels[at]!;
    into[y] = sum;
  }
}

export function rowEdges({ width, height, pixels }: GrayImage, left: number, right: number, into: Int32Array): void {
  for (let y = 0; y + 1 < height; y++) {
    let sum = 0;
    for (let at = y * width + left; at < y * width + right; at++) sum += Math.abs(pixels[at + width]! - pixels[at]!);
    into[y] = sum;
  }
}

export function columnSteps({ width, pixels }: GrayImage, top: number, bottom: number, into: Int32Array): void {
  into.fill(0);
  for (let y = top; y < bottom; y++) {
    for (let x = 0; x + 1 < width; x++) into[x]! += pixels[y * width + x + 1]! - pixels[y * width + x]!;
  }
}

export function columnEdges({ width, pixels }: GrayImage, top: number, bottom: number, into: Int32Array): void {
  into.fill(0);
  for (let y = top; y < bottom; y++) {
    for (let x = 0; x + 1 < width; x++) into[x]! += Math.abs(pixels[y * width + x + 1]! - pixels[y * width + x]!);
  }
}

export function cellDifferences(image: GrayImage, before: GrayImage, into: Int32Array): void {
  const { width, height, pixels } = image;
  const columns = (width + 7) >> 3;
  into.fill(0);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      into[(y >> 3) * columns + (x >> 3)]! += Math.abs(pixels[at]! - before.pixels[at]!);
    }
  }
}
