import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { ByteView } from "../structures/byte-view.ts";
import { ListValue } from "../structures/list-value.ts";
import { wrongArity } from "../unknown-command.ts";
import { countFrom, integerFrom } from "./ranges.ts";

/** The end of a list that is its head. */
export const LEFT = true;
/** The end of a list that is its tail. */
export const RIGHT = false;

/** What `tryPop` and its siblings did: nothing as there was no element, or they have replied. */
export const TryResult = { empty: 0, replied: 1 } as const;
export type TryResultCode = (typeof TryResult)[keyof typeof TryResult];

/**
 * BLPOP and BRPOP once: takes an element from the key in argument `index` and replies key and element.
 *
 * @returns `empty`, and nothing is replied, if there is no list; WRONGTYPE counts as a reply.
 */
export function tryPop(call: Call, index: number, end: boolean): TryResultCode {
  const { args, db, reply } = call;
  const record = db.findForWrite(args, index);
  if (record === 0) return TryResult.empty;
  const list = call.container<ListValue>(record, ValueType.list);
  if (list === undefined) return TryResult.replied;
  reply.array(2);
  reply.bulk(args.bytes, args.starts[index]!, args.ends[index]!);
  popReplied(call, index, record, list, end, 1);
  return TryResult.replied;
}

/**
 * BLMPOP once, and LMPOP: takes up to `count` elements of the key in argument `index` and replies key and elements.
 *
 * @returns As {@link tryPop}.
 */
function tryPopMany(call: Call, index: number, end: boolean, count: number): TryResultCode {
  const { args, db, reply } = call;
  const record = db.findForWrite(args, index);
  if (record === 0) return TryResult.empty;
  const list = call.container<ListValue>(record, ValueType.list);
  if (list === undefined) return TryResult.replied;
  const taken = Math.min(count, list.size);
  reply.array(2);
  reply.bulk(args.bytes, args.starts[index]!, args.ends[index]!);
  reply.array(taken);
  popReplied(call, index, record, list, end, taken);
  return TryResult.replied;
}

/**
 * LMOVE, and BLMOVE once: moves an element of the key in argument 1 to that in argument 2 and replies it.
 *
 * @returns As {@link tryPop}.
 */
export function tryMove(call: Call, from: boolean, to: boolean): TryResultCode {
  const { args, db, reply } = call;
  const source = db.findForWrite(args, 1);
  if (source === 0) return TryResult.empty;
  const list = call.container<ListValue>(source, ValueType.list);
  if (list === undefined) return TryResult.replied;
  const target = db.findForWrite(args, 2);
  let other = target === 0 ? undefined : call.container<ListValue>(target, ValueType.list);
  if (target !== 0 && other === undefined) return TryResult.replied;
  if (other === undefined) {
    other = new ListValue(call.store);
    db.setContainer(args, 2, 0, other);
  }
  const element = new ByteView();
  list.readEnd(from, element);
  const moved = element.copy();
  list.pop(from);
  other.push(to, moved, 0, moved.length);
  const isEmpty = list.size === 0;
  if (isEmpty) db.delete(source);
  call.modified(2, to ? "lpush" : "rpush", EventClass.list);
  call.modified(1, from ? "lpop" : "rpop", EventClass.list);
  if (isEmpty) call.notify(1, "del", EventClass.generic);
  reply.bulkBytes(moved);
  return TryResult.replied;
}

/** Replies `count` elements from an end, one after the other, and removes them, and the key with the last of all. */
function popReplied(call: Call, index: number, record: number, list: ListValue, end: boolean, count: number): void {
  const { db, reply } = call;
  if (end === LEFT) {
    list.forEach(0, count, (bytes, start, stop) => reply.bulk(bytes, start, stop));
    list.dropHead(count);
  } else {
    const element = new ByteView();
    for (let left = count; left > 0; left--) {
      list.readEnd(RIGHT, element);
      reply.bulk(element.bytes, element.start, element.end);
      list.pop(RIGHT);
    }
  }
  const isEmpty = list.size === 0;
  if (isEmpty) db.delete(record);
  call.modified(index, end ? "lpop" : "rpop", EventClass.list);
  if (isEmpty) call.notify(index, "del", EventClass.generic);
}

function pop(end: boolean): Handler {
  return (call) => {
    const { args, db, reply } = call;
    if (args.count > 3) {
      reply.error(wrongArity(call.command));
      return;
    }
    const hasCount = args.count === 3;
    const count = hasCount ? countFrom(call, 2) : 1;
    if (Number.isNaN(count)) return;
    const record = db.findForWrite(args, 1);
    if (record === 0) {
      if (hasCount) reply.nilArray();
      else reply.nil();
      return;
    }
    const list = call.container<ListValue>(record, ValueType.list);
    if (list === undefined) return;
    const taken = Math.min(count, list.size);
    if (hasCount) reply.array(taken);
    if (taken > 0) popReplied(call, 1, record, list, end, taken);
  };
}

/** The end that argument `index` names; `undefined`, and the error is replied, if it names none. */
export function readEnd(call: Call, index: number): boolean | undefined {
  if (call.args.isWord(index, "LEFT")) return LEFT;
  if (call.args.isWord(index, "RIGHT")) return RIGHT;
  call.reply.error(SYNTAX_ERROR);
  return undefined;
}

function lmove(call: Call): void {
  const from = readEnd(call, 3);
  if (from === undefined) return;
  const to = readEnd(call, 4);
  if (to !== undefined && tryMove(call, from, to) === TryResult.empty) call.reply.nil();
}

function rpoplpush(call: Call): void {
  if (tryMove(call, RIGHT, LEFT) === TryResult.empty) call.reply.nil();
}

/** What LMPOP and BLMPOP are told. */
export interface MultiPop {
  readonly firstKey: number;
  readonly lastKey: number;
  readonly end: boolean;
  readonly count: number;
}

/** Reads `numkeys key... LEFT|RIGHT [COUNT n]` from argument `first` on; `undefined`, and the error is replied. */
export function readMultiPop(call: Call, first: number): MultiPop | undefined {
  const { args, reply } = call;
  const keyCount = integerFrom(call, first, 1, "ERR numkeys should be greater than 0");
  if (Number.isNaN(keyCount)) return undefined;
  const where = first + keyCount + 1;
  if (where >= args.count) {
    reply.error(SYNTAX_ERROR);
    return undefined;
  }
  const end = readEnd(call, where);
  if (end === undefined) return undefined;
  let count = 1;
  if (args.count > where + 1) {
    if (args.count < where + 3 || !args.isWord(where + 1, "COUNT")) {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
    count = integerFrom(call, where + 2, 1, "ERR count should be greater than 0");
    if (Number.isNaN(count)) return undefined;
    if (args.count > where + 3) {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return { firstKey: first + 1, lastKey: where - 1, end, count };
}

/** Takes from the first key that has any. @returns As {@link tryPop}. */
export function tryMultiPop(call: Call, { firstKey, lastKey, end, count }: MultiPop): TryResultCode {
  for (let index = firstKey; index <= lastKey; index++) {
    if (tryPopMany(call, index, end, count) === TryResult.replied) return TryResult.replied;
  }
  return TryResult.empty;
}

function lmpop(call: Call): void {
  const pops = readMultiPop(call, 1);
  if (pops !== undefined && tryMultiPop(call, pops) === TryResult.empty) call.reply.nilArray();
}

/** Commands that take elements out of lists. */
export const LIST_MOVE_HANDLERS: Readonly<Record<string, Handler>> = {
  lpop: pop(LEFT),
  rpop: pop(RIGHT),
  lmove,
  rpoplpush,
  lmpop,
};
