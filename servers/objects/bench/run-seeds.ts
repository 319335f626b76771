import { parseArgs } from "node:util";

/** One run of a simulation, whose counts tell what happened in it. */
interface Simulation {
  run(rounds: number): Promise<void>;
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * The long form of a simulation: `--seeds N --rounds N [--first N]`. Writes the sums of its counts, and the seed that
 * failed. @throws what the simulation throws
 */
export async function runSeeds(
  initial: { readonly seeds: string; readonly rounds: string },
  simulationOf: (seed: number) => Simulation,
): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: initial.seeds },
      rounds: { type: "string", default: initial.rounds },
      first: { type: "string", default: "1" },
    },
  });
  const totals: Record<string, number> = {};
  const first = Number(values.first);
  for (let seed = first; seed < first + Number(values.seeds); seed++) {
    const simulation = simulationOf(seed);
    try {
      await simulation.run(Number(values.rounds));
    } catch (error) {
      process.stderr.write(`seed ${seed} failed\n`);
      throw error;
    }
    for (const [name, count] of Object.entries(simulation.counts)) totals[name] = (totals[name] ?? 0) + count;
  }
  process.stdout.write(`${values.seeds} seeds: ${JSON.stringify(totals)}\n`);
}
