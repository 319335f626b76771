import { type RunningPart, runPart } from "@kagami/kit";
import { configSchema } from "./config.ts";
import { configReload } from "./control/file-source.ts";
import { startCacheproxyServer } from "./server.ts";

/** The part as the manual shows it; {@link runCacheproxy} runs it. */
export const cacheproxyPart = {
  part: "cacheproxy",
  about: "One memcached endpoint for a fleet of servers",
  schema: configSchema,
} as const;

/** What a process is told by whoever starts it. */
interface Invocation {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What `kagami cacheproxy` does. Pools and routes in a file are followed while it runs. */
export async function runCacheproxy({ argv, env }: Invocation): Promise<void> {
  await runPart({
    ...cacheproxyPart,
    argv,
    env,
    start: async (config, { log }): Promise<RunningPart> => {
      const server = await startCacheproxyServer(config, log, configReload({ argv, env }));
      return { addresses: server.addresses, close: (graceMs) => server.close(graceMs) };
    },
  });
}
