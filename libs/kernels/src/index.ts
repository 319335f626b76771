export type { Plane, Region, YuvFrame } from "./frame.ts";
export type {
  GrayImage,
  ImageSlot,
  Kernels,
  ObscureStrength,
  OutlineContrast,
  Profile,
  ProfileSlot,
} from "./kernels.ts";
