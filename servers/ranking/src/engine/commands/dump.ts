import { DumpWriter, type RdbValue, readDump } from "../../protocol/rdb/index.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { EventClass } from "../key-events.ts";
import { checkKeyBytes } from "../key-record.ts";
import { fromRdbValue, toRdbValue } from "../rdb-values.ts";
import { SYNTAX_ERROR } from "../replies.ts";

const BAD_FORMAT = "ERR Bad data format";

function dump(call: Call): void {
  const { args, db, reply } = call;
  const record = db.find(args, 1);
  if (record === 0) {
    reply.nil();
    return;
  }
  const value = toRdbValue(db, record);
  if (value === undefined) reply.error("ERR this type of value has no form that DUMP could give");
  else reply.bulkBytes(new DumpWriter().write(value));
}

interface RestoreOptions {
  replaces: boolean;
  isAbsolute: boolean;
  idleSeconds: number;
  frequency: number;
}

function readOptions(call: Call): RestoreOptions | undefined {
  const { args, reply } = call;
  const options: RestoreOptions = { replaces: false, isAbsolute: false, idleSeconds: -1, frequency: -1 };
  for (let i = 4; i < args.count; i++) {
    const hasNext = i + 1 < args.count;
    if (args.isWord(i, "REPLACE")) options.replaces = true;
    else if (args.isWord(i, "ABSTTL")) options.isAbsolute = true;
    else if (hasNext && args.isWord(i, "IDLETIME") && options.frequency === -1) {
      options.idleSeconds = call.integer(++i);
      if (Number.isNaN(options.idleSeconds)) return undefined;
      if (options.idleSeconds >= 0) continue;
      reply.error("ERR Invalid IDLETIME value, must be >= 0");
      return undefined;
    } else if (hasNext && args.isWord(i, "FREQ") && options.idleSeconds === -1) {
      options.frequency = call.integer(++i);
      if (Number.isNaN(options.frequency)) return undefined;
      if (options.frequency >= 0 && options.frequency <= 255) continue;
      reply.error("ERR Invalid FREQ value, must be >= 0 and <= 255");
      return undefined;
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return options;
}

function restore(call: Call): void {
  const { args, db, reply } = call;
  const options = readOptions(call);
  if (options === undefined) return;
  if (!options.replaces && db.peek(args.bytes, args.starts[1]!, args.ends[1]!) !== 0) {
    reply.error("BUSYKEY Target key name already exists.");
    return;
  }
  const ttlMs = call.integer(2);
  if (Number.isNaN(ttlMs)) return;
  if (ttlMs < 0) {
    reply.error("ERR Invalid TTL value, must be >= 0");
    return;
  }
  const reading = readDump(args.view(3));
  if (reading.kind === "footer") reply.error("ERR DUMP payload version or checksum are wrong");
  else if (reading.kind === "format") reply.error(BAD_FORMAT);
  else if (reading.kind === "unkept")
    reply.error(`${BAD_FORMAT}: a value of the type ${reading.what} is not kept here`);
  else {
    checkKeyBytes(args.sizeOf(1));
    put(call, options, ttlMs, reading.value);
  }
}

function put(call: Call, options: RestoreOptions, ttlMs: number, value: RdbValue): void {
  const { args, db, reply, store } = call;
  const timeMs = ttlMs === 0 || options.isAbsolute ? ttlMs : ttlMs + call.nowMs;
  const container = value.kind === "string" ? undefined : fromRdbValue(store, value);
  if (value.kind !== "string" && container === undefined) {
    reply.error(BAD_FORMAT);
    return;
  }
  const old = db.findForWrite(args, 1);
  if (timeMs !== 0 && timeMs <= call.nowMs) {
    if (container !== undefined) store.bury(container);
    if (old !== 0) {
      db.delete(old);
      call.modified(1, "del", EventClass.generic);
    }
    reply.ok();
    return;
  }
  // Not replaced but removed and made anew: Redis tells of a new key then.
  if (old !== 0) db.delete(old);
  const record =
    value.kind === "string"
      ? db.setString(args, 1, 0, value.bytes, 0, value.bytes.length)
      : db.setContainer(args, 1, 0, container!);
  if (timeMs !== 0) db.setExpiry(record, timeMs);
  const { access } = store;
  if (access.isLfu && options.frequency >= 0) db.setAccess(record, (access.initial & ~0xff) | options.frequency);
  if (!access.isLfu && options.idleSeconds >= 0) db.setAccess(record, access.clock - options.idleSeconds);
  call.modified(1, "restore", EventClass.generic);
  reply.ok();
}

/** DUMP and RESTORE. */
export const DUMP_HANDLERS: Readonly<Record<string, Handler>> = { dump, restore };
