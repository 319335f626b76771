import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import {
  countHyperLogLog,
  countHyperLogLogs,
  HLL_CORRUPTED_ERROR,
  HLL_WRONG_TYPE_ERROR,
  HllEditor,
  mergeHyperLogLogs,
} from "../hyperloglog.ts";
import { isHyperLogLog } from "../hyperloglog-registers.ts";
import { EventClass } from "../key-events.ts";
import { MAX_INLINE_BYTES } from "../key-record.ts";
import { WRONG_TYPE } from "../replies.ts";
import { isStringOrNone } from "./string-values.ts";

/** The record's string where it is; `undefined` if the record is 0. */
function stringAt({ db }: Call, record: number): Uint8Array | undefined {
  if (record === 0) return undefined;
  db.readString(record);
  return db.valueBytes.subarray(db.valueStart, db.valueEnd);
}

/** Makes what the editor has the value of the key, unless it is already. */
function storeEdited(call: Call, index: number, record: number, editor: HllEditor): void {
  const { args, db } = call;
  const { bytes } = editor;
  const old = stringAt(call, record);
  const isInPlace = old !== undefined && old.buffer === bytes.buffer && old.byteOffset === bytes.byteOffset;
  if (isInPlace && old.length === bytes.length) return;
  const start = args.starts[index]!;
  const end = args.ends[index]!;
  if (bytes.length > MAX_INLINE_BYTES) db.setBytesAt(args.bytes, start, end, record, bytes.slice(), true, true);
  else db.setString(args, index, record, bytes, 0, bytes.length, true, true);
}

function pfadd(call: Call): void {
  const { args, db, reply } = call;
  const record = db.findForWrite(args, 1);
  if (!isStringOrNone(call, record)) return;
  const editor = new HllEditor();
  if (!editor.open(stringAt(call, record))) {
    reply.error(HLL_WRONG_TYPE_ERROR);
    return;
  }
  let isChanged = record === 0;
  for (let i = 2; i < args.count; i++) {
    const change = editor.add(args.bytes, args.starts[i]!, args.ends[i]!);
    if (change < 0) {
      reply.error(HLL_CORRUPTED_ERROR);
      return;
    }
    if (change > 0) isChanged = true;
  }
  if (isChanged) {
    editor.forgetCount();
    storeEdited(call, 1, record, editor);
    call.modified(1, "pfadd", EventClass.string);
  }
  reply.integer(isChanged ? 1 : 0);
}

/**
 * The strings of the keys from argument `first` on; `undefined`, and the error is replied, if one is no HyperLogLog. Of
 * several faults that of the first key counts, so a damaged one before it goes first.
 */
function valuesFrom(call: Call, first: number): (Uint8Array | undefined)[] | undefined {
  const { args, db, reply } = call;
  const values: (Uint8Array | undefined)[] = [];
  for (let i = first; i < args.count; i++) {
    const record = db.find(args, i);
    const isString = record === 0 || db.typeOf(record) === ValueType.string;
    const value = isString ? stringAt(call, record) : undefined;
    if (isString && (value === undefined || isHyperLogLog(value))) {
      values.push(value);
      continue;
    }
    const before = countHyperLogLogs(values);
    reply.error("error" in before ? before.error : isString ? HLL_WRONG_TYPE_ERROR : WRONG_TYPE);
    return undefined;
  }
  return values;
}

function pfcount(call: Call): void {
  const { args, reply } = call;
  const values = valuesFrom(call, 1);
  if (values === undefined) return;
  const [only] = values;
  if (args.count > 2) {
    const counted = countHyperLogLogs(values);
    if ("error" in counted) reply.error(counted.error);
    else reply.integer(counted.count);
    return;
  }
  // The count is kept in the value, or in a copy that is dropped.
  const value = only === undefined || call.mayTidy ? only : new Uint8Array(only);
  const counted = value === undefined ? { count: 0, hasChanged: false } : countHyperLogLog(value);
  if ("error" in counted) {
    reply.error(counted.error);
    return;
  }
  // Redis takes it for a change.
  if (counted.hasChanged && call.mayTidy) call.modified(1, "", 0);
  reply.integer(counted.count);
}

function pfmerge(call: Call): void {
  const { args, db, reply } = call;
  const values = valuesFrom(call, 1);
  if (values === undefined) return;
  const editor = new HllEditor();
  const error = mergeHyperLogLogs(editor, values as [Uint8Array | undefined, ...(Uint8Array | undefined)[]]);
  if (error !== undefined) {
    reply.error(error);
    return;
  }
  storeEdited(call, 1, db.findForWrite(args, 1), editor);
  call.modified(1, "pfadd", EventClass.string);
  reply.ok();
}

/** Commands of HyperLogLogs. */
export const HYPER_LOG_LOG_HANDLERS: Readonly<Record<string, Handler>> = { pfadd, pfcount, pfmerge };
