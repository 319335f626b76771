import type { Part } from "../src/scenario.ts";
import { fanOut } from "./fan-out.ts";
import { growth } from "./growth.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { reconnect } from "./reconnect.ts";
import { soak } from "./soak.ts";
import { stalled } from "./stalled.ts";

/** The live server beside nginx-rtmp and node-media-server. */
export const livePart: Part = {
  name: "live",
  summary: "The live server beside nginx-rtmp and node-media-server",
  scenarios: [latency, fanOut, growth, stalled, reconnect, memory, soak],
};
