import type { CellScales } from "./cell-scales.ts";
import type { Plane, Region } from "./frame.ts";
import type { GrayImage } from "./kernels.ts";
import type { NetWork } from "./net-work.ts";

/**
 * What differs between the two implementations: loops over samples. Every argument was checked by the caller, and
 * every result has the size that its comment in `kernels.ts` gives it.
 */
export interface PixelWork {
  readonly net: NetWork;
  measureCells(
    plane: Plane,
    region: Region,
    size: number,
    scales: CellScales,
    means: Uint8Array,
    textures: Uint8Array,
  ): void;
  subsample(plane: Plane, region: Region, factor: number, rowStep: number, into: GrayImage): void;
  rowSteps(image: GrayImage, left: number, right: number, into: Int32Array): void;
  rowEdges(image: GrayImage, left: number, right: number, into: Int32Array): void;
  columnSteps(image: GrayImage, top: number, bottom: number, into: Int32Array): void;
  columnEdges(image: GrayImage, top: number, bottom: number, into: Int32Array): void;
  cellDifferences(image: GrayImage, before: GrayImage, into: Int32Array): void;
  /** Sums of absolute differences across the top, bottom, left and right side; 0 where there is nothing outside. */
  outlineSums(image: GrayImage, rectangle: Region, radius: number, into: Float64Array): void;
  /** Sums of picture, template, products, squares of the picture, squares of the template. */
  templateSums(image: GrayImage, template: GrayImage, x: number, y: number, into: Float64Array): void;
  /**
   * Mosaic of averages rounded to multiples of `step`, then two box blurs along the rows, then two along the columns;
   * each rounded to 8 bits.
   */
  obscurePlane(plane: Plane, region: Region, cell: number, step: number, radius: number): void;
}
