import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { CommandError, SYNTAX_ERROR } from "../replies.ts";
import { SetValue } from "../structures/set-value.ts";
import { countFrom, negatableInteger } from "./ranges.ts";
import { readSet } from "./sets.ts";

/** Elements that a negative count can ask for; Redis has no limit and would send without end. */
const MAX_REPEATED_PICKS = 16_777_216;
/** As Redis: if so many times fewer stay than go, those that stay are moved into a new set. */
const STAYING_FACTOR = 5;

function spop(call: Call): void {
  const { args, db, reply } = call;
  if (args.count > 3) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const hasCount = args.count === 3;
  const count = hasCount ? countFrom(call, 2) : 1;
  if (Number.isNaN(count)) return;
  const record = db.findForWrite(args, 1);
  if (record === 0) {
    if (hasCount) reply.set(0);
    else reply.nil();
    return;
  }
  const set = call.container<SetValue>(record, ValueType.set);
  if (set === undefined) return;
  const taken = Math.min(count, set.size);
  if (hasCount) reply.set(taken);
  if (taken === 0) return;
  const left = set.size - taken;
  if (left === 0) {
    set.forEachMember((bytes, start, end) => reply.bulk(bytes, start, end));
    db.delete(record);
  } else if (!hasCount || left * STAYING_FACTOR > taken) takeOut(call, set, taken);
  else db.setContainer(args, 1, db.findForWrite(args, 1), stayers(call, set, left), true);
  call.modified(1, "spop", EventClass.set);
  if (left === 0) call.notify(1, "del", EventClass.generic);
}

/** Replies and removes members picked at random. */
function takeOut(call: Call, set: SetValue, count: number): void {
  for (let left = count; left > 0; left--) call.reply.bulkBytes(takeOne(call, set));
}

function takeOne(call: Call, set: SetValue): Uint8Array {
  let member: Uint8Array = new Uint8Array(0);
  set.visitPicked(set.pick(call.random), (bytes, start, end) => {
    member = bytes.slice(start, end);
  });
  set.remove(member, 0, member.length);
  return member;
}

/** Picks those that stay, and replies the others. */
function stayers(call: Call, set: SetValue, count: number): SetValue {
  const staying = new SetValue(call.store);
  for (let left = count; left > 0; left--) {
    const member = takeOne(call, set);
    staying.add(member, 0, member.length);
  }
  set.forEachMember((bytes, start, end) => call.reply.bulk(bytes, start, end));
  return staying;
}

function srandmember(call: Call): void {
  const { args, reply, random } = call;
  if (args.count > 3) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const hasCount = args.count === 3;
  const count = hasCount ? negatableInteger(call, 2) : 1;
  if (Number.isNaN(count)) return;
  const set = readSet(call, 1);
  if (set === undefined) return;
  const put = (bytes: Uint8Array, start: number, end: number): void => reply.bulk(bytes, start, end);
  if (set === 0 || count === 0) {
    if (hasCount) reply.array(0);
    else reply.nil();
  } else if (!hasCount) set.visitPicked(set.pick(random), put);
  else if (count < 0) {
    checkRepeatedPicks(count);
    reply.array(-count);
    for (let left = -count; left > 0; left--) set.visitPicked(set.pick(random), put);
  } else {
    reply.array(Math.min(count, set.size));
    pickDistinct(
      set.size,
      count,
      () => set.pick(random),
      (picked) => set.visitPicked(picked, put),
      (visit) => set.forEachPicked(visit),
    );
  }
}

/** @throws CommandError if a negative count asks for more than is ever sent. */
export function checkRepeatedPicks(count: number): void {
  if (-count > MAX_REPEATED_PICKS) throw new CommandError("ERR value is out of range");
}

/**
 * Visits `count` different elements of `size`, or all.
 *
 * @param pick A number that stands for an element picked at random.
 * @param forEach Visits the numbers of all elements.
 */
export function pickDistinct(
  size: number,
  count: number,
  pick: () => number,
  visit: (picked: number) => void,
  forEach: (visit: (picked: number) => void) => void,
): void {
  if (count >= size) {
    forEach(visit);
    return;
  }
  // The fewer are drawn, the fewer are drawn twice: those wanted, or those left out.
  const isFew = 2 * count <= size;
  const drawn = new Set<number>();
  while (drawn.size < (isFew ? count : size - count)) drawn.add(pick());
  if (isFew) for (const picked of drawn) visit(picked);
  else {
    forEach((picked) => {
      if (!drawn.has(picked)) visit(picked);
    });
  }
}

/** Commands that pick members at random. */
export const SET_PICK_HANDLERS: Readonly<Record<string, Handler>> = { spop, srandmember };
