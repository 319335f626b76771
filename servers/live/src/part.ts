import type { RunningPart, StartContext } from "@kagami/kit";
import { configSchema, type LiveConfig } from "./config.ts";
import { startLiveServer } from "./server.ts";

/** What the `kagami` command runs as `kagami live`. */
export const livePart = {
  part: "live",
  about: "Takes live streams over RTMP and serves them over WebSocket, LL-HLS, HTTP-FLV and RTMP",
  schema: configSchema,
  start: async (config: LiveConfig, { log }: StartContext): Promise<RunningPart> => {
    const server = await startLiveServer(config, log);
    if (server.newOperatorToken !== undefined) {
      // Printed, not logged: logs are kept and shipped, and redact secrets.
      process.stderr.write(`Operator token (shown this once, keep it): ${server.newOperatorToken}\n`);
    }
    return { addresses: server.addresses, close: (graceMs) => server.close(graceMs) };
  },
} as const;
