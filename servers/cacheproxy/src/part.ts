import type { RunningPart, StartContext } from "@kagami/kit";
import { type CacheproxyConfig, configSchema } from "./config.ts";
import { startCacheproxyServer } from "./server.ts";

/** What the `kagami` command runs as `kagami cacheproxy`. */
export const cacheproxyPart = {
  part: "cacheproxy",
  about: "One memcached endpoint for a fleet of servers",
  schema: configSchema,
  start: async (config: CacheproxyConfig, { log }: StartContext): Promise<RunningPart> => {
    const server = await startCacheproxyServer(config, log);
    return { addresses: server.addresses, close: (graceMs) => server.close(graceMs) };
  },
} as const;
