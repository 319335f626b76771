import { parseDouble } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { isLongDouble } from "../long-double.ts";
import { LEFT, RIGHT, readEnd, readMultiPop, TryResult, tryMove, tryMultiPop, tryPop } from "./list-moves.ts";

/**
 * How long a command waits, from argument `index`, in ms; 0 is for ever. NaN, and the error is replied, if it is none.
 */
export function readTimeoutMs(call: Call, index: number): number {
  const { args, reply } = call;
  const text = args.text(index);
  if (!isLongDouble(text)) {
    reply.error("ERR timeout is not a float or out of range");
    return Number.NaN;
  }
  const parsed = parseDouble(args.bytes, args.starts[index]!, args.ends[index]!);
  // What a double cannot hold is infinite or nothing.
  const timeoutMs = Math.ceil(1_000 * (Number.isNaN(parsed) ? Number(text) : parsed));
  // Redis's number of 64 bits overflows to the lowest one.
  if (timeoutMs < 0 || timeoutMs >= 2 ** 63) reply.error("ERR timeout is negative");
  else if (timeoutMs > 2 ** 63 - call.nowMs) reply.error("ERR timeout is out of range");
  else return timeoutMs;
  return Number.NaN;
}

function blockingPop(end: boolean): Handler {
  return (call) => {
    const last = call.args.count - 1;
    if (Number.isNaN(readTimeoutMs(call, last))) return;
    for (let index = 1; index < last; index++) if (tryPop(call, index, end) === TryResult.replied) return;
    call.reply.nilArray();
  };
}

function blmove(call: Call): void {
  const from = readEnd(call, 3);
  if (from === undefined) return;
  const to = readEnd(call, 4);
  if (to === undefined || Number.isNaN(readTimeoutMs(call, 5))) return;
  if (tryMove(call, from, to) === TryResult.empty) call.reply.nil();
}

function brpoplpush(call: Call): void {
  if (Number.isNaN(readTimeoutMs(call, 3))) return;
  if (tryMove(call, RIGHT, LEFT) === TryResult.empty) call.reply.nil();
}

function blmpop(call: Call): void {
  const pops = readMultiPop(call, 2);
  if (pops === undefined || Number.isNaN(readTimeoutMs(call, 1))) return;
  if (tryMultiPop(call, pops) === TryResult.empty) call.reply.nilArray();
}

/** Commands that take elements out of lists and would wait for one. */
export const LIST_BLOCKING_HANDLERS: Readonly<Record<string, Handler>> = {
  blpop: blockingPop(LEFT),
  brpop: blockingPop(RIGHT),
  blmove,
  brpoplpush,
  blmpop,
};
