import { parseInt64, parseInteger } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { EventClass } from "../key-events.ts";
import { addLongDouble, isLongDouble } from "../long-double.ts";
import { NOT_A_FLOAT, NOT_AN_INTEGER } from "../replies.ts";
import { markText } from "../string-edits.ts";
import { isStringOrNone } from "./string-values.ts";

const MAX_INT64 = 0x7fff_ffff_ffff_ffffn;
const MIN_INT64 = -MAX_INT64 - 1n;
const MAX_DIGITS = 20;

function latinOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

function bytesOfText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Writes a safe whole number so that it ends where `into` ends. Returns where it begins. */
function writeDigits(into: Uint8Array, value: number): number {
  let rest = Math.abs(value);
  let at = into.length;
  do {
    const next = Math.floor(rest / 10);
    into[--at] = 48 + rest - 10 * next;
    rest = next;
  } while (rest > 0);
  if (value < 0) into[--at] = 45;
  return at;
}

/** Adds to the number that the key holds. `isNegated` subtracts; the step is given by argument `index`, or 1 if that is 0. */
function add(call: Call, isNegated: boolean, index: number): void {
  const { args, db, reply } = call;
  const given = index === 0 ? 1 : call.integer(index);
  if (Number.isNaN(given)) return;
  if (isNegated && given <= -(2 ** 63) && int64Of(args.bytes, args.starts[index]!, args.ends[index]!) === MIN_INT64) {
    reply.error("ERR decrement would overflow");
    return;
  }
  const record = db.findForWrite(args, 1);
  if (!isStringOrNone(call, record)) return;
  let old = 0;
  if (record !== 0) {
    db.readString(record);
    old = parseInteger(db.valueBytes, db.valueStart, db.valueEnd);
    if (Number.isNaN(old)) {
      reply.error(NOT_AN_INTEGER);
      return;
    }
  }
  const value = isNegated ? old - given : old + given;
  if (!Number.isSafeInteger(old) || !Number.isSafeInteger(given) || !Number.isSafeInteger(value)) {
    addBig(call, record, isNegated, index);
    return;
  }
  const digits = new Uint8Array(MAX_DIGITS);
  db.setString(args, 1, record, digits, writeDigits(digits, value), MAX_DIGITS, true);
  call.modified(1, "incrby", EventClass.string);
  reply.integer(value);
}

function addBig(call: Call, record: number, isNegated: boolean, index: number): void {
  const { args, db, reply } = call;
  const old = record === 0 ? 0n : int64Of(db.valueBytes, db.valueStart, db.valueEnd);
  const given = index === 0 ? 1n : int64Of(args.bytes, args.starts[index]!, args.ends[index]!);
  const value = isNegated ? old - given : old + given;
  if (value > MAX_INT64 || value < MIN_INT64) {
    reply.error("ERR increment or decrement would overflow");
    return;
  }
  const digits = bytesOfText(value.toString());
  db.setString(args, 1, record, digits, 0, digits.length, true);
  call.modified(1, "incrby", EventClass.string);
  reply.bigInteger(value);
}

function int64Of(bytes: Uint8Array, start: number, end: number): bigint {
  return parseInt64(bytes, start, end)!;
}

function incrbyfloat(call: Call): void {
  const { args, db, reply, store } = call;
  const record = db.findForWrite(args, 1);
  if (!isStringOrNone(call, record)) return;
  let old = "0";
  if (record !== 0) {
    db.readString(record);
    old = latinOf(db.valueBytes, db.valueStart, db.valueEnd);
  }
  const step = args.text(2);
  if (!isLongDouble(old) || !isLongDouble(step)) {
    reply.error(NOT_A_FLOAT);
    return;
  }
  const sum = addLongDouble(old, step);
  if (sum === undefined) {
    reply.error("ERR increment would produce NaN or Infinity");
    return;
  }
  const bytes = bytesOfText(sum);
  markText(store, db.setString(args, 1, record, bytes, 0, bytes.length, true));
  call.modified(1, "incrbyfloat", EventClass.string);
  reply.bulkText(sum);
}

/** Commands that count in strings. */
export const STRING_NUMBER_HANDLERS: Readonly<Record<string, Handler>> = {
  incr: (call) => add(call, false, 0),
  decr: (call) => add(call, true, 0),
  incrby: (call) => add(call, false, 2),
  decrby: (call) => add(call, true, 2),
  incrbyfloat,
};
