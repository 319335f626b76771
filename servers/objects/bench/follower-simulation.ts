import { parseArgs } from "node:util";
import { FollowerSimulation } from "../test/support/follower-simulation.ts";

/** A follower under faults against its store: `node bench/follower-simulation.ts --seeds 1000 --rounds 10 [--first 1]`. */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    rounds: { type: "string", default: "10" },
    first: { type: "string", default: "1" },
  },
});

const totals = { batches: 0, changes: 0, crashes: 0, restartsFromNothing: 0 };
const first = Number(values.first);
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const simulation = new FollowerSimulation(seed);
  try {
    await simulation.run(Number(values.rounds));
  } catch (error) {
    process.stderr.write(`seed ${seed} failed\n`);
    throw error;
  }
  for (const name of ["batches", "changes", "crashes", "restartsFromNothing"] as const) {
    totals[name] += simulation.counts[name];
  }
}
process.stdout.write(`${values.seeds} seeds: ${JSON.stringify(totals)}\n`);
