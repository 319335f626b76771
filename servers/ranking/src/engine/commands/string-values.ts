import type { Call } from "../call.ts";
import { ValueType } from "../container.ts";
import { WRONG_TYPE } from "../replies.ts";

/**
 * Whether the record holds a string or is none (0); else WRONGTYPE is replied.
 */
export function isStringOrNone(call: Call, record: number): boolean {
  if (record === 0 || call.db.typeOf(record) === ValueType.string) return true;
  call.reply.error(WRONG_TYPE);
  return false;
}

/** Replies the record's string, or nil if the record is 0. Returns false, and WRONGTYPE is replied, if it is no string. */
export function replyString(call: Call, record: number): boolean {
  const { db, reply } = call;
  if (!isStringOrNone(call, record)) return false;
  if (record === 0) reply.nil();
  else {
    db.readString(record);
    reply.bulk(db.valueBytes, db.valueStart, db.valueEnd);
  }
  return true;
}

/** Puts the record's string, or an empty one if the record is 0, into `db.valueBytes` and its neighbours. */
export function readStringOrNone({ db }: Call, record: number): void {
  if (record !== 0) db.readString(record);
  else {
    db.valueStart = 0;
    db.valueEnd = 0;
  }
}
