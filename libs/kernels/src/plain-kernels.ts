import { Arena } from "./arena.ts";
import { CheckedKernels } from "./checked-kernels.ts";
import type { Kernels } from "./kernels.ts";
import { measureCells } from "./plain/grid.ts";
import { PlainNetWork } from "./plain/net.ts";
import { obscurePlane } from "./plain/obscure.ts";
import { cellDifferences, columnEdges, columnSteps, rowEdges, rowSteps } from "./plain/profiles.ts";
import { outlineSums, templateSums } from "./plain/scores.ts";
import { subsample } from "./plain/subsample.ts";

/**
 * Kernels in plain TypeScript, to check the others by and to work where there is no WebAssembly.
 *
 * @param memoryBytes For all slots together.
 */
export function createPlainKernels(memoryBytes: number = 16 << 20): Kernels {
  const buffer = new ArrayBuffer(memoryBytes);
  return new CheckedKernels(new Arena(buffer, 0, memoryBytes), {
    net: new PlainNetWork(buffer),
    measureCells,
    subsample,
    rowSteps,
    rowEdges,
    columnSteps,
    columnEdges,
    cellDifferences,
    outlineSums,
    templateSums,
    obscurePlane,
  });
}
