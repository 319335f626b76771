import { fork } from "node:child_process";
import { join } from "node:path";

export interface KagamiOptions {
  /** Name of the part, such as `objects`. */
  readonly part: string;
  /** Flags; `--listen 127.0.0.1:0` lets the system choose a port. */
  readonly args: readonly string[];
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** A module that the process loads before everything else. */
  readonly preload?: string;
}

/** A part of Kagami that runs as users run it, in a process of its own. */
export interface KagamiProcess {
  readonly pid: number;
  /** Host and port by name, as the part tells when it is ready. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Signals it; resolves when it is gone. Idempotent. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

const SERVERS = join(import.meta.dirname, "..", "..", "..", "servers");

/** Starts a part and waits until it is ready. @throws Error if it ends before that */
export async function startKagami({ part, args, env, preload }: KagamiOptions): Promise<KagamiProcess> {
  const child = fork(join(SERVERS, part, "src", "main.ts"), [...args], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: preload === undefined ? [] : ["--import", preload],
    // biome-ignore lint/style/noProcessEnv: a part is started in the tester's own environment
    env: { ...process.env, ...env },
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const addresses = await new Promise<Readonly<Record<string, string>>>((resolve, reject) => {
    child.once("message", (message: { addresses?: Record<string, string> }) => resolve(message.addresses ?? {}));
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`kagami ${part} ended with ${signal ?? code}`)));
  });
  return {
    pid: child.pid ?? 0,
    addresses,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}
