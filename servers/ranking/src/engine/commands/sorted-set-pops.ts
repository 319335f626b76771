import { bytesOfText } from "../acl/index.ts";
import type { Call } from "../call.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import type { SortedSet } from "../structures/sorted-set.ts";
import { readTimeoutMs } from "./list-blocking.ts";

/** How popped members are replied. */
interface PopForm {
  /** Takes the highest scores, not the lowest. */
  readonly isMax: boolean;
  readonly count: number;
  readonly withKey: boolean;
  /** Pairs of member and score are arrays of their own. */
  readonly isNested: boolean;
}

/**
 * Takes members from the sorted set in argument `index` and replies them.
 *
 * @returns Whether there was a set; if not, nothing is replied. WRONGTYPE is replied, and `true` returned, if the key is
 * another.
 */
function popFrom(call: Call, index: number, form: PopForm): boolean {
  const { args, db, reply } = call;
  const record = db.findForWrite(args, index);
  if (record === 0) return false;
  const set = call.container<SortedSet>(record, ValueType.sortedSet);
  if (set === undefined) return true;
  const count = Math.min(form.count, set.size);
  if (count === 0) {
    reply.array(0);
    return true;
  }
  if (form.withKey) {
    reply.array(form.isNested ? 2 : 2 * count + 1);
    reply.bulk(args.bytes, args.starts[index]!, args.ends[index]!);
    if (form.isNested) reply.array(count);
  } else reply.array(form.isNested ? count : 2 * count);
  const { size } = set;
  set.forEach(form.isMax ? size - 1 : 0, count, form.isMax, (bytes, start, end, score) => {
    if (form.isNested) reply.array(2);
    reply.bulk(bytes, start, end);
    reply.double(score);
  });
  set.removeRange(form.isMax ? size - count : 0, count);
  if (count === size) db.delete(record);
  call.modified(index, form.isMax ? "zpopmax" : "zpopmin", EventClass.sortedSet);
  if (count === size) call.notify(index, "del", EventClass.generic);
  return true;
}

function pop(call: Call, isMax: boolean): void {
  const { args, reply } = call;
  if (args.count > 3) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const hasCount = args.count === 3;
  const count = hasCount ? positive(call, 2, 0, "ERR value is out of range, must be positive") : 1;
  if (Number.isNaN(count)) return;
  const form = { isMax, count, withKey: false, isNested: hasCount && reply.resp > 2 };
  if (!popFrom(call, 1, form)) reply.array(0);
}

function zpopmin(call: Call): void {
  pop(call, false);
}

function zpopmax(call: Call): void {
  pop(call, true);
}

/** Argument `index` as a whole number of at least `least`; NaN, and the error is replied, if it is none. */
function positive(call: Call, index: number, least: number, error: string): number {
  const value = call.integer(index, error);
  if (Number.isNaN(value) || value >= least) return value;
  call.reply.error(error);
  return Number.NaN;
}

/** What ZMPOP and BZMPOP ask for, and the arguments that are keys. */
interface ManyPop extends PopForm {
  readonly firstKey: number;
  readonly keyEnd: number;
}

function manyPop(call: Call, countIndex: number): ManyPop | undefined {
  const { args, reply } = call;
  const keyCount = positive(call, countIndex, 1, "ERR numkeys should be greater than 0");
  if (Number.isNaN(keyCount)) return undefined;
  const firstKey = countIndex + 1;
  const keyEnd = firstKey + keyCount;
  const isMax = keyEnd < args.count && args.isWord(keyEnd, "MAX");
  if (keyEnd >= args.count || (!isMax && !args.isWord(keyEnd, "MIN"))) {
    reply.error(SYNTAX_ERROR);
    return undefined;
  }
  let count = -1;
  for (let i = keyEnd + 1; i < args.count; i += 2) {
    if (count !== -1 || i + 1 >= args.count || !args.isWord(i, "COUNT")) {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
    count = positive(call, i + 1, 1, "ERR count should be greater than 0");
    if (Number.isNaN(count)) return undefined;
  }
  return { isMax, count: count === -1 ? 1 : count, withKey: true, isNested: true, firstKey, keyEnd };
}

/** Pops from the first key in `[firstKey, keyEnd)` that is there. */
function popFirst(call: Call, firstKey: number, keyEnd: number, form: PopForm): boolean {
  for (let i = firstKey; i < keyEnd; i++) if (popFrom(call, i, form)) return true;
  return false;
}

function zmpop(call: Call): void {
  const form = manyPop(call, 1);
  if (form !== undefined && !popFirst(call, form.firstKey, form.keyEnd, form)) call.reply.nilArray();
}

function blockingPop(call: Call, isMax: boolean): void {
  const last = call.args.count - 1;
  const timeoutMs = readTimeoutMs(call, last);
  if (Number.isNaN(timeoutMs)) return;
  if (popFirst(call, 1, last, { isMax, count: 1, withKey: true, isNested: false })) return;
  const plain = bytesOfText(isMax ? "ZPOPMAX" : "ZPOPMIN");
  const waits = call.engine.blocked.wait(call, {
    ...{ firstKey: 1, keyEnd: last, type: ValueType.sortedSet, timeoutMs, reply: "pair-behind-key" },
    take: (key) => [plain, key],
  });
  if (!waits) call.reply.nilArray();
}

function bzpopmin(call: Call): void {
  blockingPop(call, false);
}

function bzpopmax(call: Call): void {
  blockingPop(call, true);
}

function bzmpop(call: Call): void {
  const form = manyPop(call, 2);
  if (form === undefined) return;
  const timeoutMs = readTimeoutMs(call, 1);
  if (Number.isNaN(timeoutMs) || popFirst(call, form.firstKey, form.keyEnd, form)) return;
  const { firstKey, keyEnd, count, isMax } = form;
  const [name, one, ...rest] = ["ZMPOP", "1", isMax ? "MAX" : "MIN", "COUNT", String(count)].map(bytesOfText);
  const waits = call.engine.blocked.wait(call, {
    ...{ firstKey, keyEnd, type: ValueType.sortedSet, timeoutMs, reply: "as-it-is" },
    take: (key) => [name!, one!, key, ...rest],
  });
  if (!waits) call.reply.nilArray();
}

/** Commands that take members from an end of a sorted set. */
export const SORTED_SET_POPS = { zpopmin, zpopmax, zmpop, bzpopmin, bzpopmax, bzmpop } as const;
