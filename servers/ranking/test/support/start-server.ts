import { createLogger } from "@kagami/kit";
import { configSchema } from "../../src/config.ts";
import { type RankingServer, startRankingServer } from "../../src/server.ts";

/** Starts a store in this process, on a free port, with what the test sets. */
export async function startServer(
  settings: Record<string, unknown> = {},
): Promise<RankingServer & { readonly address: string }> {
  const config = configSchema.parse({ listen: "127.0.0.1:0", admin: "off", persistence: "none", ...settings });
  const log = createLogger({ level: "error" });
  const server = await startRankingServer(config, log);
  return Object.assign(server, { address: server.addresses.redis ?? "" });
}
