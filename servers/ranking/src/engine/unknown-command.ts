import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";

const SHOWN_NAME = 128;
const SHOWN_ARGS = 128;

/** The error for a command that is none, as Redis 7.0 words it. */
export function unknownCommand(args: Args): string {
  let shown = "";
  for (let i = 1; i < args.count && shown.length < SHOWN_ARGS; i++) {
    shown += `'${args.text(i).slice(0, SHOWN_ARGS - shown.length)}' `;
  }
  return `ERR unknown command '${untilZero(args.text(0)).slice(0, SHOWN_NAME)}', with args beginning with: ${untilZero(shown)}`;
}

/** The error for a subcommand that is none. */
export function unknownSubcommand(command: Command, args: Args): string {
  const name = untilZero(args.text(1)).slice(0, SHOWN_NAME);
  return `ERR unknown subcommand '${name}'. Try ${command.name.toUpperCase()} HELP.`;
}

/** The error for too few or too many arguments. */
export function wrongArity(command: Command): string {
  return `ERR wrong number of arguments for '${command.name}' command`;
}

function untilZero(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
