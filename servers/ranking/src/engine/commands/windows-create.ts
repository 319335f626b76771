import { parseInteger } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import { CommandError, NOT_AN_INTEGER, SYNTAX_ERROR } from "../replies.ts";
import {
  checkPlan,
  DEFAULT_PLAN,
  type Resolution,
  resolutionsFor,
  Uniques,
  type UniquesMode,
  type WindowPlan,
} from "../structures/window-plan.ts";
import { zoneAt } from "./zones.ts";

/** A plan while its options are being read. */
type Draft = { -readonly [Field in keyof WindowPlan]: WindowPlan[Field] };

const UNIQUES: Readonly<Record<string, UniquesMode>> = {
  NONE: Uniques.none,
  EXACT: Uniques.exact,
  APPROX: Uniques.approximate,
};

/**
 * Reads the options of WIN.CREATE, from argument 2 on.
 *
 * @throws CommandError that says which of them is wrong.
 */
export function readPlanOptions(call: Call): WindowPlan {
  const { args } = call;
  const draft: Draft = { ...DEFAULT_PLAN, expires: false };
  const resolutions: Resolution[] = [];
  let retentionMs = 0;
  let at = 2;
  while (at < args.count) {
    const word = args.text(at++).toUpperCase();
    if (word === "RETENTION") retentionMs = wholeAt(call, at++);
    else if (word === "RESOLUTION") resolutions.push({ stepMs: wholeAt(call, at++), length: wholeAt(call, at++) });
    else if (word === "UNIQUES") draft.uniques = uniquesAt(call, at++);
    else if (word === "MEMBERS") draft.memberLimit = wholeAt(call, at++);
    else if (word === "TOP") at = readTop(call, at, draft);
    else if (word === "TZ") Object.assign(draft, zoneAt(call, at++));
    else if (word === "EXPIRES") draft.expires = true;
    else throw new CommandError(SYNTAX_ERROR);
  }
  if (retentionMs !== 0 && resolutions.length > 0) {
    throw new CommandError("ERR RETENTION chooses the resolutions: give it or RESOLUTION, not both");
  }
  if (retentionMs < 0) throw new CommandError("ERR RETENTION must be positive");
  if (retentionMs > 0) draft.resolutions = resolutionsFor(retentionMs);
  if (resolutions.length > 0) draft.resolutions = resolutions;
  checkPlan(draft);
  return draft;
}

function readTop(call: Call, first: number, draft: Draft): number {
  let at = first;
  draft.topEntries = wholeAt(call, at++);
  for (; at < call.args.count; at += 2) {
    if (call.args.isWord(at, "STEP")) draft.topStepMs = wholeAt(call, at + 1);
    else if (call.args.isWord(at, "BUCKETS")) draft.topLength = wholeAt(call, at + 1);
    else break;
  }
  return at;
}

function wholeAt({ args }: Call, index: number): number {
  if (index >= args.count) throw new CommandError(SYNTAX_ERROR);
  const value = parseInteger(args.bytes, args.starts[index]!, args.ends[index]!);
  if (Number.isNaN(value)) throw new CommandError(NOT_AN_INTEGER);
  return value;
}

function uniquesAt({ args }: Call, index: number): UniquesMode {
  const mode = index < args.count ? UNIQUES[args.text(index).toUpperCase()] : undefined;
  if (mode === undefined) throw new CommandError("ERR UNIQUES must be EXACT, APPROX or NONE");
  return mode;
}
