import type { CommandContext } from "./commands.ts";

/** `kagami bench`: the comparisons with peers, from the repository's `bench` folder. */
export async function runBenchmarks({ argv }: CommandContext): Promise<void> {
  const { runBench } = await import("@kagami/bench");
  process.exitCode = await runBench(argv);
}
