import { type RunningPart, runPart } from "@kagami/kit";
import { configSchema } from "./config.ts";
import { keepOldGenerationRoom } from "./old-generation.ts";
import { startObjectsServer } from "./server.ts";
import { FIRST_USER, type GeneratedKey } from "./service/users.ts";
import { runToolCommand, TOOL_WORDS } from "./tools/tool-command.ts";

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

/** What `kagami objects` does: runs the server, or a tool that needs none. */
export async function runObjects({ argv, env }: Invocation): Promise<void> {
  if (TOOL_WORDS.has(argv[0] ?? "")) {
    process.exitCode = await runToolCommand(argv, {
      env,
      write: (text) => process.stdout.write(text),
      writeError: (text) => process.stderr.write(text),
    });
    return;
  }
  await runPart({
    ...objectsPart,
    argv,
    env,
    start: async (config, { log }): Promise<RunningPart> => {
      keepOldGenerationRoom();
      const server = await startObjectsServer(config, log, showFirstKey);
      return { addresses: server.addresses, close: (graceMs) => server.close(graceMs) };
    },
  });
}

function showFirstKey({ accessKey, secretKey }: GeneratedKey): void {
  // On standard output: standard error would end in log files.
  process.stdout.write(
    `The first user "${FIRST_USER}" was made. Keep its key, it is not shown again:\n` +
      `  access key  ${accessKey}\n  secret key  ${secretKey}\n`,
  );
}
