/** One plane of 8-bit samples, row by row. */
export interface Plane {
  /** At least `stride * (height - 1) + width` bytes. */
  readonly data: Uint8Array;
  /** Bytes from one row to the next; at least `width`. */
  readonly stride: number;
  readonly width: number;
  readonly height: number;
}

/** A planar YUV 4:2:0 picture: `u` and `v` have half the width and height of `y`, rounded up. */
export interface YuvFrame {
  readonly y: Plane;
  readonly u: Plane;
  readonly v: Plane;
}

/** A rectangle of luma samples; the left upper corner is inside, the right lower one is not. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
