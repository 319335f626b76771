import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServerUnderTest } from "./subject.ts";

export interface KagamiOptions {
  /** Of the server's command line, beside the addresses. */
  readonly args?: readonly string[];
  /** Of Node's own command line. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Our server, with what a bench can ask of its process. */
export interface KagamiServer extends ServerUnderTest {
  readonly adminPort: number;
  /** The text of `/metrics`. */
  metrics(): Promise<string>;
  /** Collects garbage, then tells the memory of the process. */
  collectGarbage(): Promise<NodeJS.MemoryUsage>;
  /** The last 16 KiB of its log. */
  log(): string;
}

const LIVE_MAIN = join(import.meta.dirname, "..", "..", "..", "servers", "live", "src", "main.ts");
const HOOK = join(import.meta.dirname, "process-hook.ts");
/** As the command `kagami` starts every part; see tools/cli/bin/kagami.mjs. */
const MEMORY_SETTINGS = { MALLOC_ARENA_MAX: "2", MALLOC_TRIM_THRESHOLD_: "131072", MALLOC_MMAP_THRESHOLD_: "65536" };

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5_000;

/** Starts `kagami live` on free ports of the loopback, open to publish. It ends with this process. */
export async function startKagami(options: KagamiOptions = {}): Promise<KagamiServer> {
  const directory = await mkdtemp(join(tmpdir(), "kagami-bench-"));
  const anywhere = "127.0.0.1:0";
  const addresses = ["--listen", anywhere, "--rtmp", anywhere, "--admin", anywhere];
  const args = [...addresses, "--open-publish", "--data", directory, "--log", "warn", "--publisher-limit", "10000"];
  const nodeArgs = ["--expose-gc", "--import", HOOK, ...(options.nodeArgs ?? [])];
  const child = spawn(process.execPath, [...nodeArgs, LIVE_MAIN, ...args, ...(options.args ?? [])], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...MEMORY_SETTINGS, ...process.env, ...options.env },
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (bytes: Buffer) => {
      log = (log + bytes.toString("utf8")).slice(-16_384);
    });
  }
  const stop = async () => {
    await end(child);
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const { addresses } = await message<{ addresses: Record<string, string> }>(child, "ready", START_TIMEOUT_MS);
    const port = (name: string) => Number(addresses[name]?.split(":").at(-1) ?? 0);
    const adminPort = port("admin");
    return {
      name: "kagami",
      pid: child.pid ?? 0,
      rtmpPort: port("rtmp"),
      httpPort: port("http"),
      adminPort,
      metrics: async () => (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text(),
      collectGarbage: async () => {
        const answer = message<{ usage: NodeJS.MemoryUsage }>(child, "memory", START_TIMEOUT_MS);
        child.send({ kind: "collect-garbage" });
        return (await answer).usage;
      },
      log: () => log,
      stop,
    };
  } catch (error) {
    await stop();
    throw new Error(`kagami live did not start. It wrote:\n${log}`, { cause: error });
  }
}

function message<T>(child: ChildProcess, kind: string, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const finish = (run: () => void) => {
      clearTimeout(timer);
      child.off("message", onMessage);
      child.off("exit", onExit);
      run();
    };
    const onMessage = (value: unknown) => {
      if ((value as { kind?: unknown }).kind === kind) finish(() => resolve(value as T));
    };
    const onExit = (code: number | null) => finish(() => reject(new Error(`It ended with ${code}`)));
    const timer = setTimeout(() => finish(() => reject(new Error(`It sent no "${kind}" in time`))), timeoutMs);
    child.on("message", onMessage);
    child.on("exit", onExit);
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
