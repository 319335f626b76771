import { type RunningPart, runPart } from "@kagami/kit";
import { configSchema } from "./config.ts";
import { startObjectsServer } from "./server.ts";

/** The part as the manual shows it; {@link runObjects} runs it. */
export const objectsPart = {
  part: "objects",
  about: "S3-compatible object store for live media that expires",
  schema: configSchema,
} as const;

/** What a process is told by whoever starts it. */
interface Invocation {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What `kagami objects` does. */
export async function runObjects({ argv, env }: Invocation): Promise<void> {
  await runPart({
    ...objectsPart,
    argv,
    env,
    start: async (config, { log }): Promise<RunningPart> => {
      const server = await startObjectsServer(config, log);
      if (server.generatedKey) {
        const { accessKey, secretKey } = server.generatedKey;
        // The only time it is told: standard error would end in log files.
        process.stdout.write(
          `The first user "admin" was made. Keep its key, it is not shown again:\n` +
            `  access key  ${accessKey}\n  secret key  ${secretKey}\n`,
        );
      }
      return { addresses: server.addresses, close: (graceMs) => server.close(graceMs) };
    },
  });
}
