import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { WRONG_TYPE } from "../replies.ts";

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
  const record = db.findForWrite(args, 1);
  db.setString(args, 1, record, args.bytes, args.starts[2]!, args.ends[2]!);
  call.modified(1, "set", EventClass.string);
  reply.ok();
}

/** Commands of strings. */
export const STRING_HANDLERS: Readonly<Record<string, Handler>> = { get, set };
