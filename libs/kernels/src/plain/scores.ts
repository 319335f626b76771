import type { Region } from "../frame.ts";
import type { GrayImage } from "../kernels.ts";

export function outlineSums(image: GrayImage, rectangle: Region, radius: number, into: Float64Array): void {
  const { width, height, pixels } = image;
  const right = rectangle.x + rectangle.width;
  const bottom = rectangle.y + rectangle.height;
  into.fill(0, 0, 4);
  for (let x = rectangle.x + radius; x < right - radius; x++) {
    const top = rectangle.y * width + x;
    if (rectangle.y > 0) into[0]! += Math.abs(pixels[top]! - pixels[top - width]!);
    const end = bottom * width + x;
    if (bottom < height) into[1]! += Math.abs(pixels[end]! - pixels[end - width]!);
  }
  for (let y = rectangle.y + radius; y < bottom - radius; y++) {
    const row = y * width;
    if (rectangle.x > 0) into[2]! += Math.abs(pixels[row + rectangle.x]! - pixels[row + rectangle.x - 1]!);
    if (right < width) into[3]! += Math.abs(pixels[row + right]! - pixels[row + right - 1]!);
  }
}

export function templateSums(image: GrayImage, template: GrayImage, x: number, y: number, into: Float64Array): void {
  into.fill(0, 0, 5);
  for (let row = 0; row < template.height; row++) {
    for (let column = 0; column < template.width; column++) {
      const a = image.pixels[(y + row) * image.width + x + column]!;
      const b = template.pixels[row * template.width + column]!;
      into[0]! += a;
      into[1]! += b;
      into[2]! += a * b;
      into[3]! += a * a;
      into[4]! += b * b;
    }
  }
}
