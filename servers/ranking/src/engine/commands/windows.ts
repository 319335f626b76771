import { parseInteger } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { CommandError, SYNTAX_ERROR, WRONG_TYPE } from "../replies.ts";
import { EventWindow } from "../structures/window.ts";
import { RateLimiter } from "../structures/window-limiter.ts";
import { loadWindowBlob } from "../structures/window-load.ts";
import { MAX_MEMBER_BYTES } from "../structures/window-members.ts";
import { DEFAULT_PLAN } from "../structures/window-plan.ts";
import { readPlanOptions } from "./windows-create.ts";
import { WINDOW_READ_HANDLERS } from "./windows-read.ts";

/** Most events of one call. */
const MOST_COUNT = 1_000_000_000;
/** Clocks differ: an event may be so far ahead of the server's time, and counts as now. */
const AHEAD_MS = 60_000;

/** What a WIN.HIT asks for; one object for all calls. */
const hitOptions = { count: 1, atMs: 0, memberIndex: 0 };

/** `WIN.HIT key [MEMBER member] [COUNT n] [AT ms]`: 1 if it was counted, 0 if it came too late for every bucket. */
function hit(call: Call): void {
  const { args, db, reply } = call;
  if (!readHitOptions(call)) return;
  let record = db.findForWrite(args, 1);
  let window: EventWindow | undefined;
  if (record !== 0) {
    window = call.container<EventWindow>(record, ValueType.window);
    if (window === undefined) return;
  }
  const { heap, hashSeed } = call.store;
  const isNew = window === undefined;
  window ??= new EventWindow(heap, hashSeed, DEFAULT_PLAN, call.nowMs);
  const { count, atMs, memberIndex } = hitOptions;
  const member = memberIndex === 0 ? undefined : args.bytes;
  const start = args.starts[memberIndex]!;
  const isCounted = window.hit(call.nowMs, atMs, count, member, start, args.ends[memberIndex]!);
  if (isNew && !isCounted) window.release(1);
  if (isNew && isCounted) record = db.setContainer(args, 1, 0, window);
  if (isCounted && window.hasMoved && window.plan.expires) db.setExpiry(record, window.idleAtMs);
  window.hasMoved = false;
  if (isCounted || !isNew) call.modified(1, "win.hit", EventClass.board);
  reply.integer(isCounted ? 1 : 0);
}

function readHitOptions(call: Call): boolean {
  const { args, reply, nowMs } = call;
  hitOptions.count = 1;
  hitOptions.atMs = nowMs;
  hitOptions.memberIndex = 0;
  for (let i = 2; i < args.count; i += 2) {
    if (i + 1 === args.count) {
      reply.error(SYNTAX_ERROR);
      return false;
    }
    if (args.isWord(i, "MEMBER")) {
      hitOptions.memberIndex = i + 1;
      if (args.sizeOf(i + 1) <= MAX_MEMBER_BYTES) continue;
      reply.error("ERR member is too long");
      return false;
    }
    const isCount = args.isWord(i, "COUNT");
    if (!isCount && !args.isWord(i, "AT")) {
      reply.error(SYNTAX_ERROR);
      return false;
    }
    const value = call.integer(i + 1);
    if (Number.isNaN(value)) return false;
    if (isCount) {
      hitOptions.count = value;
      if (value >= 1 && value <= MOST_COUNT) continue;
      reply.error(`ERR COUNT must be from 1 to ${MOST_COUNT}`);
      return false;
    }
    if (value < 0 || value > nowMs + AHEAD_MS) {
      reply.error("ERR AT must be a time in ms since 1970, at most a minute ahead of the server's");
      return false;
    }
    hitOptions.atMs = Math.min(value, nowMs);
  }
  return true;
}

/** `WIN.CREATE key ...`: makes a window with other settings than the default ones. */
function create(call: Call): void {
  const { args, db, reply } = call;
  const plan = readPlanOptions(call);
  const record = db.findForWrite(args, 1);
  if (record !== 0) {
    reply.error(db.typeOf(record) === ValueType.window ? WINDOW_EXISTS : WRONG_TYPE);
    return;
  }
  const window = new EventWindow(call.store.heap, call.store.hashSeed, plan, call.nowMs);
  const made = db.setContainer(args, 1, 0, window);
  if (plan.expires) {
    const { coarsest } = window;
    db.setExpiry(made, window.startOf(coarsest, window.bucketOf(coarsest, call.nowMs) + coarsest.length));
  }
  call.modified(1, "win.create", EventClass.board);
  reply.ok();
}

const WINDOW_EXISTS = "ERR the window exists: delete it with DEL to make it anew";

/**
 * `WIN.RATE key limit periodMs [burst] [COST n]`: takes n units of a rate of `limit` a period, of which `burst` may come
 * at once. Replies 0 if allowed or 1, burst, units left, ms until it would be allowed or -1, ms until all are there.
 */
function rate(call: Call): void {
  const { args, db, reply } = call;
  const limit = bounded(call, 2, "limit", 1, 1_000_000_000);
  const periodMs = bounded(call, 3, "period in ms", 1, 366 * 86_400_000);
  let at = 4;
  const hasBurst = at < args.count && !args.isWord(at, "COST");
  const burst = hasBurst ? bounded(call, at++, "burst", 1, 1_000_000_000) : limit;
  const hasCost = at < args.count;
  if (hasCost && (!args.isWord(at, "COST") || at + 2 !== args.count)) throw new CommandError(SYNTAX_ERROR);
  const cost = hasCost ? bounded(call, at + 1, "COST", 0, 1_000_000_000) : 1;
  if (burst * periodMs > 2 ** 52 || cost * periodMs > 2 ** 52) {
    throw new CommandError("ERR burst or COST times period in ms must be at most 2^52: take a shorter period");
  }
  const record = db.findForWrite(args, 1);
  let limiter: RateLimiter | undefined;
  if (record !== 0) {
    limiter = call.container<RateLimiter>(record, ValueType.limiter);
    if (limiter === undefined) return;
  }
  const isNew = limiter === undefined;
  limiter ??= new RateLimiter();
  const verdict = limiter.take(call.nowMs, limit, periodMs, burst, cost);
  if (verdict.isAllowed && cost > 0) {
    const kept = isNew ? db.setContainer(args, 1, 0, limiter) : record;
    db.setExpiry(kept, call.nowMs + verdict.resetAfterMs);
    call.modified(1, "win.rate", EventClass.board);
  }
  reply.array(5);
  reply.integer(verdict.isAllowed ? 0 : 1);
  reply.integer(burst);
  reply.integer(verdict.remaining);
  reply.integer(verdict.retryAfterMs);
  reply.integer(verdict.resetAfterMs);
}

function bounded(call: Call, index: number, what: string, least: number, most: number): number {
  const { args } = call;
  const value = parseInteger(args.bytes, args.starts[index]!, args.ends[index]!);
  if (value >= least && value <= most) return value;
  throw new CommandError(`ERR ${what} must be a whole number from ${least} to ${most}`);
}

/** `WIN.LOAD key blob...`: makes a window or limiter from what its rebuild wrote. Internal. */
function load(call: Call): void {
  const { args, db, reply } = call;
  let record = db.findForWrite(args, 1);
  if (record !== 0 && db.typeOf(record) !== ValueType.window && db.typeOf(record) !== ValueType.limiter) {
    reply.error(WRONG_TYPE);
    return;
  }
  for (let i = 2; i < args.count; i++) {
    const value = record === 0 ? undefined : db.containerOf(record);
    // Before it is read: of a bad blob a part may have been taken over, and the copies have to do the same.
    if (value !== undefined) call.dirty++;
    const loaded = loadWindowBlob(value, args.view(i), call.store);
    if (record === 0) record = db.setContainer(args, 1, 0, loaded);
  }
  call.modified(1, "win.load", EventClass.board);
  reply.ok();
}

/** Commands of windows and rate limiters. */
export const WINDOW_HANDLERS: Readonly<Record<string, Handler>> = {
  "win.hit": hit,
  "win.create": create,
  "win.rate": rate,
  "win.load": load,
  ...WINDOW_READ_HANDLERS,
};
