import { nearest } from "@kagami/kit";
import { COMMANDS } from "./commands.ts";

export interface CliRequest {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** The version of all of Kagami. */
const VERSION = "0.1.0";

/** Finds the command and runs it. Returns the exit code so far; a command that runs on sets its own when it ends. */
export async function runCli({ argv, env, write, writeError }: CliRequest): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    write(overview());
    return name === undefined ? 1 : 0;
  }
  if (name === "--version" || name === "version") {
    write(`kagami ${VERSION}\n`);
    return 0;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (!command) {
    const names = COMMANDS.map((candidate) => candidate.name);
    const similar = nearest(name, names);
    const hint = similar === undefined ? "" : `; did you mean kagami ${similar}?`;
    writeError(`Unknown command "${name}"${hint} Run kagami help to see them all\n`);
    return 1;
  }
  await command.run({ argv: rest, env });
  return Number(process.exitCode ?? 0);
}

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name, usage }) => name.length + usage.length)) + 3;
  const lines = COMMANDS.map(({ name, usage, about }) => `  ${`${name} ${usage}`.padEnd(width)}${about}`);
  return [
    "Kagami: self-hosted live game streaming",
    "",
    "Usage: kagami <command> [flags]",
    "",
    ...lines,
    "",
    "kagami <command> --help tells a command's flags. Start with: npm start",
    "",
  ].join("\n");
}
