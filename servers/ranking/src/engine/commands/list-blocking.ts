import { parseDouble } from "../../protocol/numbers.ts";
import { bytesOfText } from "../acl/index.ts";
import { ownCopy } from "../blocked-sessions.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
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
  const plain = bytesOfText(end === LEFT ? "LPOP" : "RPOP");
  const take = (key: Uint8Array): Uint8Array[] => [plain, key];
  return (call) => {
    const last = call.args.count - 1;
    const timeoutMs = readTimeoutMs(call, last);
    if (Number.isNaN(timeoutMs)) return;
    for (let index = 1; index < last; index++) if (tryPop(call, index, end) === TryResult.replied) return;
    const request = { firstKey: 1, keyEnd: last, type: ValueType.list, timeoutMs, take } as const;
    if (!call.engine.blocked.wait(call, { ...request, reply: "value-behind-key" })) call.reply.nilArray();
  };
}

/** Waits for an element of argument 1 that the plain command `words` then moves. */
function waitToMove(call: Call, timeoutMs: number, words: readonly string[]): void {
  const [name, ...ends] = words.map(bytesOfText) as [Uint8Array, ...Uint8Array[]];
  const destination = ownCopy(call.args.view(2));
  const waits = call.engine.blocked.wait(call, {
    ...{ firstKey: 1, keyEnd: 2, type: ValueType.list, timeoutMs, reply: "as-it-is" },
    take: (key) => [name, key, destination, ...ends],
  });
  if (!waits) call.reply.nil();
}

function blmove(call: Call): void {
  const from = readEnd(call, 3);
  if (from === undefined) return;
  const to = readEnd(call, 4);
  if (to === undefined) return;
  const timeoutMs = readTimeoutMs(call, 5);
  if (Number.isNaN(timeoutMs) || tryMove(call, from, to) === TryResult.replied) return;
  waitToMove(call, timeoutMs, ["LMOVE", nameOfEnd(from), nameOfEnd(to)]);
}

function brpoplpush(call: Call): void {
  const timeoutMs = readTimeoutMs(call, 3);
  if (Number.isNaN(timeoutMs) || tryMove(call, RIGHT, LEFT) === TryResult.replied) return;
  waitToMove(call, timeoutMs, ["RPOPLPUSH"]);
}

function blmpop(call: Call): void {
  const pops = readMultiPop(call, 2);
  if (pops === undefined) return;
  const timeoutMs = readTimeoutMs(call, 1);
  if (Number.isNaN(timeoutMs) || tryMultiPop(call, pops) === TryResult.replied) return;
  const [name, one, ...rest] = ["LMPOP", "1", nameOfEnd(pops.end), "COUNT", String(pops.count)].map(bytesOfText);
  const waits = call.engine.blocked.wait(call, {
    ...{ firstKey: pops.firstKey, keyEnd: pops.lastKey + 1, type: ValueType.list, timeoutMs, reply: "as-it-is" },
    take: (key) => [name!, one!, key, ...rest],
  });
  if (!waits) call.reply.nilArray();
}

function nameOfEnd(end: boolean): string {
  return end === LEFT ? "LEFT" : "RIGHT";
}

/** Commands that take elements out of lists and wait for one if there is none. */
export const LIST_BLOCKING_HANDLERS: Readonly<Record<string, Handler>> = {
  blpop: blockingPop(LEFT),
  brpop: blockingPop(RIGHT),
  blmove,
  brpoplpush,
  blmpop,
};
