import type { Figure, Scenario } from "../src/scenario.ts";
import { withPair } from "./contenders.ts";
import { comparePair } from "./load.ts";

const CASES = [
  { fsync: "everysec", limits: [0.95, 1.3] },
  { fsync: "always", limits: [0.65, 1.3] },
] as const;

const PIPELINES = [1, 16] as const;

/** Requests per second of both with a log on the same disk. */
export const durability: Scenario = {
  name: "durability",
  summary: "SET with a log that is synced every second and before each reply, beside redis-server, 50 connections",
  run: async ({ isSmoke, settings, progress }) => {
    const plan = {
      rounds: settings.rounds ?? (isSmoke ? 1 : 5),
      seconds: settings.seconds ?? (isSmoke ? 0.05 : 1),
      progress,
    };
    const figures: Figure[] = [];
    let versions = "";
    for (const { fsync, limits } of CASES) {
      const redis = ["--appendonly", "yes", "--appendfsync", fsync];
      await withPair({ redis, kagami: ["--fsync", fsync] }, async (pair) => {
        versions = pair.versions;
        for (const [i, pipeline] of PIPELINES.entries()) {
          const command = ["SET", "key:__rand_int__", "0123456789abcdef"];
          const limit = limits[i];
          const load = { name: `set-${fsync}`, pipeline, keyCount: 100_000, command, ...(limit ? { limit } : {}) };
          figures.push(...(await comparePair(pair, load, plan)));
        }
      });
    }
    return { figures, notes: [versions, "Both logs are in the temporary directory of the system"] };
  },
};
