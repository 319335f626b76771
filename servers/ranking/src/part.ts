import { type RunningPart, runPart } from "@kagami/kit";
import { configSchema } from "./config.ts";
import { startRankingServer } from "./server.ts";
import { boundYoungGeneration } from "./young-generation.ts";

/** The part as the manual shows it; {@link runRanking} runs it. */
export const rankingPart = {
  part: "ranking",
  about: "Redis-compatible store for live rankings and time windows",
  schema: configSchema,
} as const;

/** What a process is told by whoever starts it. */
interface Invocation {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What `kagami ranking` does. */
export async function runRanking({ argv, env }: Invocation): Promise<void> {
  await runPart({
    ...rankingPart,
    argv,
    env,
    start: async (config, { log }): Promise<RunningPart> => {
      const server = await startRankingServer(config, log);
      boundYoungGeneration();
      return { addresses: server.addresses, close: (graceMs) => server.close(graceMs) };
    },
  });
}
