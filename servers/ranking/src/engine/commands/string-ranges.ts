import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { EventClass } from "../key-events.ts";
import { checkStringBytes, editString } from "../string-edits.ts";
import { isStringOrNone, readStringOrNone } from "./string-values.ts";

function strlen(call: Call): void {
  const { args, db, reply } = call;
  const record = db.find(args, 1);
  if (!isStringOrNone(call, record)) return;
  readStringOrNone(call, record);
  reply.integer(db.valueEnd - db.valueStart);
}

function append(call: Call): void {
  const { args, db, reply, store } = call;
  const record = db.findForWrite(args, 1);
  if (!isStringOrNone(call, record)) return;
  const start = args.starts[2]!;
  const end = args.ends[2]!;
  if (record === 0) {
    db.setString(args, 1, record, args.bytes, start, end);
    call.modified(1, "append", EventClass.string);
    reply.integer(end - start);
    return;
  }
  db.readString(record);
  const length = db.valueEnd - db.valueStart;
  checkStringBytes(length + end - start);
  editString(store, db, args, 1, record, length + end - start);
  db.valueBytes.set(args.bytes.subarray(start, end), db.valueStart + length);
  call.modified(1, "append", EventClass.string);
  reply.integer(length + end - start);
}

function setrange(call: Call): void {
  const { args, db, reply, store } = call;
  const offset = call.integer(2);
  if (Number.isNaN(offset)) return;
  if (offset < 0) {
    reply.error("ERR offset is out of range");
    return;
  }
  const record = db.findForWrite(args, 1);
  if (!isStringOrNone(call, record)) return;
  readStringOrNone(call, record);
  const length = db.valueEnd - db.valueStart;
  const size = args.sizeOf(3);
  if (size === 0) {
    reply.integer(length);
    return;
  }
  checkStringBytes(offset + size);
  editString(store, db, args, 1, record, Math.max(length, offset + size));
  db.valueBytes.set(args.view(3), db.valueStart + offset);
  call.modified(1, "setrange", EventClass.string);
  reply.integer(db.valueEnd - db.valueStart);
}

function getrange(call: Call): void {
  const { args, db, reply } = call;
  const first = call.integer(2);
  if (Number.isNaN(first)) return;
  const last = call.integer(3);
  if (Number.isNaN(last)) return;
  const record = db.find(args, 1);
  if (!isStringOrNone(call, record)) return;
  readStringOrNone(call, record);
  const length = db.valueEnd - db.valueStart;
  const start = Math.max(0, first < 0 ? length + first : first);
  const end = Math.min(length - 1, Math.max(0, last < 0 ? length + last : last));
  if ((first < 0 && last < 0 && first > last) || start > end) {
    reply.bulkText("");
    return;
  }
  reply.bulk(db.valueBytes, db.valueStart + start, db.valueStart + end + 1);
}

/** Commands on parts of strings. */
export const STRING_RANGE_HANDLERS: Readonly<Record<string, Handler>> = {
  strlen,
  append,
  setrange,
  getrange,
  substr: getrange,
};
