import type { Part } from "../src/scenario.ts";
import { durability } from "./durability.ts";
import { kills } from "./kills.ts";
import { memory } from "./memory.ts";
import { rankingJob } from "./ranking-job.ts";
import { soak } from "./soak.ts";
import { throughput } from "./throughput.ts";

/** The ranking store beside redis-server. */
export const rankingPart: Part = {
  name: "ranking",
  summary: "The ranking store beside redis-server",
  scenarios: [throughput, durability, memory, rankingJob, soak, kills],
};
