import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { type HelpRow, writeHelp } from "./help.ts";
import { refuseSubcommand } from "./subcommand-error.ts";

const DEFAULT_COUNT = 10;

const HELP: readonly HelpRow[] = [
  [
    "GET [<count>]",
    "Shows the slowest calls of late, latest first: 10, or so many, or all for -1.",
    "Each has a number, when it was, how long it took in µs, its arguments, where it came from, and the client's name.",
  ],
  ["LEN", "Counts them."],
  ["RESET", "Forgets them."],
];

function get(call: Call): void {
  const { args, reply, engine } = call;
  if (args.count > 3) {
    refuseSubcommand(call);
    return;
  }
  const slowLog = engine.observer.slowLog;
  let count = DEFAULT_COUNT;
  if (args.count === 3) {
    const fault = "ERR count should be greater than or equal to -1";
    count = call.integer(2, fault);
    if (Number.isNaN(count)) return;
    if (count < -1) {
      reply.error(fault);
      return;
    }
    if (count === -1) count = slowLog.length;
  }
  const calls = slowLog.latest(count);
  reply.array(calls.length);
  for (const slow of calls) {
    reply.array(6);
    reply.integer(slow.id);
    reply.integer(Math.floor(slow.timeMs / 1_000));
    reply.integer(slow.durationUs);
    reply.array(slow.args.length);
    for (const text of slow.args) reply.bulkText(text);
    reply.bulkText(slow.address);
    reply.bulkText(slow.clientName);
  }
}

function reset({ engine, reply }: Call): void {
  engine.observer.slowLog.reset();
  reply.ok();
}

/** SLOWLOG and its subcommands. */
export const SLOWLOG_HANDLERS: Readonly<Record<string, Handler>> = {
  "slowlog|get": get,
  "slowlog|help": ({ reply }) => writeHelp(reply, "SLOWLOG", HELP),
  "slowlog|len": ({ reply, engine }) => reply.integer(engine.observer.slowLog.length),
  "slowlog|reset": reset,
};
