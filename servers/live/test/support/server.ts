import { createLogger } from "@kagami/kit";
import { configSchema, type LiveConfig } from "../../src/config.ts";
import { type LiveServer, type LiveServerParts, startLiveServer } from "../../src/server.ts";

export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

export const OPERATOR_TOKEN = "operator-token-of-the-tests";

/** A live server in this process, on free ports of the loopback. */
export interface TestServer {
  readonly server: LiveServer;
  readonly http: string;
  readonly ws: string;
  readonly admin: string;
  readonly rtmpPort: number;
  readonly rtmpsPort: number;
  readonly log: readonly LogLine[];
  /** Lines of one event. */
  events(event: string): LogLine[];
  /** Asks the HTTP server; `body` is sent as JSON. */
  ask(method: string, path: string, options?: { token?: string | undefined; body?: unknown }): Promise<HttpAnswer>;
  createChannel(name: string, isPrivate?: boolean): Promise<string>;
  close(graceMs?: number): Promise<void>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly json: any;
}

export async function startTestServer(
  dataDir: string,
  changes: Partial<LiveConfig> = {},
  parts: LiveServerParts = {},
): Promise<TestServer> {
  const log: LogLine[] = [];
  const sink = { write: (line: string) => void log.push(JSON.parse(line) as LogLine), flush: async () => undefined };
  const logger = createLogger({ sink, format: "json", level: "debug", limitPerSecond: 100_000 });
  const config = configSchema.parse({
    listen: "127.0.0.1:0",
    rtmp: "127.0.0.1:0",
    admin: "127.0.0.1:0",
    data: dataDir,
    operatorToken: OPERATOR_TOKEN,
    ...changes,
  });
  const server = await startLiveServer(config, logger, parts);
  const { addresses } = server;
  const scheme = config.https ? "https" : "http";
  const http = `${scheme}://${addresses.http}`;
  const ask: TestServer["ask"] = async (method, path, { token, body } = {}) => {
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${http}${path}`, { method, headers, ...sent });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: text === "" ? undefined : asJson(text) };
  };
  return {
    server,
    http,
    ws: `${config.https ? "wss" : "ws"}://${addresses.http}`,
    admin: `http://${addresses.admin}`,
    rtmpPort: portOf(addresses.rtmp),
    rtmpsPort: portOf(addresses.rtmps),
    log,
    events: (event) => log.filter((line) => line.event === event),
    ask,
    createChannel: async (name, isPrivate = false) => {
      const answer = await ask("POST", "/api/channels", { token: OPERATOR_TOKEN, body: { name, isPrivate } });
      if (answer.status !== 201) throw new Error(`Channel ${name} was not made: ${JSON.stringify(answer.json)}`);
      return answer.json.key as string;
    },
    close: (graceMs = 0) => server.close(graceMs),
  };
}

function portOf(address: string | undefined): number {
  return Number(address?.split(":").at(-1) ?? 0);
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A playlist, for one; tests want the text then.
    return text;
  }
}
