import { CELL_ROWS, type CellScales } from "../cell-scales.ts";
import type { Plane, Region } from "../frame.ts";

export function measureCells(
  { data, stride }: Plane,
  region: Region,
  size: number,
  scales: CellScales,
  means: Uint8Array,
  textures: Uint8Array,
): void {
  const columns = Math.floor(region.width / size);
  const rows = Math.floor(region.height / size);
  const width = columns * size;
  const rowCount = Math.min(size, CELL_ROWS);
  const firstRow = (size - rowCount) >> 1;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      let detail = 0;
      for (let y = row * size + firstRow; y < row * size + firstRow + rowCount; y++) {
        const start = (region.y + y) * stride + region.x;
        for (let x = column * size; x < (column + 1) * size; x++) {
          const sample = data[start + x]!;
          sum += sample;
          if (x + 1 < width) detail += Math.abs(data[start + x + 1]! - sample);
        }
      }
      const at = row * columns + column;
      means[at] = Math.min(255, (sum * scales.mean + 32_768) >>> 16);
      textures[at] = Math.min(255, (detail * scales.texture) >>> 16);
    }
  }
}
