import type { Plane, Region } from "../frame.ts";
import type { GrayImage } from "../kernels.ts";

/** Averages of `factor` by `factor / rowStep` samples, halves rounded up. */
export function subsample(plane: Plane, region: Region, factor: number, rowStep: number, into: GrayImage): void {
  const { data, stride } = plane;
  const { width, height, pixels } = into;
  const count = (factor * factor) / rowStep;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const corner = (region.y + y * factor) * stride + region.x + x * factor;
      let sum = 0;
      for (let row = 0; row < factor; row += rowStep) {
        const start = corner + row * stride;
        for (let at = start; at < start + factor; at++) sum += data[at]!;
      }
      pixels[y * width + x] = Math.floor((sum + count / 2) / count);
    }
  }
}
