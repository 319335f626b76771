import type { Part } from "../src/scenario.ts";
import { cpu } from "./cpu.ts";
import { latency } from "./latency.ts";
import { systemCalls } from "./system-calls.ts";

/** The cache proxy beside nutcracker and beside no proxy. */
export const cacheproxyPart: Part = {
  name: "cacheproxy",
  summary: "The cache proxy beside nutcracker and a direct connection",
  scenarios: [cpu, latency, systemCalls],
};
