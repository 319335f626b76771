import { parseArgs } from "node:util";
import { EngineSimulation } from "../test/simulation/engine-simulation.ts";

/*
 * The seeded simulation in its long form: `node servers/ranking/bench/simulate-ranking.ts --steps 100000 --seed 1`. Every
 * 2,000 steps another seed. After each step the digests of the store and of two copies are compared; exit code 1, the
 * seed and the last commands if they differ.
 */

const STEPS_PER_SEED = 2_000;

const { values } = parseArgs({
  options: { steps: { type: "string", default: "20000" }, seed: { type: "string", default: "1" } },
});

process.exitCode = simulate(Number(values.steps), Number(values.seed));

function simulate(steps: number, firstSeed: number): number {
  const total = { commands: 0, batches: 0, rebuilds: 0, crashes: 0, lost: 0, evicted: 0 };
  const names = new Set<string>();
  let seed = firstSeed;
  for (let done = 0; done < steps; done += STEPS_PER_SEED) {
    const simulation = new EngineSimulation({ seed });
    try {
      simulation.run(Math.min(STEPS_PER_SEED, steps - done));
    } catch (error) {
      process.stdout.write(`${(error as Error).stack}\n`);
      return 1;
    }
    total.commands += simulation.commandCount;
    total.batches += simulation.batchCount;
    total.rebuilds += simulation.rebuildCount;
    total.crashes += simulation.crashCount;
    total.lost += simulation.lostBatchCount;
    total.evicted += simulation.evictedCount;
    for (const name of simulation.commandNames) names.add(name);
    seed++;
  }
  process.stdout.write(
    `${steps} steps, seeds ${firstSeed} to ${seed - 1}: ${total.commands} commands of ${names.size} names, ` +
      `${total.batches} batches, ${total.rebuilds} rebuilds, ${total.crashes} crashes (${total.lost} unsynced batches lost), ` +
      `${total.evicted} keys evicted; all digests equal\n`,
  );
  return 0;
}
