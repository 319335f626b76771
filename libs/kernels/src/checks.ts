import type { Plane, Region, YuvFrame } from "./frame.ts";
import type { GrayImage, ObscureStrength } from "./kernels.ts";
import { MAX_CELL, MAX_CELL_SIZE, MAX_RADIUS, MAX_SIDE, MAX_STEP, MAX_TEMPLATE_SAMPLES } from "./limits.ts";

/** Throws RangeError unless the plane's rows lie within its data and its sides within the limits. */
export function checkPlane(plane: Plane): void {
  const { data, stride, width, height } = plane;
  if (!isSide(width) || !isSide(height)) {
    throw new RangeError(`Cannot work on a plane of ${width} x ${height}: sides go from 1 to ${MAX_SIDE} samples`);
  }
  if (!Number.isInteger(stride) || stride < width) {
    throw new RangeError(`Cannot work on a plane with a stride of ${stride}: its rows have ${width} samples`);
  }
  const neededBytes = stride * (height - 1) + width;
  if (data.length < neededBytes) {
    throw new RangeError(
      `Cannot work on a plane of ${width} x ${height}: it needs ${neededBytes} bytes, ${data.length} given`,
    );
  }
}

/** Throws RangeError unless the planes' sizes are those of 4:2:0. */
export function checkFrame(frame: YuvFrame): void {
  checkPlane(frame.y);
  checkPlane(frame.u);
  checkPlane(frame.v);
  const width = (frame.y.width + 1) >> 1;
  const height = (frame.y.height + 1) >> 1;
  if (frame.u.width !== width || frame.u.height !== height || frame.v.width !== width || frame.v.height !== height) {
    throw new RangeError(
      `Cannot work on a frame of ${frame.y.width} x ${frame.y.height}: its chroma planes must be ${width} x ${height}`,
    );
  }
}

/** Throws RangeError for an empty region and for one that is not within the picture. */
export function checkRegion(region: Region, width: number, height: number): void {
  const { x, y } = region;
  const isInside =
    isIndex(x) &&
    isIndex(y) &&
    isSide(region.width) &&
    isSide(region.height) &&
    x + region.width <= width &&
    y + region.height <= height;
  if (!isInside) {
    throw new RangeError(
      `Cannot work on the region ${region.width} x ${region.height} at (${x}, ${y}): the picture is ${width} x ${height}, and regions have whole numbers and at least one sample`,
    );
  }
}

/** Throws RangeError unless `0 <= start < end <= length`. */
export function checkSpan(start: number, end: number, length: number): void {
  if (!isIndex(start) || !Number.isInteger(end) || end <= start || end > length) {
    throw new RangeError(`Cannot work on rows or columns ${start} to ${end}: the picture has ${length}`);
  }
}

/** Throws RangeError for cells that are not 1 to 64 samples wide, and for a region with room for none. */
export function checkCellSize(size: number, region: Region): void {
  if (!Number.isInteger(size) || size < 1 || size > MAX_CELL_SIZE || size > region.width || size > region.height) {
    throw new RangeError(
      `Cannot measure cells of ${size} samples in a region of ${region.width} x ${region.height}: use 1 to ${MAX_CELL_SIZE}, and at most its sides`,
    );
  }
}

/** Throws RangeError for another factor than 1, 2, 4 and 8, and for a step of rows that does not divide it. */
export function checkFactor(factor: number, rowStep: number): void {
  if (factor !== 1 && factor !== 2 && factor !== 4 && factor !== 8) {
    throw new RangeError(`Cannot subsample by ${factor}: use 1, 2, 4 or 8`);
  }
  if ((rowStep !== 1 && rowStep !== 2 && rowStep !== 4) || rowStep > factor) {
    throw new RangeError(
      `Cannot take every ${rowStep}. row when subsampling by ${factor}: use 1, 2 or 4, at most the factor`,
    );
  }
}

/** Throws RangeError unless both pictures have one size. */
export function checkSameSize(image: GrayImage, other: GrayImage): void {
  if (image.width !== other.width || image.height !== other.height) {
    throw new RangeError(
      `Cannot compare pictures of ${image.width} x ${image.height} and ${other.width} x ${other.height}: they must have one size`,
    );
  }
}

/** Throws RangeError unless the template is small enough and lies within the picture. */
export function checkTemplate(image: GrayImage, template: GrayImage, x: number, y: number): void {
  if (template.width * template.height > MAX_TEMPLATE_SAMPLES) {
    throw new RangeError(
      `Cannot match a template of ${template.width} x ${template.height}: at most ${MAX_TEMPLATE_SAMPLES} samples`,
    );
  }
  const isInside = isIndex(x) && isIndex(y) && x + template.width <= image.width && y + template.height <= image.height;
  if (!isInside) {
    throw new RangeError(
      `Cannot match a template of ${template.width} x ${template.height} at (${x}, ${y}): the picture is ${image.width} x ${image.height}`,
    );
  }
}

/** Throws RangeError for strengths that are no whole numbers or beyond the limits. */
export function checkStrength({ cell, radius, step = 1 }: ObscureStrength): void {
  if (!Number.isInteger(cell) || cell < 1 || cell > MAX_CELL) {
    throw new RangeError(`Cannot obscure with cells of ${cell} samples: use 1 to ${MAX_CELL}`);
  }
  if (!Number.isInteger(step) || step < 1 || step > MAX_STEP) {
    throw new RangeError(`Cannot round averages to multiples of ${step}: use 1 to ${MAX_STEP}`);
  }
  if (!isIndex(radius) || radius > MAX_RADIUS) {
    throw new RangeError(`Cannot obscure with a radius of ${radius} samples: use 0 to ${MAX_RADIUS}`);
  }
}

function isIndex(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

function isSide(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_SIDE;
}
