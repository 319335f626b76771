import { parseInteger } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { CommandError, NO_SUCH_KEY, NOT_AN_INTEGER, SYNTAX_ERROR } from "../replies.ts";
import type { EventWindow } from "../structures/window.ts";
import { DAY_MS, formatOffset, Uniques } from "../structures/window-plan.ts";
import { REGISTERS_ERROR } from "../structures/window-registers.ts";
import type { WindowRing } from "../structures/window-ring.ts";

/** Most windows that one call asks for. */
const MOST_WINDOWS = 64;
/** Most buckets of one chart. */
const MOST_BUCKETS = 4_096;
const UNIQUES_NAMES = ["NONE", "EXACT", "APPROX"] as const;

/** `WIN.COUNT key ms... [UNIQUE]`: the events, or different members, of the last so many ms, for each. */
function count(call: Call): void {
  const { args, reply } = call;
  const isUnique = args.isWord(args.count - 1, "UNIQUE");
  const end = isUnique ? args.count - 1 : args.count;
  if (end < 3) throw new CommandError(SYNTAX_ERROR);
  if (end - 2 > MOST_WINDOWS) throw new CommandError(`ERR at most ${MOST_WINDOWS} windows can be asked for at once`);
  for (let i = 2; i < end; i++) durationAt(call, i);
  const record = call.db.find(args, 1);
  const window = record === 0 ? undefined : call.container<EventWindow>(record, ValueType.window);
  if (record !== 0 && window === undefined) return;
  if (window !== undefined && isUnique) checkUniques(window);
  reply.array(end - 2);
  for (let i = 2; i < end; i++) reply.integer(window === undefined ? 0 : countOf(call, window, i, isUnique));
}

function countOf(call: Call, window: EventWindow, index: number, isUnique: boolean): number {
  const windowMs = durationAt(call, index);
  const ring = ringFor(window, windowMs);
  const buckets = Math.ceil(windowMs / ring.stepMs);
  return isUnique ? window.uniques(ring, call.nowMs, buckets) : window.events(ring, call.nowMs, buckets);
}

/** `WIN.BUCKETS key stepMs n [UNIQUE]`: the last n buckets, oldest first, each with its beginning and its count. */
function buckets(call: Call): void {
  const { args, reply } = call;
  const isUnique = args.count === 5 && args.isWord(4, "UNIQUE");
  if (args.count > 4 && !isUnique) throw new CommandError(SYNTAX_ERROR);
  const stepMs = durationAt(call, 2);
  const length = wholeAt(call, 3);
  if (length < 1 || length > MOST_BUCKETS) throw new CommandError(`ERR n must be from 1 to ${MOST_BUCKETS}`);
  const record = call.db.find(args, 1);
  if (record === 0) {
    reply.array(0);
    return;
  }
  const window = call.container<EventWindow>(record, ValueType.window);
  if (window === undefined) return;
  if (isUnique) checkUniques(window);
  const ring = chartRing(window, stepMs, length, isUnique);
  const factor = stepMs / ring.stepMs;
  const last = window.numberOf(stepMs, call.nowMs);
  reply.array(length);
  for (let bucket = last - length + 1; bucket <= last; bucket++) {
    reply.array(2);
    reply.integer(window.beginningOf(stepMs, bucket));
    if (isUnique) reply.integer(ring.bucketUniques(bucket));
    else reply.integer(ring.events((bucket + 1) * factor - 1, factor));
  }
}

/** The coarsest ring that has whole buckets for a chart and reaches back far enough. */
function chartRing(window: EventWindow, stepMs: number, length: number, isUnique: boolean): WindowRing {
  if (isUnique && window.registers !== undefined) {
    throw new CommandError("ERR members are counted approximately: only WIN.COUNT can tell how many there were");
  }
  // Days of a zone that changes its clocks consist of no fixed number of smaller buckets.
  const isByZone = window.plan.zone !== undefined && stepMs >= DAY_MS;
  const fitting = window.rings.filter(
    (ring) => (isUnique ? ring.stepMs === stepMs : stepMs % ring.stepMs === 0) && (!isByZone || ring.stepMs >= DAY_MS),
  );
  if (fitting.length === 0) {
    const steps = window.rings.map((ring) => ring.stepMs).join(", ");
    throw new CommandError(`ERR the step must be ${isUnique ? "one" : "a multiple"} of the window's: ${steps}`);
  }
  const ring = fitting.findLast((candidate) => candidate.stepMs * candidate.length >= stepMs * length);
  if (ring === undefined) {
    const most = Math.floor(Math.max(...fitting.map((other) => other.stepMs * other.length)) / stepMs);
    throw new CommandError(`ERR the window keeps ${most} buckets of that step`);
  }
  return ring;
}

/** `WIN.TOP key ms n`: the most frequent members of the last so many ms: name, events at most, and how much less it may be. */
function top(call: Call): void {
  const { args, reply } = call;
  const windowMs = durationAt(call, 2);
  const limit = wholeAt(call, 3);
  if (limit < 1 || limit > 1_024) throw new CommandError("ERR n must be from 1 to 1024");
  const record = call.db.find(args, 1);
  if (record === 0) {
    reply.array(0);
    return;
  }
  const window = call.container<EventWindow>(record, ValueType.window);
  if (window === undefined) return;
  if (window.top === undefined) throw new CommandError("ERR the window keeps no top: make it with WIN.CREATE ... TOP");
  const { stepMs, length } = window.top;
  if (windowMs > stepMs * length) throw new CommandError(`ERR the window keeps its top for ${stepMs * length} ms`);
  const now = window.numberOf(stepMs, call.nowMs);
  const entries = window.top.top(now, Math.ceil(windowMs / stepMs), limit);
  reply.array(entries.length);
  for (const entry of entries) {
    reply.array(3);
    reply.bulkBytes(entry.name);
    reply.integer(entry.count);
    reply.integer(entry.error);
  }
}

/** `WIN.INFO key`: what the window keeps and what that takes. */
function info(call: Call): void {
  const { args, reply } = call;
  const record = call.db.find(args, 1);
  if (record === 0) throw new CommandError(NO_SUCH_KEY);
  const window = call.container<EventWindow>(record, ValueType.window);
  if (window === undefined) return;
  const { plan, coarsest } = window;
  reply.map(10);
  reply.bulkText("retention-ms");
  reply.integer(coarsest.stepMs * coarsest.length);
  reply.bulkText("resolutions");
  reply.array(plan.resolutions.length);
  for (const { stepMs, length } of plan.resolutions) {
    reply.array(2);
    reply.integer(stepMs);
    reply.integer(length);
  }
  reply.bulkText("uniques");
  reply.bulkText(UNIQUES_NAMES[plan.uniques]);
  reply.bulkText("uniques-error");
  reply.double(plan.uniques === Uniques.approximate ? REGISTERS_ERROR : 0);
  reply.bulkText("members");
  reply.integer(window.size);
  reply.bulkText("top");
  reply.array(3);
  reply.integer(plan.topEntries);
  reply.integer(plan.topStepMs);
  reply.integer(plan.topLength);
  reply.bulkText("tz");
  reply.bulkText(plan.zone?.name ?? formatOffset(plan.offsetMs));
  reply.bulkText("expires");
  reply.integer(plan.expires ? 1 : 0);
  reply.bulkText("late-events");
  reply.integer(window.lateEvents);
  reply.bulkText("bytes");
  reply.integer(window.usedBytes);
}

function checkUniques(window: EventWindow): void {
  if (window.plan.uniques !== Uniques.none) return;
  throw new CommandError("ERR the window does not tell members apart: make it with UNIQUES EXACT or APPROX");
}

function ringFor(window: EventWindow, windowMs: number): WindowRing {
  const ring = window.ringFor(windowMs);
  if (ring !== undefined) return ring;
  const { stepMs, length } = window.coarsest;
  throw new CommandError(`ERR the window keeps the last ${stepMs * length} ms`);
}

function durationAt(call: Call, index: number): number {
  const value = wholeAt(call, index);
  if (value < 1) throw new CommandError("ERR a window is a positive number of ms");
  return value;
}

function wholeAt({ args }: Call, index: number): number {
  const value = parseInteger(args.bytes, args.starts[index]!, args.ends[index]!);
  if (Number.isNaN(value)) throw new CommandError(NOT_AN_INTEGER);
  return value;
}

/** Commands that ask a window and change nothing. */
export const WINDOW_READ_HANDLERS: Readonly<Record<string, Handler>> = {
  "win.count": count,
  "win.buckets": buckets,
  "win.top": top,
  "win.info": info,
};
