import { parseArgs } from "node:util";
import { StoreSimulation } from "../test/support/store-simulation.ts";

/** The long form of the simulated disk: `node bench/storage-simulation.ts --seeds 500 --rounds 30 [--first 1]`. */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "500" },
    rounds: { type: "string", default: "30" },
    first: { type: "string", default: "1" },
  },
});

const totals = { acknowledged: 0, failed: 0, crashes: 0, compared: 0, compactions: 0 };
const first = Number(values.first);
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const simulation = new StoreSimulation(seed);
  try {
    await simulation.run(Number(values.rounds));
  } catch (error) {
    process.stderr.write(`seed ${seed} failed\n`);
    throw error;
  }
  for (const name of ["acknowledged", "failed", "crashes", "compared", "compactions"] as const) {
    totals[name] += simulation.counts[name];
  }
}
process.stdout.write(`${values.seeds} seeds: ${JSON.stringify(totals)}\n`);
