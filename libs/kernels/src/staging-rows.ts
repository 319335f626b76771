/**
 * Copies rows between a plane in foreign memory and a place in the kernels' own.
 *
 * A copy of a row costs as much for making its view as for the bytes. Coming in, planes with little between their rows
 * are taken in one piece; what is between is never looked at. Going out, each row goes alone, so that nothing between
 * them is written, and the views are kept for the next picture of the same shape.
 */
export class StagingRows {
  readonly #bytes: Uint8Array;
  readonly #offset: number;
  readonly #sizeBytes: number;
  readonly #kept: { readonly stride: number; readonly width: number; readonly rows: Uint8Array[] }[] = [];

  /** @param sizeBytes Room for the largest plane, with 64 bytes between its rows. */
  constructor(buffer: ArrayBuffer, offset: number, sizeBytes: number) {
    this.#bytes = new Uint8Array(buffer);
    this.#offset = offset;
    this.#sizeBytes = sizeBytes;
  }

  /** @returns The stride of the copy: at least `width` rounded up to a multiple of 16. */
  copyIn(data: Uint8Array, corner: number, stride: number, width: number, height: number): number {
    const vectorWidth = (width + 15) & ~15;
    const sizeBytes = stride * (height - 1) + width;
    if (stride >= vectorWidth && stride <= vectorWidth + (vectorWidth >> 2) && sizeBytes <= this.#sizeBytes) {
      this.#bytes.set(view(data, corner, sizeBytes), this.#offset);
      return stride;
    }
    // An odd number of cache lines: the rows of a column do not all fall into the same few sets of the cache.
    const ownStride = ((width + 63) & ~63) | 64;
    this.copyRows(data, corner, stride, width, height, this.#offset, ownStride);
    return ownStride;
  }

  copyRows(
    data: Uint8Array,
    corner: number,
    stride: number,
    width: number,
    height: number,
    to: number,
    toStride: number,
  ): void {
    for (let y = 0; y < height; y++) this.#bytes.set(view(data, corner + y * stride, width), to + y * toStride);
  }

  copyOut(data: Uint8Array, corner: number, stride: number, ownStride: number, width: number, height: number): void {
    const rows = this.#rows(ownStride, width, height);
    for (let y = 0; y < height; y++) data.set(rows[y] as Uint8Array, corner + y * stride);
  }

  #rows(stride: number, width: number, height: number): readonly Uint8Array[] {
    let entry = this.#kept.find((kept) => kept.stride === stride && kept.width === width);
    if (entry === undefined) {
      entry = { stride, width, rows: [] };
      this.#kept.unshift(entry);
      if (this.#kept.length > KEPT_SHAPES) this.#kept.pop();
    }
    for (let y = entry.rows.length; y < height; y++) {
      entry.rows.push(new Uint8Array(this.#bytes.buffer, this.#offset + y * stride, width));
    }
    return entry.rows;
  }
}

/** Luma and chroma of two banners of different widths. */
const KEPT_SHAPES = 4;

/** Not `subarray`, which is several times as slow for Node's buffers. */
function view(data: Uint8Array, start: number, length: number): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset + start, length);
}
