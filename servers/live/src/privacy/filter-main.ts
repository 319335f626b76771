import { createDetector } from "../engine/privacy/detector.ts";
import { runFilterProcess } from "./run-filter-process.ts";

// The child process of FilterSupervisor: its fourth file descriptor leads to the relay, standard error to its log.

await runFilterProcess((kernels, { style, zones, startsCovered }) =>
  createDetector({ kernels, style, zones, startsCovered }),
);
