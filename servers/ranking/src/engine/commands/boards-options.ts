import { parseInteger } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import { CommandError, NOT_AN_INTEGER, SYNTAX_ERROR } from "../replies.ts";
import { PERIOD_KINDS } from "../structures/board-calendar.ts";
import { type BoardPlan, checkBoardPlan } from "../structures/board-plan.ts";
import { zoneAt } from "./zones.ts";

type Draft = { -readonly [Field in keyof BoardPlan]: BoardPlan[Field] };

/** A whole number in an argument that must be there. */
export function wholeAt({ args }: Call, index: number): number {
  if (index >= args.count) throw new CommandError(SYNTAX_ERROR);
  const value = parseInteger(args.bytes, args.starts[index]!, args.ends[index]!);
  if (Number.isNaN(value)) throw new CommandError(NOT_AN_INTEGER);
  return value;
}

/** A whole number from `least` to `most` in an argument that must be there. */
export function boundedAt(call: Call, index: number, what: string, least: number, most: number): number {
  const value = wholeAt(call, index);
  if (value >= least && value <= most) return value;
  throw new CommandError(`ERR ${what} must be from ${least} to ${most}`);
}

function wordAt<T extends string>({ args }: Call, index: number, option: string, words: readonly T[]): T {
  const text = index < args.count ? args.text(index).toLowerCase() : "";
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) throw new CommandError(`ERR ${option} must be ${words.join(", ")}`);
  return word;
}

/**
 * Reads the options of RANK.CREATE or RANK.ALTER, from argument 2 on.
 *
 * @param base What holds where no option says otherwise.
 * @param isNew Whether the options may be given that cannot change once there are members.
 * @throws CommandError that says which option is wrong.
 */
export function readBoardOptions(call: Call, base: BoardPlan, isNew: boolean): BoardPlan {
  const { args } = call;
  const draft: Draft = { ...base };
  for (let at = 2; at < args.count; at++) {
    const word = args.text(at++).toUpperCase();
    if (word === "CAP") draft.cap = wholeAt(call, at);
    else if (word === "KEEP") draft.keep = wholeAt(call, at);
    else if (word === "EXPIRE") draft.expireSeconds = wholeAt(call, at);
    else if (!NEW_OPTIONS.has(word)) throw new CommandError(SYNTAX_ERROR);
    else if (!isNew) throw new CommandError(`ERR ${word} cannot be changed: make another board`);
    else if (word === "DIR") draft.isDescending = wordAt(call, at, word, ["desc", "asc"]) === "desc";
    else if (word === "TIES") draft.ties = wordAt(call, at, word, ["first", "last", "shared", "lex"]);
    else if (word === "AGG") draft.aggregation = wordAt(call, at, word, ["sum", "best", "last"]);
    else if (word === "PERIOD") draft.period = wordAt(call, at, word, PERIOD_KINDS);
    else if (word === "TZ") Object.assign(draft, zoneAt(call, at));
    else if (word === "SLIDING") draft.slidingMs = wholeAt(call, at);
    else draft.changes = wholeAt(call, at);
  }
  checkBoardPlan(draft);
  return draft;
}

const NEW_OPTIONS: ReadonlySet<string> = new Set(["DIR", "TIES", "AGG", "PERIOD", "TZ", "SLIDING", "CHANGES"]);
