import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { TYPE_NAMES } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { copyKey, type KeyName, moveKey } from "../key-moves.ts";
import { checkKeyBytes } from "../key-record.ts";
import { NO_SUCH_KEY, SYNTAX_ERROR } from "../replies.ts";
import { DATABASE_COUNT } from "../store.ts";
import { readDatabase, readInt32 } from "./database-arguments.ts";

const SAME_OBJECT = "ERR source and destination objects are the same";

function del(call: Call): void {
  const { args, db, reply } = call;
  let count = 0;
  for (let i = 1; i < args.count; i++) {
    const record = db.findForWrite(args, i);
    if (record === 0) continue;
    db.delete(record);
    call.modified(i, "del", EventClass.generic);
    count++;
  }
  reply.integer(count);
}

function exists({ args, db, reply }: Call): void {
  let count = 0;
  for (let i = 1; i < args.count; i++) if (db.findUnused(args, i) !== 0) count++;
  reply.integer(count);
}

function touch({ args, db, reply }: Call): void {
  let count = 0;
  for (let i = 1; i < args.count; i++) if (db.find(args, i) !== 0) count++;
  reply.integer(count);
}

function type({ args, db, reply }: Call): void {
  const record = db.findUnused(args, 1);
  reply.simple(record === 0 ? "none" : TYPE_NAMES[db.typeOf(record)]!);
}

function nameAt({ args }: Call, index: number): KeyName {
  return { bytes: args.bytes, start: args.starts[index]!, end: args.ends[index]! };
}

function isSameArgument({ args }: Call, first: number, second: number): boolean {
  const size = args.sizeOf(first);
  if (args.sizeOf(second) !== size) return false;
  const [a, b] = [args.starts[first]!, args.starts[second]!];
  for (let i = 0; i < size; i++) if (args.bytes[a + i] !== args.bytes[b + i]) return false;
  return true;
}

function renameTo(call: Call, onlyNew: boolean): void {
  const { args, db, reply, store } = call;
  const record = db.findForWrite(args, 1);
  if (record === 0) {
    reply.error(NO_SUCH_KEY);
    return;
  }
  const isSame = isSameArgument(call, 1, 2);
  if (isSame || (onlyNew && db.findForWrite(args, 2) !== 0)) {
    if (onlyNew) reply.integer(0);
    else reply.ok();
    return;
  }
  checkKeyBytes(args.sizeOf(2));
  moveKey(store, db, record, db, nameAt(call, 2));
  call.modified(1, "rename_from", EventClass.generic);
  call.modified(2, "rename_to", EventClass.generic);
  if (onlyNew) reply.integer(1);
  else reply.ok();
}

interface CopyOptions {
  database: number;
  replaces: boolean;
}

function readCopyOptions(call: Call): CopyOptions | undefined {
  const { args, reply, db } = call;
  const options: CopyOptions = { database: db.index, replaces: false };
  for (let i = 3; i < args.count; i++) {
    if (args.isWord(i, "REPLACE")) options.replaces = true;
    else if (args.isWord(i, "DB") && i + 1 < args.count) {
      options.database = readDatabase(call, ++i, undefined, "ERR DB index is out of range");
      if (options.database < 0) return undefined;
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return options;
}

function copy(call: Call): void {
  const { args, db, reply, store } = call;
  const options = readCopyOptions(call);
  if (options === undefined) return;
  const to = store.keyspaces[options.database]!;
  if (to === db && isSameArgument(call, 1, 2)) {
    reply.error(SAME_OBJECT);
    return;
  }
  if (db.find(args, 1) === 0 || (to.findForWrite(args, 2) !== 0 && !options.replaces)) {
    reply.integer(0);
    return;
  }
  checkKeyBytes(args.sizeOf(2));
  copyKey(store, db, db.peek(args.bytes, args.starts[1]!, args.ends[1]!), to, nameAt(call, 2));
  const { bytes, start, end } = nameAt(call, 2);
  call.modifiedKey(bytes, start, end, "copy_to", EventClass.generic, to.index);
  reply.integer(1);
}

function move(call: Call): void {
  const { args, db, reply, store } = call;
  const database = readDatabase(call, 2, undefined, "ERR DB index is out of range");
  if (database < 0) return;
  const to = store.keyspaces[database]!;
  if (to === db) {
    reply.error(SAME_OBJECT);
    return;
  }
  const record = db.findForWrite(args, 1);
  if (record === 0 || to.findForWrite(args, 1) !== 0) {
    reply.integer(0);
    return;
  }
  const name = nameAt(call, 1);
  moveKey(store, db, record, to, name);
  call.modified(1, "move_from", EventClass.generic);
  call.modifiedKey(name.bytes, name.start, name.end, "move_to", EventClass.generic, database);
  reply.integer(1);
}

function swapdb(call: Call): void {
  const { engine, reply, store } = call;
  const first = readInt32(call, 1, "ERR invalid first DB index");
  if (Number.isNaN(first)) return;
  const second = readInt32(call, 2, "ERR invalid second DB index");
  if (Number.isNaN(second)) return;
  if ([first, second].some((index) => index < 0 || index >= DATABASE_COUNT)) {
    reply.error("ERR DB index is out of range");
    return;
  }
  if (first !== second) {
    engine.databasesSwapped(first, second);
    store.swap(first, second);
  }
  call.dirty++;
  reply.ok();
}

/** Commands of keys as such: whatever they hold. */
export const KEY_HANDLERS: Readonly<Record<string, Handler>> = {
  del,
  unlink: del,
  exists,
  touch,
  type,
  rename: (call) => renameTo(call, false),
  renamenx: (call) => renameTo(call, true),
  copy,
  move,
  swapdb,
};
