import { type RunningPart, runPart } from "@kagami/kit";
import { configSchema } from "./config.ts";
import { RDB_WORDS, runRdbCommand } from "./rdb-files/rdb-command.ts";
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

/** What `kagami ranking` does: runs the server, or exports or imports an RDB file. */
export async function runRanking({ argv, env }: Invocation): Promise<void> {
  if (RDB_WORDS.has(argv[0] ?? "")) {
    process.exitCode = await runRdbCommand(argv, {
      env,
      write: (text) => process.stdout.write(text),
      writeError: (text) => process.stderr.write(text),
    });
    return;
  }
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
