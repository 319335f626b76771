import { Arena } from "./arena.ts";
import { CELL_ROWS, type CellScales } from "./cell-scales.ts";
import { boxMultiplier, cellCount } from "./cells.ts";
import { CheckedKernels } from "./checked-kernels.ts";
import type { Plane, Region } from "./frame.ts";
import type { GrayImage, Kernels } from "./kernels.ts";
import { MAX_SIDE } from "./limits.ts";
import type { NetWork } from "./net-work.ts";
import type { PixelWork } from "./pixel-work.ts";
import { StagingRows } from "./staging-rows.ts";
import { type NetExports, WasmNetWork } from "./wasm-net.ts";

/**
 * Kernels in WebAssembly SIMD.
 *
 * The memory has a fixed size, so that views of it stay valid. About 18 MiB of it are for planes being worked on, the
 * rest is for slots; what is never written takes no room in the machine.
 *
 * @param wasmBytes The file that `@kagami/kernels/kernels.wasm` names.
 * @param memoryBytes At least {@link MIN_MEMORY_BYTES}, at most 1 GiB; rounded down to whole pages of 64 KiB.
 */
export function createWasmKernels(wasmBytes: Uint8Array<ArrayBuffer>, memoryBytes: number = 32 << 20): Kernels {
  if (!Number.isInteger(memoryBytes) || memoryBytes < MIN_MEMORY_BYTES || memoryBytes > 1 << 30) {
    throw new RangeError(
      `Cannot make kernels with ${memoryBytes} bytes of memory: use ${MIN_MEMORY_BYTES} to ${1 << 30}`,
    );
  }
  const pages = Math.floor(memoryBytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasmBytes), { env: { memory } });
  const arena = new Arena(memory.buffer, ARENA_OFFSET, pages * PAGE_BYTES - OVERREAD_BYTES);
  return new CheckedKernels(arena, new WasmWork(memory.buffer, instance.exports as unknown as WasmExports));
}

const PAGE_BYTES = 65_536;
/** How far vector code may read past the samples that it works on. */
const OVERREAD_BYTES = 256;
const SCRATCH_OFFSET = 1024;
/** Cells, lines, the result of the first blur and sums of columns; laid out in assembly/obscure.ts. */
const SCRATCH_BYTES = 2 * 65_536 + (MAX_SIDE + 128) * 16 + 2 * MAX_SIDE + OVERREAD_BYTES;
const STAGING_OFFSET: number = (SCRATCH_OFFSET + SCRATCH_BYTES + 63) & ~63;
/** The largest plane, with rows that do not all fall into the same lines of the cache. */
const STAGING_BYTES = MAX_SIDE * (MAX_SIDE + 64);
/** What is copied in at once to be subsampled. */
const PIECE_BYTES = 128 << 10;
const ARENA_OFFSET: number = STAGING_OFFSET + STAGING_BYTES + OVERREAD_BYTES;

/** Least memory of {@link createWasmKernels}: room for the largest plane and for slots of 64 KiB. */
export const MIN_MEMORY_BYTES: number = (Math.ceil(ARENA_OFFSET / PAGE_BYTES) + 2) * PAGE_BYTES;

type Average = (
  from: number,
  rowStride: number,
  groupStride: number,
  rows: number,
  width: number,
  height: number,
  to: number,
) => void;
type RowProfile = (image: number, width: number, height: number, left: number, right: number, to: number) => void;
type ColumnProfile = (image: number, width: number, top: number, bottom: number, to: number) => void;

/** What assembly/index.ts exports; pictures are given by their offset in the memory. */
interface WasmExports extends NetExports {
  cellRow(
    from: number,
    stride: number,
    rows: number,
    columns: number,
    size: number,
    meanScale: number,
    textureScale: number,
    toMean: number,
    toTexture: number,
    scratch: number,
  ): void;
  readonly halve: Average;
  readonly quarter: Average;
  readonly eighth: Average;
  readonly rowSteps: RowProfile;
  readonly rowEdges: RowProfile;
  readonly columnSteps: ColumnProfile;
  readonly columnEdges: ColumnProfile;
  cellDifferences(image: number, before: number, width: number, height: number, to: number): void;
  contrastAcross(at: number, stride: number, count: number): number;
  contrastDown(at: number, stride: number, count: number): number;
  templateSums(image: number, stride: number, template: number, width: number, height: number, to: number): void;
  mosaic(
    plane: number,
    stride: number,
    width: number,
    height: number,
    cell: number,
    step: number,
    columns: number,
    rows: number,
    scratch: number,
  ): void;
  obscure(
    plane: number,
    stride: number,
    width: number,
    height: number,
    cell: number,
    step: number,
    columns: number,
    rows: number,
    radius: number,
    multiplier: number,
    scratch: number,
  ): void;
}

class WasmWork implements PixelWork {
  readonly net: NetWork;
  readonly #buffer: ArrayBuffer;
  readonly #exports: WasmExports;
  readonly #staging: StagingRows;

  constructor(buffer: ArrayBuffer, exports: WasmExports) {
    this.#buffer = buffer;
    this.#exports = exports;
    this.net = new WasmNetWork(exports);
    this.#staging = new StagingRows(buffer, STAGING_OFFSET, STAGING_BYTES);
  }

  subsample(plane: Plane, region: Region, factor: number, rowStep: number, into: GrayImage): void {
    const { width, height } = into;
    const to = into.pixels.byteOffset;
    const corner = region.y * plane.stride + region.x;
    if (factor === 1) {
      this.#staging.copyRows(plane.data, corner, plane.stride, width, height, to, width);
      return;
    }
    const rows = factor / rowStep;
    const average = factor === 2 ? this.#exports.halve : factor === 4 ? this.#exports.quarter : this.#exports.eighth;
    if (plane.data.buffer === this.#buffer) {
      const from = plane.data.byteOffset + corner;
      average(from, plane.stride * rowStep, plane.stride * factor, rows, width, height, to);
      return;
    }
    const takenStride = plane.stride * rowStep;
    // Piece by piece: what was copied in is still in the cache of the second level when it is averaged.
    const piece = Math.max(1, Math.floor(PIECE_BYTES / (takenStride * rows)));
    for (let y = 0; y < height; y += piece) {
      const count = Math.min(piece, height - y);
      const from = corner + y * rows * takenStride;
      const stride = this.#staging.copyIn(plane.data, from, takenStride, width * factor, count * rows);
      average(STAGING_OFFSET, stride, stride * rows, rows, width, count, to + y * width);
    }
  }

  measureCells(
    plane: Plane,
    region: Region,
    size: number,
    scales: CellScales,
    means: Uint8Array,
    textures: Uint8Array,
  ): void {
    const columns = Math.floor(region.width / size);
    const rows = Math.floor(region.height / size);
    const rowCount = Math.min(size, CELL_ROWS);
    const { mean, texture } = scales;
    const { cellRow } = this.#exports;
    let corner = (region.y + ((size - rowCount) >> 1)) * plane.stride + region.x;
    for (let row = 0; row < rows; row++) {
      const stride = this.#staging.copyIn(plane.data, corner, plane.stride, columns * size, rowCount);
      const at = row * columns;
      const toMean = means.byteOffset + at;
      const toTexture = textures.byteOffset + at;
      cellRow(STAGING_OFFSET, stride, rowCount, columns, size, mean, texture, toMean, toTexture, SCRATCH_OFFSET);
      corner += size * plane.stride;
    }
  }

  rowSteps({ pixels, width, height }: GrayImage, left: number, right: number, into: Int32Array): void {
    this.#exports.rowSteps(pixels.byteOffset, width, height, left, right, into.byteOffset);
  }

  rowEdges({ pixels, width, height }: GrayImage, left: number, right: number, into: Int32Array): void {
    this.#exports.rowEdges(pixels.byteOffset, width, height, left, right, into.byteOffset);
  }

  columnSteps({ pixels, width }: GrayImage, top: number, bottom: number, into: Int32Array): void {
    this.#exports.columnSteps(pixels.byteOffset, width, top, bottom, into.byteOffset);
  }

  columnEdges({ pixels, width }: GrayImage, top: number, bottom: number, into: Int32Array): void {
    this.#exports.columnEdges(pixels.byteOffset, width, top, bottom, into.byteOffset);
  }

  cellDifferences({ pixels, width, height }: GrayImage, before: GrayImage, into: Int32Array): void {
    this.#exports.cellDifferences(pixels.byteOffset, before.pixels.byteOffset, width, height, into.byteOffset);
  }

  outlineSums(image: GrayImage, rectangle: Region, radius: number, into: Float64Array): void {
    const { width, height } = image;
    const right = rectangle.x + rectangle.width;
    const bottom = rectangle.y + rectangle.height;
    const at = (x: number, y: number) => image.pixels.byteOffset + y * width + x;
    const across = rectangle.width - 2 * radius;
    const down = rectangle.height - 2 * radius;
    const x = rectangle.x + radius;
    const y = rectangle.y + radius;
    const { contrastAcross, contrastDown } = this.#exports;
    into[0] = rectangle.y > 0 && across > 0 ? contrastAcross(at(x, rectangle.y), width, across) : 0;
    into[1] = bottom < height && across > 0 ? contrastAcross(at(x, bottom), width, across) : 0;
    into[2] = rectangle.x > 0 && down > 0 ? contrastDown(at(rectangle.x, y), width, down) : 0;
    into[3] = right < width && down > 0 ? contrastDown(at(right, y), width, down) : 0;
  }

  templateSums(image: GrayImage, template: GrayImage, x: number, y: number, into: Float64Array): void {
    const at = image.pixels.byteOffset + y * image.width + x;
    const { width, height, pixels } = template;
    this.#exports.templateSums(at, image.width, pixels.byteOffset, width, height, into.byteOffset);
  }

  obscurePlane(plane: Plane, region: Region, cell: number, step: number, radius: number): void {
    if (cell === 1 && step === 1 && radius === 0) return;
    const { width, height } = region;
    const corner = region.y * plane.stride + region.x;
    const stride = this.#staging.copyIn(plane.data, corner, plane.stride, width, height);
    const columns = cellCount(width, cell);
    const rows = cellCount(height, cell);
    if (radius === 0) {
      this.#exports.mosaic(STAGING_OFFSET, stride, width, height, cell, step, columns, rows, SCRATCH_OFFSET);
    } else {
      const multiplier = boxMultiplier(radius);
      const { obscure } = this.#exports;
      obscure(STAGING_OFFSET, stride, width, height, cell, step, columns, rows, radius, multiplier, SCRATCH_OFFSET);
    }
    this.#staging.copyOut(plane.data, corner, plane.stride, stride, width, height);
  }
}
