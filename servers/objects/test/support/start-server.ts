import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "@kagami/kit";
import { configSchema, type ObjectsConfig } from "../../src/config.ts";
import { type ObjectsServer, startObjectsServer } from "../../src/server.ts";

/** The key of the first user of test servers. */
export const TEST_KEY = { accessKey: "TESTKEY", secretKey: "test-secret-key" };

/** A server for one test file. */
export interface TestServer extends ObjectsServer {
  readonly url: string;
  readonly adminUrl: string;
  readonly host: string;
  readonly directory: string;
  /** Lines of its log, as JSON. */
  readonly logLines: readonly string[];
  /** Closes it and removes its data. */
  end(): Promise<void>;
}

/** Starts a server on free ports in a directory of its own. */
export async function startTestServer(settings: Partial<ObjectsConfig> = {}): Promise<TestServer> {
  const directory = settings.data ?? (await mkdtemp(join(tmpdir(), "kagami-objects-")));
  const config = configSchema.parse({
    listen: "127.0.0.1:0",
    admin: "127.0.0.1:0",
    ...TEST_KEY,
    ...settings,
    data: directory,
  });
  const logLines: string[] = [];
  const sink = { write: (line: string) => void logLines.push(line), flush: async () => undefined };
  const clear = async (): Promise<void> => {
    if (settings.data === undefined) await rm(directory, { recursive: true, force: true });
  };
  const log = createLogger({ level: "info", format: "json", sink });
  const server = await startObjectsServer(config, log).catch(async (error: unknown) => {
    await clear();
    throw error;
  });
  const end = async (): Promise<void> => {
    await server.close(0);
    await clear();
  };
  const host = server.addresses.s3 ?? "";
  const extra = { url: `http://${host}`, adminUrl: `http://${server.addresses.admin}`, host, directory, logLines, end };
  return Object.assign(server, extra);
}
