import type { Part } from "../src/scenario.ts";
import { cost } from "./cost.ts";
import { detect } from "./detect.ts";
import { kernels } from "./kernels.ts";
import { quality } from "./quality.ts";
import { switching } from "./switching.ts";

/** The notification blur: its kernels, its detector, what it hides and what it costs. */
export const blurPart: Part = {
  name: "blur",
  summary: "The notification blur: kernels, detector, what is hidden and what it costs",
  scenarios: [kernels, detect, quality, cost, switching],
};
