import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CHROMIUM_LAUNCH, eventually } from "@kagami/testkit";
import { type Browser, chromium } from "playwright-core";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The platform as `npm start` runs it, in processes of its own. */
export interface Platform {
  /** `http://host:port` */
  readonly page: string;
  /** `rtmp://host:port/live` */
  readonly rtmp: string;
  /** What the command printed. */
  readonly output: () => string;
  /** Ends it with a signal and returns its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Builds the web app and starts `kagami up --demo` on free ports, with a data directory of its own. */
export async function startPlatform(): Promise<Platform> {
  const directory = await mkdtemp(join(tmpdir(), "kagami-e2e-"));
  const webRoot = join(directory, "web");
  await runToEnd([join(root, "node_modules/vite/bin/vite.js"), "build", "--outDir", webRoot, "--logLevel", "error"]);
  const command = join(root, "tools/cli/bin/kagami.mjs");
  const ports = ["listen", "rtmp", "ranking", "objects"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  const args = [command, "up", "--demo", ...ports, "--data", directory];
  const env = { ...process.env, KAGAMI_LIVE_WEB_ROOT: webRoot };
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "ipc"], env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text: Buffer) => (output += text.toString()));
  const exited = once(child, "exit");
  const find = (pattern: RegExp) => {
    const found = pattern.exec(output)?.[1];
    if (found === undefined) throw new Error(`Cannot find ${pattern} in:\n${output}`);
    return found;
  };
  const page = await eventually(() => find(/Watch +(http:\/\/[\d.:]+)/), { timeoutMs: 60_000 });
  return {
    page,
    rtmp: find(/Publish +(rtmp:\/\/[\d.:]+\/live)/),
    output: () => output,
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      const [code] = (await exited) as [number | null];
      await rm(directory, { recursive: true, force: true });
      return code;
    },
  };
}

/** A publisher of the generated broadcast, small, with a counter in each picture. */
export function startPublisher(url: string): { stop(): Promise<void> } {
  const main = join(root, "tools/demo/src/main.ts");
  const args = [main, "--url", url, "--size", "360x640", "--bitrate-kbps", "500", "--counter"];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: "ignore" });
  const exited = once(child, "exit");
  return {
    stop: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch(CHROMIUM_LAUNCH);
}

async function runToEnd(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: join(root, "web/app"), stdio: ["ignore", "ignore", "inherit"] });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`Cannot run ${args[0]}: it ended with ${code}`);
}
