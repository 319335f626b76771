import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { TYPE_NAMES } from "../container.ts";
import { matchesGlob } from "../glob.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { readCursor } from "./scan-arguments.ts";

function keys({ args, db, reply }: Call): void {
  const { bytes } = args;
  const start = args.starts[1]!;
  const end = args.ends[1]!;
  const isAll = end - start === 1 && bytes[start] === 42;
  const found: number[] = [];
  db.forEachRecord((record) => {
    const key = db.keyOf(record);
    if (isAll || matchesGlob(bytes, start, end, key, 0, key.length, false)) found.push(record);
  });
  reply.array(found.length);
  for (const record of found) reply.bulkBytes(db.keyOf(record));
}

interface ScanOptions {
  count: number;
  /** Argument that is the pattern, or 0. */
  patternIndex: number;
  type: string | undefined;
}

function readScanOptions(call: Call): ScanOptions | undefined {
  const { args, reply } = call;
  const options: ScanOptions = { count: 10, patternIndex: 0, type: undefined };
  for (let i = 2; i < args.count; i += 2) {
    const hasNext = i + 1 < args.count;
    if (hasNext && args.isWord(i, "COUNT")) {
      options.count = call.integer(i + 1);
      if (Number.isNaN(options.count)) return undefined;
      if (options.count >= 1) continue;
    } else if (hasNext && args.isWord(i, "MATCH")) {
      // An empty key matches no pattern, but `*` is not looked at.
      options.patternIndex = args.isWord(i + 1, "*") ? 0 : i + 1;
      continue;
    } else if (hasNext && args.isWord(i, "TYPE")) {
      options.type = args.text(i + 1).toLowerCase();
      continue;
    }
    reply.error(SYNTAX_ERROR);
    return undefined;
  }
  return options;
}

function scan(call: Call): void {
  const { args, db, reply } = call;
  const cursor = readCursor(call, 1);
  if (cursor === undefined) return;
  const options = readScanOptions(call);
  if (options === undefined) return;
  const { count, patternIndex, type } = options;
  const found: number[] = [];
  const next = db.scan(cursor, count, (record) => {
    if (type !== undefined && TYPE_NAMES[db.typeOf(record)] !== type) return;
    if (patternIndex > 0) {
      const key = db.keyOf(record);
      const start = args.starts[patternIndex]!;
      if (!matchesGlob(args.bytes, start, args.ends[patternIndex]!, key, 0, key.length, false)) return;
    }
    found.push(record);
  });
  reply.array(2);
  reply.bulkInteger(next);
  reply.array(found.length);
  for (const record of found) reply.bulkBytes(db.keyOf(record));
}

function randomkey({ db, random, reply }: Call): void {
  const record = db.pick(() => random.next());
  if (record === 0) reply.nil();
  else reply.bulkBytes(db.keyOf(record));
}

function dbsize({ db, reply }: Call): void {
  reply.integer(db.size);
}

/** Whether the argument behind the name, if there is one, is ASYNC or SYNC; else the error is replied. */
function isFlushRight({ args, reply }: Call): boolean {
  if (args.count === 1) return true;
  if (args.count === 2 && (args.isWord(1, "ASYNC") || args.isWord(1, "SYNC"))) return true;
  reply.error(SYNTAX_ERROR);
  return false;
}

function flushdb(call: Call): void {
  if (!isFlushRight(call)) return;
  flush(call, call.db.index);
  call.reply.ok();
}

function flushall(call: Call): void {
  if (!isFlushRight(call)) return;
  for (const { index } of call.store.keyspaces) flush(call, index);
  call.reply.ok();
}

function flush(call: Call, index: number): void {
  const db = call.store.keyspaces[index]!;
  if (db.size === 0) return;
  call.engine.databaseFlushed(index);
  call.dirty += db.size;
  db.clear();
}

/** Commands on all keys of a database. */
export const KEY_SCAN_HANDLERS: Readonly<Record<string, Handler>> = {
  keys,
  scan,
  randomkey,
  dbsize,
  flushdb,
  flushall,
};
