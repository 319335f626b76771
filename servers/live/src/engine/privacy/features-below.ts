import type { GrayImage } from "@kagami/kernels";

/** One of so many samples of a row is measured. */
export const SAMPLE_STEP = 3;

/** Writes mean level, mean difference to the next sample, and the number of samples measured; every second row is. */
export function meanAndDetail(
  { width, pixels }: GrayImage,
  left: number,
  right: number,
  top: number,
  bottom: number,
  into: Float64Array,
): void {
  let sum = 0;
  let detail = 0;
  let count = 0;
  for (let y = top; y < bottom; y += 2) {
    for (let x = left; x < right; x += SAMPLE_STEP) {
      const p = pixels[y * width + x] as number;
      sum += p;
      detail += Math.abs((pixels[y * width + x + 1] as number) - p);
      count++;
    }
  }
  into[0] = count > 0 ? sum / count : 0;
  into[1] = count > 0 ? detail / count : 0;
  into[2] = count;
}
