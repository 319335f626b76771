import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestServer } from "@kagami/live/testing";

const ROOT = join(import.meta.dirname, "..");

/** A live server with its filter process and the web app, without the demo broadcast, which takes much of a core. */
export interface BlurServer {
  /** `http://host:port` */
  readonly page: string;
  /** `rtmp://host:port/live` */
  readonly rtmp: string;
  /** Switches the blur of a channel on as the studio does. Returns what the API answered. */
  protect(channel: string): Promise<unknown>;
  /** The blur's state of a channel, of `Privacy` in the server's API.md. */
  statusOf(channel: string): Promise<unknown>;
  /** Whether viewers of the channel find it. */
  isLive(channel: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** Builds the web app and starts the server on free ports, open to publish. */
export async function startBlurServer(): Promise<BlurServer> {
  const directory = await mkdtemp(join(tmpdir(), "kagami-e2e-"));
  const webRoot = join(directory, "web");
  const vite = [join(ROOT, "node_modules/vite/bin/vite.js"), "build", "--outDir", webRoot, "--logLevel", "error"];
  const build = spawn(process.execPath, vite, { cwd: join(ROOT, "web/app"), stdio: ["ignore", "ignore", "inherit"] });
  const [code] = await once(build, "exit");
  if (code !== 0) throw new Error(`Cannot build the web app: it ended with ${code}`);
  // A busy machine makes the filter late, not wrong; what happens when it is late has tests of its own.
  const server = await startTestServer(join(directory, "data"), {
    ...{ openPublish: true, webRoot, privacyBudgetMs: 10_000 },
  });
  const path = "/api/studio/privacy";
  return {
    page: server.http,
    rtmp: `rtmp://127.0.0.1:${server.rtmpPort}/live`,
    protect: async (token) => (await server.ask("PATCH", path, { token, body: { isEnabled: true } })).json,
    statusOf: async (token) => (await server.ask("GET", path, { token })).json.status,
    isLive: async (channel) => (await server.ask("GET", `/api/channels/${channel}`)).json.isLive === true,
    stop: async () => {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
