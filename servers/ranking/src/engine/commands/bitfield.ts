import { parseInt64 } from "../../protocol/numbers.ts";
import { readField, writeField } from "../bits.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { EventClass } from "../key-events.ts";
import { NOT_AN_INTEGER, SYNTAX_ERROR } from "../replies.ts";
import { editString } from "../string-edits.ts";
import { readBitOffset } from "./bit-arguments.ts";
import { isStringOrNone, readStringOrNone } from "./string-values.ts";

type Overflow = "WRAP" | "SAT" | "FAIL";
type FieldAction = "GET" | "SET" | "INCRBY";

interface FieldType {
  readonly isSigned: boolean;
  readonly bits: number;
}

/** One thing to do to one field. */
interface FieldOperation extends FieldType {
  readonly action: FieldAction;
  readonly place: number;
  readonly operand: bigint;
  readonly overflow: Overflow;
}

const OVERFLOWS: readonly Overflow[] = ["WRAP", "SAT", "FAIL"];
const ACTIONS: readonly FieldAction[] = ["GET", "SET", "INCRBY"];
const LOWER_I = 105;
const LOWER_U = 117;

/** The type in argument `index`; `undefined`, and the error is replied, if it is none. */
function readType({ args, reply }: Call, index: number): FieldType | undefined {
  const start = args.starts[index]!;
  const sign = args.sizeOf(index) === 0 ? 0 : args.bytes[start]!;
  const bits = Number(parseInt64(args.bytes, start + 1, args.ends[index]!) ?? 0n);
  const isKnown = sign === LOWER_I || sign === LOWER_U;
  if (isKnown && bits >= 1 && bits <= (sign === LOWER_I ? 64 : 63)) return { isSigned: sign === LOWER_I, bits };
  reply.error("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");
  return undefined;
}

function readOperations(call: Call): FieldOperation[] | undefined {
  const { args, reply } = call;
  const operations: FieldOperation[] = [];
  let overflow: Overflow = "WRAP";
  for (let i = 2; i < args.count; i++) {
    const left = args.count - i - 1;
    const action = ACTIONS.find((name) => args.isWord(i, name));
    if (args.isWord(i, "OVERFLOW") && left >= 1) {
      const kind = OVERFLOWS.find((name) => args.isWord(i + 1, name));
      if (kind === undefined) {
        reply.error("ERR Invalid OVERFLOW type specified");
        return undefined;
      }
      overflow = kind;
      i++;
      continue;
    }
    if (action === undefined || left < (action === "GET" ? 2 : 3)) {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
    const operation = readOperation(call, i, action, overflow);
    if (operation === undefined) return undefined;
    operations.push(operation);
    i += action === "GET" ? 2 : 3;
  }
  return operations;
}

function readOperation(call: Call, index: number, action: FieldAction, overflow: Overflow): FieldOperation | undefined {
  const { args, reply } = call;
  const type = readType(call, index + 1);
  if (type === undefined) return undefined;
  const place = readBitOffset(call, index + 2, type.bits);
  if (place < 0) return undefined;
  const operand = action === "GET" ? 0n : parseInt64(args.bytes, args.starts[index + 3]!, args.ends[index + 3]!);
  if (operand !== undefined) return { ...type, action, place, operand, overflow };
  reply.error(NOT_AN_INTEGER);
  return undefined;
}

function bitfield(call: Call, isReadOnly: boolean): void {
  const { args, db, reply, store } = call;
  const operations = readOperations(call);
  if (operations === undefined) return;
  let neededBytes = 0;
  for (const { action, place, bits } of operations) {
    if (action !== "GET") neededBytes = Math.max(neededBytes, Math.floor((place + bits - 1) / 8) + 1);
  }
  const isWriting = neededBytes > 0;
  if (isWriting && isReadOnly) {
    reply.error("ERR BITFIELD_RO only supports the GET subcommand");
    return;
  }
  const record = isWriting ? db.findForWrite(args, 1) : db.find(args, 1);
  if (!isStringOrNone(call, record)) return;
  readStringOrNone(call, record);
  const isGrown = isWriting && (record === 0 || neededBytes > db.valueEnd - db.valueStart);
  const wasRaw = record !== 0 && db.isRaw(record);
  if (isWriting) editString(store, db, args, 1, record, neededBytes);
  reply.array(operations.length);
  let changes = 0;
  for (const operation of operations) {
    if (operation.action === "GET") replyField(call, operation);
    else {
      const change = changeField(call, operation);
      if (change === "changed" || (change === "same" && isGrown)) changes++;
    }
  }
  if (changes > 0) call.modified(1, "setbit", EventClass.string);
  // A refused overflow leaves the string longer, or OBJECT ENCODING says another thing: nobody is told of it, as in Redis.
  else if (isGrown || (isWriting && !wasRaw)) call.dirty++;
}

function fieldValue({ db }: Call, { isSigned, bits, place }: FieldOperation): bigint {
  const value = readField(db.valueBytes, db.valueStart, db.valueEnd, place, bits);
  return isSigned ? BigInt.asIntN(bits, value) : value;
}

function replyField(call: Call, operation: FieldOperation): void {
  call.reply.bigInteger(fieldValue(call, operation));
}

/** Sets or adds, and replies. */
function changeField(call: Call, operation: FieldOperation): "changed" | "same" | "refused" {
  const { db, reply } = call;
  const { action, bits, place, operand } = operation;
  const old = fieldValue(call, operation);
  const base = action === "INCRBY" ? old : operation.isSigned ? operand : BigInt.asUintN(64, operand);
  const step = action === "INCRBY" ? operand : 0n;
  const next = fitted(base, step, operation);
  if (next === undefined) {
    reply.nil();
    return "refused";
  }
  reply.bigInteger(action === "SET" ? old : next);
  writeField(db.valueBytes, db.valueStart, place, bits, next);
  return next === old ? "same" : "changed";
}

/** `base + step` as the field holds it; `undefined` if it shall not. */
function fitted(base: bigint, step: bigint, { isSigned, bits, overflow }: FieldOperation): bigint | undefined {
  const max = (1n << BigInt(isSigned ? bits - 1 : bits)) - 1n;
  const min = isSigned ? -max - 1n : 0n;
  const sum = base + step;
  // Redis takes the room above in 64 bits. It wraps if a short field is SET to a number near -2^63, which so counts as
  // too large.
  const isWrapped = isSigned && bits < 64 && step > BigInt.asIntN(64, max - base);
  if (sum >= min && sum <= max && !isWrapped) return sum;
  if (overflow === "FAIL") return undefined;
  if (overflow === "SAT") return sum > max || isWrapped ? max : min;
  return isSigned ? BigInt.asIntN(bits, sum) : BigInt.asUintN(bits, sum);
}

/** BITFIELD and its form that only reads. */
export const BITFIELD_HANDLERS: Readonly<Record<string, Handler>> = {
  bitfield: (call) => bitfield(call, false),
  bitfield_ro: (call) => bitfield(call, true),
};
