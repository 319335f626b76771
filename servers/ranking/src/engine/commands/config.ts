import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { type HelpRow, writeHelp } from "./help.ts";

const HELP: readonly HelpRow[] = [
  ["GET <pattern>", "Shows the parameters that match."],
  ["SET <directive> <value>", "Sets parameters, all of them or none."],
  ["RESETSTAT", "Sets the counts of INFO back."],
  ["REWRITE", "Writes the configuration file with what is in force."],
];

function get({ args, reply, engine }: Call): void {
  const patterns = Array.from({ length: args.count - 2 }, (_, i) => args.text(2 + i));
  const found = engine.config.find(patterns);
  reply.map(found.size);
  for (const [name, value] of found) {
    reply.bulkText(name);
    reply.bulkText(value);
  }
}

function set({ args, reply, engine, session }: Call): void {
  if (args.count % 2 !== 0) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const pairs = Array.from(
    { length: (args.count - 2) / 2 },
    (_, i) => [args.text(2 + 2 * i), args.text(3 + 2 * i)] as const,
  );
  const fault = engine.config.set(pairs, isAllowed(engine.config.get("enable-protected-configs"), session.address));
  if (fault === undefined) reply.ok();
  else reply.error(fault);
}

/** Whether a protected thing may be done: never, by everybody, or by who is on this machine. */
export function isAllowed(value: string, address: string): boolean {
  return value === "yes" || (value === "local" && /^(?:127\.|\[?::1|\/)/.test(address));
}

function resetStatistics({ engine, reply }: Call): void {
  const { store, observer, commands, sessions } = engine;
  engine.commandCount = 0;
  store.hits = 0;
  store.misses = 0;
  store.expiredCount = 0;
  sessions.openedCount = 0;
  sessions.rejectedCount = 0;
  observer.statistics.reset();
  for (const command of commands.all) command.resetStatistics();
  engine.shell.resetStatistics();
  reply.ok();
}

function rewrite({ engine, reply }: Call): void {
  const fault = engine.shell.rewriteConfig(engine.config.lines());
  if (fault === "") reply.ok();
  else reply.error(fault);
}

/** CONFIG and its subcommands. */
export const CONFIG_HANDLERS: Readonly<Record<string, Handler>> = {
  "config|get": get,
  "config|help": ({ reply }) => writeHelp(reply, "CONFIG", HELP),
  "config|resetstat": resetStatistics,
  "config|rewrite": rewrite,
  "config|set": set,
};
