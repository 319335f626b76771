import type { ChildProcess } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { makeTempDir, removeTempDir } from "./temp-dir.ts";
import { findCommand, killGroup, runTool, spawnChild, ToolError } from "./tool.ts";

/** Where a reference server runs. */
export interface ReferencePlace {
  /** The port its clients use, free a moment ago. */
  readonly port: number;
  /** Further free ports, as many as `extraPortCount`. */
  readonly extraPorts: readonly number[];
  /** A directory of its own, removed at the end. */
  readonly dir: string;
}

export interface ReferenceOptions {
  /** Name or path of the program. */
  readonly command: string;
  readonly args: (port: number, place: ReferencePlace) => readonly string[];
  /** Ready when its output matches, or when its port accepts a connection. */
  readonly ready: RegExp | "tcp";
  /** Files to write before the start, by name below its directory. */
  readonly files?: (place: ReferencePlace) => Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** How to ask for the version: arguments, and a pattern whose first group is it. */
  readonly version?: { readonly args: readonly string[]; readonly pattern: RegExp };
  readonly extraPortCount?: number;
  /** What to install when the program is missing. */
  readonly debianPackage?: string;
  /** 15,000 if absent. */
  readonly timeoutMs?: number;
}

/** A foreign server that runs beside the tests. */
export interface Reference extends ReferencePlace {
  /** As the program tells it; empty if it was not asked. */
  readonly version: string;
  readonly pid: number;
  /** The last 64 KiB of what it wrote to its two outputs. */
  output(): string;
  /** Ends it: SIGTERM, then SIGKILL after `graceMs`, 3,000 if absent. Idempotent. */
  stop(graceMs?: number): Promise<void>;
}

const OUTPUT_LIMIT_CHARACTERS = 65_536;
const POLL_MS = 15;
const TERM_GRACE_MS = 3_000;
const ATTEMPTS = 3;

/**
 * Starts a reference server on a free loopback port and waits until it is ready. It ends with the test process.
 *
 * @throws ToolError `TOOL_MISSING`, `REFERENCE_EXITED`, `REFERENCE_NOT_READY`, the last two with what it wrote
 */
export async function startReference(options: ReferenceOptions): Promise<Reference> {
  const path = findCommand(options.command, options.debianPackage);
  const version = options.version ? await askVersion(path, options.version) : "";
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(path, version, options);
    } catch (error) {
      // Between our asking for a free port and its taking it, somebody else may have.
      const isPortTaken =
        error instanceof ToolError && error.code === "REFERENCE_EXITED" && /in use/i.test(error.message);
      if (!isPortTaken || attempt === ATTEMPTS) throw error;
    }
  }
}

/** A port that was free a moment ago, for foreign servers that cannot choose one themselves. Ours take port 0. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: 0 }, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("The system gave no port");
  return address.port;
}

async function startOnce(path: string, version: string, options: ReferenceOptions): Promise<Reference> {
  const dir = await makeTempDir();
  const extraPorts: number[] = [];
  const port = await freePort();
  while (extraPorts.length < (options.extraPortCount ?? 0)) extraPorts.push(await freePort());
  const place = { port, extraPorts, dir };
  for (const [name, text] of Object.entries(options.files?.(place) ?? {})) await writeFile(join(dir, name), text);
  const child = spawnChild(path, options.args(port, place), { cwd: dir, ...(options.env ? { env: options.env } : {}) });
  const output = new OutputTail(child);
  let stopping: Promise<void> | undefined;
  const stop = (graceMs = TERM_GRACE_MS): Promise<void> => {
    stopping ??= endChild(child, graceMs).then(() => removeTempDir(dir));
    return stopping;
  };
  try {
    await waitUntilReady(child, output, port, options);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...place, version, pid: child.pid ?? 0, output: () => output.text, stop };
}

/** Keeps the end of what a program writes. */
class OutputTail {
  text = "";
  failure: Error | undefined;

  constructor(child: ChildProcess) {
    const onData = (chunk: Buffer): void => {
      this.text = (this.text + chunk.toString("utf8")).slice(-OUTPUT_LIMIT_CHARACTERS);
    };
    child.stdout?.on("data", onData);
    child.stderr?.on("data", onData);
    child.stdin?.on("error", () => undefined); // nothing is ever written to it
    child.stdin?.end();
    child.once("error", (error) => {
      this.failure = error;
    });
  }
}

async function waitUntilReady(
  child: ChildProcess,
  output: OutputTail,
  port: number,
  options: ReferenceOptions,
): Promise<void> {
  const { command, ready } = options;
  const timeoutMs = options.timeoutMs ?? 15_000;
  const startedAtMs = performance.now();
  while (!(ready === "tcp" ? await acceptsConnections(port) : ready.test(output.text))) {
    const wrote = (): string => (output.text === "" ? "It wrote nothing" : `It wrote:\n${output.text}`);
    if (output.failure) throw output.failure;
    if (child.exitCode !== null || child.signalCode !== null) {
      await pause(); // its last words may still be in the pipe
      const how = child.signalCode ?? `code ${child.exitCode}`;
      throw new ToolError("REFERENCE_EXITED", `${command} ended (${how}) before it was ready. ${wrote()}`);
    }
    if (performance.now() - startedAtMs > timeoutMs) {
      throw new ToolError("REFERENCE_NOT_READY", `${command} was not ready within ${timeoutMs} ms. ${wrote()}`);
    }
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

function acceptsConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const finish = (accepts: boolean): void => {
      socket.destroy();
      resolve(accepts);
    };
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}

async function endChild(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  killGroup(child, "SIGTERM");
  const timer = setTimeout(() => killGroup(child, "SIGKILL"), graceMs);
  await ended;
  clearTimeout(timer);
}

async function askVersion(path: string, { args, pattern }: NonNullable<ReferenceOptions["version"]>): Promise<string> {
  const { stdout, stderr } = await runTool(path, args, { timeoutMs: 10_000 });
  return pattern.exec(stdout + stderr)?.[1] ?? "unknown";
}
