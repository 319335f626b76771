import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { NO_SUCH_KEY, OUT_OF_RANGE, SYNTAX_ERROR } from "../replies.ts";
import { ByteView } from "../structures/byte-view.ts";
import { indexesOf, removeIndexes } from "../structures/list-search.ts";
import { ListValue } from "../structures/list-value.ts";
import { listPosition } from "./list-positions.ts";

/** The list of a key for reading; 0 if there is none; `undefined`, and WRONGTYPE is replied, if it is something else. */
function readList(call: Call, index: number): ListValue | 0 | undefined {
  const record = call.db.find(call.args, index);
  return record === 0 ? 0 : call.container<ListValue>(record, ValueType.list);
}

function push(atHead: boolean, makesKey: boolean): Handler {
  return (call) => {
    const { args, db, reply } = call;
    const record = db.findForWrite(args, 1);
    let list = record === 0 ? undefined : call.container<ListValue>(record, ValueType.list);
    if (record !== 0 && list === undefined) return;
    if (list === undefined) {
      if (!makesKey) {
        reply.integer(0);
        return;
      }
      list = new ListValue(call.store);
      db.setContainer(args, 1, 0, list);
    }
    for (let i = 2; i < args.count; i++) list.push(atHead, args.bytes, args.starts[i]!, args.ends[i]!);
    call.modified(1, atHead ? "lpush" : "rpush", EventClass.list);
    reply.integer(list.size);
  };
}

function llen(call: Call): void {
  const list = readList(call, 1);
  if (list !== undefined) call.reply.integer(list === 0 ? 0 : list.size);
}

function lindex(call: Call): void {
  const { reply } = call;
  const list = readList(call, 1);
  if (list === undefined) return;
  if (list === 0) {
    reply.nil();
    return;
  }
  const given = call.integer(2);
  if (Number.isNaN(given)) return;
  const index = given < 0 ? given + list.size : given;
  if (index < 0 || index >= list.size) {
    reply.nil();
    return;
  }
  const element = new ByteView();
  list.read(index, element);
  reply.bulk(element.bytes, element.start, element.end);
}

function lrange(call: Call): void {
  const { reply } = call;
  const from = call.integer(2);
  if (Number.isNaN(from)) return;
  const to = call.integer(3);
  if (Number.isNaN(to)) return;
  const list = readList(call, 1);
  if (list === undefined) return;
  const size = list === 0 ? 0 : list.size;
  const first = Math.max(0, from < 0 ? from + size : from);
  const last = Math.min(size - 1, to < 0 ? to + size : to);
  const count = Math.max(0, last - first + 1);
  reply.array(count);
  if (list === 0 || count === 0) return;
  list.forEach(first, count, (bytes, start, end) => reply.bulk(bytes, start, end));
}

function lset(call: Call): void {
  const { args, db, reply } = call;
  const record = db.findForWrite(args, 1);
  if (record === 0) {
    reply.error(NO_SUCH_KEY);
    return;
  }
  const list = call.container<ListValue>(record, ValueType.list);
  if (list === undefined) return;
  const given = call.integer(2);
  if (Number.isNaN(given)) return;
  const index = given < 0 ? given + list.size : given;
  if (index < 0 || index >= list.size) {
    reply.error(OUT_OF_RANGE);
    return;
  }
  list.set(index, args.bytes, args.starts[3]!, args.ends[3]!);
  call.modified(1, "lset", EventClass.list);
  reply.ok();
}

function linsert(call: Call): void {
  const { args, db, reply } = call;
  const isAfter = args.isWord(2, "AFTER");
  if (!isAfter && !args.isWord(2, "BEFORE")) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const record = db.findForWrite(args, 1);
  if (record === 0) {
    reply.integer(0);
    return;
  }
  const list = call.container<ListValue>(record, ValueType.list);
  if (list === undefined) return;
  const [pivot] = indexesOf(list, args.bytes, args.starts[3]!, args.ends[3]!, 1, false);
  if (pivot === undefined) {
    reply.integer(-1);
    return;
  }
  const index = isAfter ? pivot + 1 : pivot;
  if (index === list.size) list.push(false, args.bytes, args.starts[4]!, args.ends[4]!);
  else list.insert(index, args.bytes, args.starts[4]!, args.ends[4]!);
  call.modified(1, "linsert", EventClass.list);
  reply.integer(list.size);
}

function lrem(call: Call): void {
  const { args, db, reply } = call;
  const count = call.integer(2);
  if (Number.isNaN(count)) return;
  const record = db.findForWrite(args, 1);
  if (record === 0) {
    reply.integer(0);
    return;
  }
  const list = call.container<ListValue>(record, ValueType.list);
  if (list === undefined) return;
  const limit = count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count);
  const found = indexesOf(list, args.bytes, args.starts[3]!, args.ends[3]!, limit, count < 0);
  removeIndexes(call.store, list, count < 0 ? found.toReversed() : found);
  if (found.length > 0) {
    if (list.size === 0) db.delete(record);
    call.modified(1, "lrem", EventClass.list);
    if (list.size === 0) call.notify(1, "del", EventClass.generic);
  }
  reply.integer(found.length);
}

function ltrim(call: Call): void {
  const { args, db, reply } = call;
  const from = call.integer(2);
  if (Number.isNaN(from)) return;
  const to = call.integer(3);
  if (Number.isNaN(to)) return;
  const record = db.findForWrite(args, 1);
  if (record === 0) {
    reply.ok();
    return;
  }
  const list = call.container<ListValue>(record, ValueType.list);
  if (list === undefined) return;
  const { size } = list;
  const first = Math.max(0, from < 0 ? from + size : from);
  const last = Math.min(size - 1, to < 0 ? to + size : to);
  const isEmpty = first > last;
  if (isEmpty) db.delete(record);
  else {
    list.dropTail(size - 1 - last);
    list.dropHead(first);
  }
  call.modified(1, "ltrim", EventClass.list);
  if (isEmpty) call.notify(1, "del", EventClass.generic);
  reply.ok();
}

/** Commands that read and change a list in place. */
export const LIST_HANDLERS: Readonly<Record<string, Handler>> = {
  lpush: push(true, true),
  rpush: push(false, true),
  lpushx: push(true, false),
  rpushx: push(false, false),
  llen,
  lindex,
  lrange,
  lset,
  linsert,
  lrem,
  ltrim,
  lpos: (call) => listPosition(call, readList),
};
