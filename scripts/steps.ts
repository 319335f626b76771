import { type SpawnOptions, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = dirname(dirname(fileURLToPath(import.meta.url)));

export interface StepResult {
  readonly ok: boolean;
  readonly output: string;
}

/** Path of a script of an installed package, to be run by this very Node. */
export function packageScript(...path: string[]): string {
  return join(root, "node_modules", ...path);
}

/** Runs a command in the root of the repository; prints what it says, and keeps the last 4 MiB of it. */
export function run(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<StepResult> {
  const keepBytes = 4 << 20;
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options });
    let output = "";
    const keep = (chunk: Buffer, stream: NodeJS.WriteStream) => {
      stream.write(chunk);
      output = (output + chunk.toString("utf8")).slice(-keepBytes);
    };
    child.stdout?.on("data", (chunk: Buffer) => keep(chunk, process.stdout));
    child.stderr?.on("data", (chunk: Buffer) => keep(chunk, process.stderr));
    child.on("error", (error) => resolve({ ok: false, output: `${output}\n${command}: ${error.message}` }));
    child.on("close", (code) => resolve({ ok: code === 0, output }));
  });
}

/** Runs this Node on a script. */
export function runNode(args: readonly string[], options: SpawnOptions = {}): Promise<StepResult> {
  return run(process.execPath, args, options);
}

/** Where a program of the system is, or `undefined`. */
export function which(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

export function heading(text: string): void {
  console.log(`\n• ${text}`);
}
