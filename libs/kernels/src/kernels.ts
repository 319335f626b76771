import type { NetInput, NetOutput } from "./cell-net.ts";
import type { Plane, Region, YuvFrame } from "./frame.ts";
import type { NetData } from "./net-data.ts";

/** A gray picture in the kernels' own memory; rows follow one another without a gap. */
export interface GrayImage {
  readonly width: number;
  readonly height: number;
  /** `width * height` samples; the view stays valid as long as the kernels live. */
  readonly pixels: Uint8Array;
}

/** Sums over rows or columns in the kernels' own memory. */
export interface Profile {
  readonly length: number;
  readonly sums: Int32Array;
}

/** How strongly {@link Kernels.obscure} works, in luma samples. See `strengthFor`. */
export interface ObscureStrength {
  /** Side of the squares whose samples all become their average, 1 to 170; 1 keeps them. */
  readonly cell: number;
  /**
   * The averages are rounded to multiples of this, 1 to 64; 1 unless it is given. It is what makes a mosaic
   * irreversible: without it, the averages of large cells still tell one phrase from another.
   */
  readonly step?: number;
  /** Radius of the box blur that follows, run twice, 0 to 63; 0 leaves the squares. */
  readonly radius: number;
}

/**
 * Pixel work, without I/O and without garbage: all memory is taken when it is asked for, and given back never.
 *
 * There are two of them that agree in every sample: WebAssembly SIMD, and plain TypeScript to check it by.
 * Every method throws RangeError for a region outside its picture or a result that does not fit.
 */
export interface Kernels {
  /** Room for gray pictures of at most so many samples, as tall or wide as they come. */
  image(maxSamples: number): ImageSlot;
  profile(maxLength: number): ProfileSlot;

  /**
   * Averages squares of `factor` by `factor` samples, halves rounded up; what is left over at the right and lower edge
   * is dropped. The plane may be a {@link GrayImage}'s pixels, but not those of the slot that is written.
   *
   * @param rowStep Takes only every so many-th row of the region (1, 2 or 4; at most `factor`), to touch less memory.
   */
  subsample(plane: Plane, region: Region, factor: 1 | 2 | 4 | 8, rowStep: number, into: ImageSlot): GrayImage;

  /**
   * Measures squares of `size` by `size` samples, from four neighbouring rows in the middle of each: their mean, and how
   * much the samples change along a row, which is what tells text from a plain ground. What is left over at the right and
   * lower edge is dropped. The texture is a quarter of the sum of |p(x + 1) - p(x)| over the square's part of a row,
   * averaged over the rows, at most 255; nothing follows the region's last sample.
   *
   * @param size 1 to 64.
   */
  measureCells(plane: Plane, region: Region, size: number, means: ImageSlot, textures: ImageSlot): CellPictures;

  /**
   * A network over cells, with buffers for pictures of at most so many.
   *
   * @throws RangeError for data that do not belong together, or whose sums could leave 32 bits.
   */
  cellNet(data: NetData, maxCells: number): CellNetwork;

  /** Entry y: sum over x in [left, right) of p(x, y + 1) - p(x, y), signed; `height - 1` entries. */
  rowSteps(image: GrayImage, left: number, right: number, into: ProfileSlot): Profile;
  /** The same of absolute values. */
  rowEdges(image: GrayImage, left: number, right: number, into: ProfileSlot): Profile;
  /** Entry x: sum over y in [top, bottom) of p(x + 1, y) - p(x, y), signed; `width - 1` entries. */
  columnSteps(image: GrayImage, top: number, bottom: number, into: ProfileSlot): Profile;
  /** The same of absolute values. */
  columnEdges(image: GrayImage, top: number, bottom: number, into: ProfileSlot): Profile;

  /**
   * Sum of absolute differences of two pictures of one size, for each square of 8 by 8 samples, row by row of squares.
   * The squares at the right and lower edge have what is there: `ceil(width / 8) * ceil(height / 8)` entries.
   */
  cellDifferences(image: GrayImage, before: GrayImage, into: ProfileSlot): Profile;

  /**
   * Mean contrast along a rounded rectangle's outline between the samples just outside and just inside, 0 to 255, for
   * each side: the mean of absolute differences, 0 for a side at the picture's edge and for one that is all corner.
   *
   * @param radius Of the corners, which are left out.
   */
  outlineContrast(image: GrayImage, rectangle: Region, radius: number): OutlineContrast;

  /** Zero-mean normalized cross-correlation of a template with the picture at (x, y), -1 to 1; 0 where either is flat. */
  templateScore(image: GrayImage, template: GrayImage, x: number, y: number): number;

  /**
   * Makes a region of a picture unreadable, in place on Y, U and V: mosaic, then box blur twice. It reads nothing from
   * outside the region, so that what is covered does not depend on what is next to it, and nothing of it bleeds out.
   * On U and V, with half of both strengths, it takes in every sample that a luma sample of the region has its color from.
   */
  obscure(frame: YuvFrame, region: Region, strength: ObscureStrength): void;
}

/** What {@link Kernels.measureCells} says of a picture. */
export interface CellPictures {
  readonly means: GrayImage;
  readonly textures: GrayImage;
}

/** Made by {@link Kernels.cellNet}. */
export interface CellNetwork {
  /** @throws RangeError for pictures of different sizes, for more cells than there is room for, for sides over 4096. */
  run(input: NetInput): NetOutput;
}

export interface OutlineContrast {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Memory that a kernel writes a picture to. What was written before is overwritten. */
export interface ImageSlot {
  readonly maxSamples: number;
}

/** Memory that a kernel writes a profile to. */
export interface ProfileSlot {
  readonly maxLength: number;
}
