import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { readTimeMs, type TimeForm } from "../expiry-times.ts";
import { EventClass } from "../key-events.ts";
import { checkKeyBytes } from "../key-record.ts";
import { WRONG_TYPE } from "../replies.ts";
import { replyString } from "./string-values.ts";
import { hasAbsoluteTime, optionTimeMs, readValueOptions, type ValueOptions } from "./value-options.ts";

function get({ args, db, reply }: Call): void {
  const record = db.find(args, 1);
  if (record === 0) {
    reply.nil();
    return;
  }
  if (db.typeOf(record) !== ValueType.string) {
    reply.error(WRONG_TYPE);
    return;
  }
  db.readString(record);
  reply.bulk(db.valueBytes, db.valueStart, db.valueEnd);
}

function set(call: Call): void {
  const { args, db, reply } = call;
  if (args.count > 3) {
    const options = readValueOptions(call, 3, true);
    if (options !== undefined) setWithOptions(call, options);
    return;
  }
  const record = db.findForWrite(args, 1);
  db.setString(args, 1, record, args.bytes, args.starts[2]!, args.ends[2]!);
  call.modified(1, "set", EventClass.string);
  reply.ok();
}

function setWithOptions(call: Call, options: ValueOptions): void {
  const { args, db, reply } = call;
  const timeMs = optionTimeMs(call, options);
  if (timeMs === undefined) return;
  if (options.repliesOld && !replyString(call, db.find(args, 1))) return;
  const record = db.findForWrite(args, 1);
  if ((options.onlyNew && record !== 0) || (options.onlyOld && record === 0)) {
    if (!options.repliesOld) reply.nil();
    return;
  }
  const next = db.setString(args, 1, record, args.bytes, args.starts[2]!, args.ends[2]!, options.keepsExpiry);
  if (timeMs !== -1) db.setExpiry(next, timeMs);
  call.modified(1, "set", EventClass.string);
  if (timeMs !== -1) call.notify(1, "expire", EventClass.generic);
  if (!options.repliesOld) reply.ok();
}

function setnx(call: Call): void {
  const { args, db, reply } = call;
  const record = db.findForWrite(args, 1);
  if (record !== 0) {
    reply.integer(0);
    return;
  }
  db.setString(args, 1, record, args.bytes, args.starts[2]!, args.ends[2]!);
  call.modified(1, "set", EventClass.string);
  reply.integer(1);
}

function setWithTime(call: Call, form: TimeForm): void {
  const { args, db, reply } = call;
  const timeMs = readTimeMs(call, 2, form, false);
  if (timeMs === undefined) return;
  const record = db.findForWrite(args, 1);
  const next = db.setString(args, 1, record, args.bytes, args.starts[3]!, args.ends[3]!);
  db.setExpiry(next, timeMs);
  call.modified(1, "set", EventClass.string);
  call.notify(1, "expire", EventClass.generic);
  reply.ok();
}

const SECONDS: TimeForm = { isSeconds: true, isRelative: true };
const MILLISECONDS: TimeForm = { isSeconds: false, isRelative: true };

function getset(call: Call): void {
  const { args, db } = call;
  if (!replyString(call, db.find(args, 1))) return;
  const record = db.findForWrite(args, 1);
  db.setString(args, 1, record, args.bytes, args.starts[2]!, args.ends[2]!);
  call.modified(1, "set", EventClass.string);
}

function getdel(call: Call): void {
  const { args, db } = call;
  const record = db.find(args, 1);
  if (!replyString(call, record) || record === 0) return;
  db.delete(record);
  call.modified(1, "del", EventClass.generic);
}

function getex(call: Call): void {
  const { args, db, reply } = call;
  const options = readValueOptions(call, 2, false);
  if (options === undefined) return;
  const record = db.find(args, 1);
  if (record === 0 || db.typeOf(record) !== ValueType.string) {
    replyString(call, record);
    return;
  }
  const timeMs = optionTimeMs(call, options);
  if (timeMs === undefined) return;
  db.readString(record);
  reply.bulk(db.valueBytes, db.valueStart, db.valueEnd);
  if (hasAbsoluteTime(options) && timeMs <= call.nowMs) {
    db.delete(record);
    call.modified(1, "del", EventClass.generic);
  } else if (timeMs !== -1) {
    db.setExpiry(record, timeMs);
    call.modified(1, "expire", EventClass.generic);
  } else if (options.persists && db.clearExpiry(record)) call.modified(1, "persist", EventClass.generic);
}

function mget({ args, db, reply }: Call): void {
  reply.array(args.count - 1);
  for (let i = 1; i < args.count; i++) {
    const record = db.find(args, i);
    if (record === 0 || db.typeOf(record) !== ValueType.string) reply.nil();
    else {
      db.readString(record);
      reply.bulk(db.valueBytes, db.valueStart, db.valueEnd);
    }
  }
}

/** Whether the keys and values are pairs; else the error is replied. */
function hasPairs({ args, reply, command }: Call): boolean {
  if (args.count % 2 === 0) {
    reply.error(`ERR wrong number of arguments for '${command.name}' command`);
    return false;
  }
  for (let i = 1; i < args.count; i += 2) checkKeyBytes(args.sizeOf(i));
  return true;
}

function setPairs(call: Call): void {
  const { args, db } = call;
  for (let i = 1; i < args.count; i += 2) {
    const record = db.findForWrite(args, i);
    db.setString(args, i, record, args.bytes, args.starts[i + 1]!, args.ends[i + 1]!);
    call.modified(i, "set", EventClass.string);
  }
}

function mset(call: Call): void {
  if (!hasPairs(call)) return;
  setPairs(call);
  call.reply.ok();
}

function msetnx(call: Call): void {
  const { args, db, reply } = call;
  if (!hasPairs(call)) return;
  for (let i = 1; i < args.count; i += 2) {
    if (db.findForWrite(args, i) === 0) continue;
    reply.integer(0);
    return;
  }
  setPairs(call);
  reply.integer(1);
}

/** Commands that get and set whole strings. */
export const STRING_HANDLERS: Readonly<Record<string, Handler>> = {
  get,
  set,
  setnx,
  setex: (call) => setWithTime(call, SECONDS),
  psetex: (call) => setWithTime(call, MILLISECONDS),
  getset,
  getdel,
  getex,
  mget,
  mset,
  msetnx,
};
