import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Reference, startRedis } from "@kagami/testkit";
import { RedisClient } from "./redis-client.ts";

/** A server that answers Redis's clients, in a process of its own. */
export interface Contender {
  readonly name: "kagami" | "redis";
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

export interface KagamiOptions {
  /** Flags beside `--listen`, `--admin` and `--log`. */
  readonly args?: readonly string[];
  /** A module that the process loads first. */
  readonly preload?: string;
  /** Where compiled code is kept from one start to the next: halves the time of a start. */
  readonly codeDirectory?: string;
}

const MAIN = join(import.meta.dirname, "..", "..", "servers", "ranking", "src", "main.ts");

/** Ours as a user starts it. @throws Error if it ends before it is ready. */
export async function startKagami({ args = [], preload, codeDirectory }: KagamiOptions = {}): Promise<Contender> {
  const all = ["--listen", "127.0.0.1:0", "--admin", "off", "--log", "error", ...args];
  const execArgv = preload === undefined ? [] : ["--import", preload];
  const env = codeDirectory === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: codeDirectory };
  const child = fork(MAIN, all, { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv, env });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const addresses = await new Promise<Readonly<Record<string, string>>>((resolve, reject) => {
    child.once("message", (message: { addresses?: Record<string, string> }) => resolve(message.addresses ?? {}));
    child.once("exit", (code) => reject(new Error(`kagami ranking ended with ${code}`)));
  });
  const end = (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    child.kill(signal);
    return ended;
  };
  const port = Number(Object.values(addresses)[0]?.split(":").at(-1));
  return { name: "kagami", port, pid: child.pid ?? 0, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

/** Debian's redis-server. */
async function startRedisContender(args: readonly string[] = []): Promise<Contender & Pick<Reference, "version">> {
  const { port, pid, version, stop } = await startRedis(args);
  return { name: "redis", port, pid, version, stop: () => stop(), kill: () => stop(0) };
}

/** Both, the reference first. */
export interface Pair {
  readonly redis: Contender;
  readonly kagami: Contender;
  readonly versions: string;
}

/** Starts both without persistence unless flags say otherwise, gives them to `use`, and ends them whatever happens. */
export async function withPair<T>(
  flags: { readonly redis?: readonly string[]; readonly kagami?: readonly string[] },
  use: (pair: Pair) => Promise<T>,
): Promise<T> {
  const redis = await startRedisContender(flags.redis);
  try {
    return await withDirectory(async (directory) => {
      const args = ["--data", directory, ...(flags.kagami ?? ["--persistence", "none"])];
      const kagami = await startKagami({ args });
      try {
        return await use({ redis, kagami, versions: `redis-server ${redis.version}, Node ${process.version}` });
      } finally {
        await kagami.stop();
      }
    });
  } finally {
    await redis.stop();
  }
}

/** A directory for the data of a server, removed at the end. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "kagami-bench-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A connection that is closed whatever happens. */
export async function withClient<T>({ port }: Contender, use: (client: RedisClient) => Promise<T>): Promise<T> {
  const client = await RedisClient.connect(port);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
