import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** `code` is API: never renamed, never reused. */
export type ToolErrorCode =
  | "TOOL_MISSING"
  | "TOOL_FAILED"
  | "TOOL_TIMEOUT"
  | "TOOL_OUTPUT_TOO_LARGE"
  | "REFERENCE_EXITED"
  | "REFERENCE_NOT_READY";

/** A foreign program cannot be used; the message says which, and what to do. */
export class ToolError extends Error {
  override readonly name = "ToolError";
  readonly code: ToolErrorCode;

  constructor(code: ToolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Debian packages of the programs our tests use, where the name differs from the command's. */
const DEBIAN_PACKAGES: Readonly<Record<string, string>> = {
  nginx: "nginx libnginx-mod-rtmp",
  ffprobe: "ffmpeg",
  etcd: "etcd-server",
  etcdctl: "etcd-client",
  "redis-cli": "redis-tools",
};

/** Daemons live where an ordinary user's PATH does not lead. */
const DAEMON_DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/**
 * The full path of a command.
 *
 * @param debianPackage What to install when it is missing; known for the usual ones.
 * @throws ToolError `TOOL_MISSING`: a test fails then, it never skips.
 */
export function findCommand(command: string, debianPackage?: string): string {
  const candidates = command.includes("/") ? [command] : searchDirectories().map((dir) => join(dir, command));
  const found = candidates.find(isExecutable);
  if (found) return found;
  const packageName = debianPackage ?? DEBIAN_PACKAGES[command] ?? command;
  const mend = `Install it with: sudo apt-get install ${packageName}`;
  throw new ToolError("TOOL_MISSING", `Cannot run ${command}: it is not on this machine. ${mend}`);
}

export interface RunToolOptions {
  /** Written to its standard input, which is then closed. */
  readonly input?: string | Uint8Array;
  /** 30,000 if absent; then it is killed. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  readonly debianPackage?: string;
  /** Whether an exit code other than 0 is an error, which tells what the program said. */
  readonly mustSucceed?: boolean;
  /** Of each of its two outputs; 64 MiB if absent. */
  readonly maxOutputBytes?: number;
}

/** How a program ended. */
export interface ToolResult {
  /** `null` if a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stdoutBytes: Uint8Array;
  readonly stderr: string;
}

/**
 * Runs a program to its end. An exit code other than 0 is a result, not an error, unless it `mustSucceed`.
 *
 * @throws ToolError `TOOL_MISSING`, `TOOL_FAILED`, `TOOL_TIMEOUT`, `TOOL_OUTPUT_TOO_LARGE`
 */
export async function runTool(
  command: string,
  args: readonly string[],
  options: RunToolOptions = {},
): Promise<ToolResult> {
  const path = findCommand(command, options.debianPackage);
  const timeoutMs = options.timeoutMs ?? 30_000;
  const limitBytes = options.maxOutputBytes ?? 64 * 1_048_576;
  const child = spawnChild(path, args, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let failure: ToolError | undefined;
  const fail = (error: ToolError): void => {
    failure ??= error;
    killGroup(child, "SIGKILL");
  };
  const collect = (chunks: Buffer[]): ((chunk: Buffer) => void) => {
    let sizeBytes = 0;
    return (chunk) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= limitBytes) chunks.push(chunk);
      else fail(new ToolError("TOOL_OUTPUT_TOO_LARGE", `${command} wrote more than ${limitBytes} bytes`));
    };
  };
  child.stdout?.on("data", collect(stdout));
  child.stderr?.on("data", collect(stderr));
  // It may end before it has read everything (EPIPE); how it ended says more.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(options.input);
  const timer = setTimeout(() => {
    const tail = Buffer.concat(stderr).toString("utf8").slice(-2_000);
    fail(new ToolError("TOOL_TIMEOUT", `${command} did not end within ${timeoutMs} ms. Its last words:\n${tail}`));
  }, timeoutMs);
  try {
    const [exitCode, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, endSignal) => resolve([code, endSignal]));
    });
    if (failure) throw failure;
    const bytes = Buffer.concat(stdout);
    const words = Buffer.concat(stderr).toString("utf8");
    const result = { exitCode, signal, stdout: bytes.toString("utf8"), stdoutBytes: bytes, stderr: words };
    if (options.mustSucceed && exitCode !== 0) throw failedTool(command, result, options.debianPackage);
    return result;
  } finally {
    clearTimeout(timer);
  }
}

function failedTool(command: string, result: ToolResult, debianPackage: string | undefined): ToolError {
  const { exitCode, signal, stdout, stderr } = result;
  const mend = debianPackage === undefined ? "" : `It needs the Debian package ${debianPackage}. `;
  const words = `${stderr}${stdout}`.trim().slice(-2_000);
  return new ToolError("TOOL_FAILED", `${command} ended with ${signal ?? exitCode}. ${mend}It said:\n${words}`);
}

const running = new Set<ChildProcess>();

function killAllAtExit(): void {
  for (const child of running) killGroup(child, "SIGKILL");
}

/** Starts a program in a group of its own, which does not outlive this process. */
export function spawnChild(
  path: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> },
): ChildProcess {
  const [command, ...allArgs] = [...dieWithParent(), path, ...args];
  const child = spawn(command ?? path, allArgs, {
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...inheritedEnv(), ...env },
  });
  if (running.size === 0) process.on("exit", killAllAtExit);
  running.add(child);
  const forget = (): void => {
    running.delete(child);
    if (running.size === 0) process.removeListener("exit", killAllAtExit);
  };
  child.once("exit", forget);
  child.once("error", forget);
  return child;
}

/** Signals the program and what it started. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Whether a process runs. One that has ended and only waits for its parent to notice (a zombie) does not. */
export function isProcessAlive(pid: number): boolean {
  try {
    if (process.platform !== "linux") return process.kill(pid, 0);
    // The state follows the command's name, which is in parentheses and may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]$/.test(stat.slice(stat.lastIndexOf(")") + 2).split(" ", 1)[0] ?? "");
  } catch {
    // ENOENT or ESRCH: there is no such process.
    return false;
  }
}

/** On Linux the kernel ends the child with us, even when the test runner itself is killed. */
function dieWithParent(): string[] {
  const setpriv = "/usr/bin/setpriv";
  return process.platform === "linux" && isExecutable(setpriv) ? [setpriv, "--pdeathsig", "KILL", "--"] : [];
}

function searchDirectories(): string[] {
  return [...(inheritedEnv().PATH ?? "").split(delimiter).filter((dir) => dir !== ""), ...DAEMON_DIRECTORIES];
}

function inheritedEnv(): NodeJS.ProcessEnv {
  // biome-ignore lint/style/noProcessEnv: foreign programs are found and run in the tester's own environment
  return process.env;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there, or not ours to run: the search goes on.
    return false;
  }
}
