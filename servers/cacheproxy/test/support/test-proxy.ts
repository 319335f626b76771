import { createLogger } from "@kagami/kit";
import { type CacheproxyConfig, configSchema } from "../../src/config.ts";
import type { ConfigReload } from "../../src/control/file-source.ts";
import { type CacheproxyServer, startCacheproxyServer } from "../../src/server.ts";

export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A proxy in this process, on free ports of the loopback. */
export interface TestProxy {
  readonly server: CacheproxyServer;
  readonly port: number;
  readonly tlsPort: number;
  readonly log: readonly LogLine[];
  close(graceMs?: number): Promise<void>;
}

/** Starts a proxy before the memcached at these ports, or with the pools that `changes` name. */
export async function startTestProxy(
  ports: readonly number[],
  changes: Partial<CacheproxyConfig> = {},
  reload?: ConfigReload,
): Promise<TestProxy> {
  const log: LogLine[] = [];
  const sink = { write: (line: string) => void log.push(JSON.parse(line) as LogLine), flush: async () => undefined };
  const logger = createLogger({ sink, format: "json", level: "debug", limitPerSecond: 100_000 });
  const config = configSchema.parse({
    listen: "127.0.0.1:0",
    admin: "127.0.0.1:0",
    servers: ports.map((port) => `127.0.0.1:${port}`),
    ...changes,
  });
  const server = await startCacheproxyServer(config, logger, reload);
  const portOf = (address = ""): number => Number(address.slice(address.lastIndexOf(":") + 1));
  return {
    server,
    port: portOf(server.addresses.memcached),
    tlsPort: portOf(server.addresses.memcachedTls),
    log,
    close: (graceMs) => server.close(graceMs),
  };
}
