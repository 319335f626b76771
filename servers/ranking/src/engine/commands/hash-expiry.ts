import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { EventClass } from "../key-events.ts";
import type { HashValue } from "../structures/hash-value.ts";
import { fieldsRemoved, type HashOfKey, readHash, writeHash } from "./hash-access.ts";
import { integerFrom } from "./ranges.ts";

/** Latest time at which a field can expire, in ms since 1970: 46 bits, as Redis 7.4. */
const MAX_TIME_MS = 2 ** 46 - 1;

/** What is replied for a field. */
const NO_FIELD = -2;
const NO_EXPIRY = -1;
const NOT_MET = 0;
const CHANGED = 1;
const DELETED = 2;

const CONDITIONS = ["NX", "XX", "GT", "LT"] as const;
type Condition = (typeof CONDITIONS)[number] | "";

/**
 * Reads `FIELDS numfields field...` from argument `first` on.
 *
 * @returns The argument of the first field; NaN, and the error is replied, if they are wrong.
 */
function readFields(call: Call, first: number, countError: string): number {
  const { args, reply } = call;
  if (!args.isWord(first, "FIELDS")) {
    reply.error("ERR Mandatory argument FIELDS is missing or not at the right position");
    return Number.NaN;
  }
  const count = integerFrom(call, first + 1, 1, countError);
  if (Number.isNaN(count)) return Number.NaN;
  if (count === args.count - first - 2) return first + 2;
  reply.error("ERR The `numfields` parameter must match the number of arguments");
  return Number.NaN;
}

/** The time in argument 2 as ms since 1970; NaN, and the error is replied, if it is none. */
function readTimeMs(call: Call, unitMs: number, isRelative: boolean): number {
  const { reply } = call;
  const given = call.integer(2);
  if (Number.isNaN(given)) return Number.NaN;
  if (given < 0) {
    reply.error("ERR invalid expire time, must be >= 0");
    return Number.NaN;
  }
  const timeMs = given * unitMs + (isRelative ? call.nowMs : 0);
  if (timeMs <= MAX_TIME_MS) return timeMs;
  reply.error(`ERR invalid expire time in '${call.command.name}' command`);
  return Number.NaN;
}

/** HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT. */
function expiring(unitMs: number, isRelative: boolean): Handler {
  return (call) => {
    const { args, reply, db } = call;
    const found = writeHash(call, 1);
    if (found === undefined) return;
    const timeMs = readTimeMs(call, unitMs, isRelative);
    if (Number.isNaN(timeMs)) return;
    const condition = CONDITIONS.find((word) => args.isWord(3, word)) ?? "";
    const wrongCount = "ERR Parameter `numFields` should be greater than 0";
    const first = readFields(call, condition === "" ? 3 : 4, wrongCount);
    if (Number.isNaN(first)) return;
    reply.array(args.count - first);
    let changed = 0;
    let deleted = 0;
    for (let i = first; i < args.count; i++) {
      const outcome = found === 0 ? NO_FIELD : expireField(call, found.hash, i, timeMs, condition);
      if (outcome === CHANGED) changed++;
      else if (outcome === DELETED) deleted++;
      reply.integer(outcome);
    }
    if (found === 0 || changed + deleted === 0) return;
    if (changed > 0) {
      if (found.hash.size > 0) db.noteFieldExpiry(found.record);
      call.modified(1, "hexpire", EventClass.hash);
    }
    if (deleted > 0) fieldsRemoved(call, 1, found, "hdel");
  };
}

function expireField(call: Call, hash: HashValue, index: number, timeMs: number, condition: Condition): number {
  const { args } = call;
  const field = hash.find(args.bytes, args.starts[index]!, args.ends[index]!);
  if (field === 0) return NO_FIELD;
  if (!isMet(condition, hash.expiryOf(field), timeMs)) return NOT_MET;
  if (timeMs <= call.nowMs) {
    hash.remove(field);
    return DELETED;
  }
  hash.setExpiry(field, timeMs);
  return CHANGED;
}

/** @param beforeMs When the field expires now, or -1: never, which is later than any time. */
function isMet(condition: Condition, beforeMs: number, timeMs: number): boolean {
  switch (condition) {
    case "NX":
      return beforeMs < 0;
    case "XX":
      return beforeMs >= 0;
    case "GT":
      return beforeMs >= 0 && timeMs > beforeMs;
    case "LT":
      return beforeMs < 0 || timeMs < beforeMs;
    case "":
      return true;
    default:
      condition satisfies never;
      return false;
  }
}

/** HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME. */
function telling(unitMs: number, isRelative: boolean): Handler {
  return (call) => {
    const { args, reply } = call;
    const hash = readHash(call, 1);
    if (hash === undefined) return;
    const first = readFields(call, 2, "ERR Number of fields must be a positive integer");
    if (Number.isNaN(first)) return;
    reply.array(args.count - first);
    for (let i = first; i < args.count; i++) {
      const field = hash === 0 ? 0 : hash.find(args.bytes, args.starts[i]!, args.ends[i]!);
      const timeMs = hash === 0 || field === 0 ? NO_FIELD : hash.expiryOf(field);
      const shown = timeMs < 0 ? timeMs : Math.ceil((timeMs - (isRelative ? call.nowMs : 0)) / unitMs);
      reply.integer(shown);
    }
  };
}

function hpersist(call: Call): void {
  const { args, reply, db } = call;
  const found = writeHash(call, 1);
  if (found === undefined) return;
  const first = readFields(call, 2, "ERR Number of fields must be a positive integer");
  if (Number.isNaN(first)) return;
  reply.array(args.count - first);
  let changed = 0;
  for (let i = first; i < args.count; i++) {
    const outcome = persistField(call, found, i);
    if (outcome === CHANGED) changed++;
    reply.integer(outcome);
  }
  if (found === 0 || changed === 0) return;
  db.noteFieldExpiry(found.record);
  call.modified(1, "hpersist", EventClass.hash);
}

function persistField({ args }: Call, found: HashOfKey | 0, index: number): number {
  if (found === 0) return NO_FIELD;
  const field = found.hash.find(args.bytes, args.starts[index]!, args.ends[index]!);
  if (field === 0) return NO_FIELD;
  if (found.hash.expiryOf(field) < 0) return NO_EXPIRY;
  found.hash.setExpiry(field, -1);
  return CHANGED;
}

/** Commands that let single fields expire, as Redis 7.4 has them. */
export const HASH_EXPIRY_HANDLERS: Readonly<Record<string, Handler>> = {
  hexpire: expiring(1_000, true),
  hpexpire: expiring(1, true),
  hexpireat: expiring(1_000, false),
  hpexpireat: expiring(1, false),
  httl: telling(1_000, true),
  hpttl: telling(1, true),
  hexpiretime: telling(1_000, false),
  hpexpiretime: telling(1, false),
  hpersist,
};
