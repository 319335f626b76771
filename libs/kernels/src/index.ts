export type { NetInput, NetOutput } from "./cell-net.ts";
export type { Plane, Region, YuvFrame } from "./frame.ts";
export type {
  CellNetwork,
  CellPictures,
  GrayImage,
  ImageSlot,
  Kernels,
  ObscureStrength,
  OutlineContrast,
  Profile,
  ProfileSlot,
} from "./kernels.ts";
export { MAX_CELL, MAX_RADIUS, MAX_SIDE, MAX_STEP, MAX_TEMPLATE_SAMPLES } from "./limits.ts";
export type { BlockData, LayerData, NetData } from "./net-data.ts";
export { createPlainKernels } from "./plain-kernels.ts";
export { type StrengthLevel, strengthFor } from "./strength.ts";
export { createWasmKernels, MIN_MEMORY_BYTES } from "./wasm-kernels.ts";
