import { parseArgs } from "node:util";
import { CommandFuzz } from "../test/fuzz/command-fuzz.ts";

/*
 * Commands of every kind, right and spoiled, against an engine in this process: the long form of the test. Every 5,000
 * commands another seed. `node servers/ranking/bench/fuzz-ranking.ts --commands 1000000 --seed 1`; exit code 1, the seed
 * and the last commands if something is wrong.
 */

const COMMANDS_PER_SEED = 5_000;
/** The process itself must stay small, whatever is asked of it. */
const MOST_RSS_BYTES = 1_500 * 1024 * 1024;

const { values } = parseArgs({
  options: { commands: { type: "string", default: "20000" }, seed: { type: "string", default: "1" } },
});

process.exitCode = fuzz(Number(values.commands), Number(values.seed));

function fuzz(commandCount: number, firstSeed: number): number {
  const names = new Set<string>();
  let [errors, keys, mostRssBytes, seed] = [0, 0, 0, firstSeed];
  for (let done = 0; done < commandCount; done += COMMANDS_PER_SEED) {
    const run = new CommandFuzz(seed);
    try {
      run.run(Math.min(COMMANDS_PER_SEED, commandCount - done));
    } catch (error) {
      process.stdout.write(`${(error as Error).message}\n`);
      return 1;
    }
    for (const name of run.names) names.add(name);
    errors += run.errorCount;
    keys = Math.max(keys, run.mostKeys);
    mostRssBytes = Math.max(mostRssBytes, process.memoryUsage.rss());
    seed++;
  }
  const rssMb = Math.round(mostRssBytes / 1e6);
  process.stdout.write(
    `${commandCount} commands of ${names.size} names, seeds ${firstSeed} to ${seed - 1}: ${errors} error replies, ` +
      `${keys} keys at most, ` +
      `nothing thrown, no copy differs, nothing left; RSS at most ${rssMb} MB\n`,
  );
  return mostRssBytes > MOST_RSS_BYTES ? 1 : 0;
}
