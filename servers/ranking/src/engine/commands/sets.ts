import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { checkKeyBytes } from "../key-record.ts";
import { checkMemberLength, SetValue } from "../structures/set-value.ts";
import { scanCollection } from "./collection-scan.ts";

/** The set of a key for reading; 0 if there is none; `undefined`, and WRONGTYPE is replied, if it is something else. */
export function readSet(call: Call, index: number): SetValue | 0 | undefined {
  const record = call.db.find(call.args, index);
  return record === 0 ? 0 : call.container<SetValue>(record, ValueType.set);
}

function sadd(call: Call): void {
  const { args, db, reply } = call;
  const record = db.findForWrite(args, 1);
  let set = record === 0 ? undefined : call.container<SetValue>(record, ValueType.set);
  if (record !== 0 && set === undefined) return;
  for (let i = 2; i < args.count; i++) checkMemberLength(args.sizeOf(i));
  if (set === undefined) {
    set = new SetValue(call.store);
    db.setContainer(args, 1, 0, set);
  }
  let added = 0;
  for (let i = 2; i < args.count; i++) if (set.add(args.bytes, args.starts[i]!, args.ends[i]!)) added++;
  if (added > 0) call.modified(1, "sadd", EventClass.set);
  reply.integer(added);
}

function srem(call: Call): void {
  const { args, db, reply } = call;
  const record = db.findForWrite(args, 1);
  if (record === 0) {
    reply.integer(0);
    return;
  }
  const set = call.container<SetValue>(record, ValueType.set);
  if (set === undefined) return;
  let removed = 0;
  for (let i = 2; i < args.count; i++) if (set.remove(args.bytes, args.starts[i]!, args.ends[i]!)) removed++;
  if (removed > 0) {
    if (set.size === 0) db.delete(record);
    call.modified(1, "srem", EventClass.set);
    if (set.size === 0) call.notify(1, "del", EventClass.generic);
  }
  reply.integer(removed);
}

function sismember(call: Call): void {
  const { args, reply } = call;
  const set = readSet(call, 1);
  if (set !== undefined) reply.integer(set !== 0 && set.has(args.bytes, args.starts[2]!, args.ends[2]!) ? 1 : 0);
}

function smismember(call: Call): void {
  const { args, reply } = call;
  const set = readSet(call, 1);
  if (set === undefined) return;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    reply.integer(set !== 0 && set.has(args.bytes, args.starts[i]!, args.ends[i]!) ? 1 : 0);
  }
}

function scard(call: Call): void {
  const set = readSet(call, 1);
  if (set !== undefined) call.reply.integer(set === 0 ? 0 : set.size);
}

function smembers(call: Call): void {
  const { reply } = call;
  const set = readSet(call, 1);
  if (set === undefined) return;
  reply.set(set === 0 ? 0 : set.size);
  if (set !== 0) set.forEachMember((bytes, start, end) => reply.bulk(bytes, start, end));
}

function smove(call: Call): void {
  const { args, db, reply } = call;
  const start = args.starts[3]!;
  const end = args.ends[3]!;
  const source = db.findForWrite(args, 1);
  const target = db.findForWrite(args, 2);
  if (source === 0) {
    reply.integer(0);
    return;
  }
  const from = call.container<SetValue>(source, ValueType.set);
  if (from === undefined) return;
  let to = target === 0 ? undefined : call.container<SetValue>(target, ValueType.set);
  if (target !== 0 && to === undefined) return;
  if (from === to || !from.has(args.bytes, start, end)) {
    reply.integer(from.has(args.bytes, start, end) ? 1 : 0);
    return;
  }
  if (to === undefined) checkKeyBytes(args.sizeOf(2));
  from.remove(args.bytes, start, end);
  const isEmpty = from.size === 0;
  if (isEmpty) db.delete(source);
  call.modified(1, "srem", EventClass.set);
  if (isEmpty) call.notify(1, "del", EventClass.generic);
  // Made only now, as Redis tells of a new key behind what happened to the old one.
  if (to === undefined) {
    to = new SetValue(call.store);
    db.setContainer(args, 2, db.findForWrite(args, 2), to);
  }
  const isAdded = to.add(args.bytes, start, end);
  if (isAdded) call.modified(2, "sadd", EventClass.set);
  reply.integer(1);
}

function sscan(call: Call): void {
  scanCollection<SetValue>(call, ValueType.set, (set, cursor, options) => {
    const found: Uint8Array[] = [];
    const next = set.scan(cursor, options.count, (bytes, start, end) => {
      if (options.matches(bytes, start, end)) found.push(bytes.slice(start, end));
    });
    const put = (): void => {
      for (const member of found) call.reply.bulkBytes(member);
    };
    return { next, count: found.length, put };
  });
}

/** Commands of one set. */
export const SET_HANDLERS: Readonly<Record<string, Handler>> = {
  sadd,
  srem,
  sismember,
  smismember,
  scard,
  smembers,
  smove,
  sscan,
};
