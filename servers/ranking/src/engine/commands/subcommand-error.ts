import type { Call } from "../call.ts";

/** Replies that a subcommand was called with arguments that it does not take, as Redis words it. */
export function refuseSubcommand({ args, reply, command }: Call): void {
  const container = command.name.slice(0, command.name.indexOf("|")).toUpperCase();
  const given = args.text(1).slice(0, 128);
  reply.error(`ERR unknown subcommand or wrong number of arguments for '${given}'. Try ${container} HELP.`);
}
