import { bitAt, countOnes, findBit } from "../bits.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { EventClass } from "../key-events.ts";
import { MAX_INLINE_BYTES } from "../key-record.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { editString } from "../string-edits.ts";
import { type BitRange, bitRange, readBitOffset } from "./bit-arguments.ts";
import { isStringOrNone, readStringOrNone } from "./string-values.ts";

const NOT_A_BIT = "ERR bit is not an integer or out of range";

function setbit(call: Call): void {
  const { args, db, reply, store } = call;
  const place = readBitOffset(call, 2, 0);
  if (place < 0) return;
  const bit = call.integer(3, NOT_A_BIT);
  if (Number.isNaN(bit)) return;
  if (bit !== 0 && bit !== 1) {
    reply.error(NOT_A_BIT);
    return;
  }
  const record = db.findForWrite(args, 1);
  if (!isStringOrNone(call, record)) return;
  readStringOrNone(call, record);
  const byteIndex = Math.floor(place / 8);
  const isGrown = record === 0 || byteIndex >= db.valueEnd - db.valueStart;
  const wasRaw = record !== 0 && db.isRaw(record);
  editString(store, db, args, 1, record, byteIndex + 1);
  const old = bitAt(db.valueBytes, db.valueStart, place);
  if (old !== bit) db.valueBytes[db.valueStart + byteIndex]! ^= 0x80 >>> (place % 8);
  if (isGrown || old !== bit) call.modified(1, "setbit", EventClass.string);
  // Nothing but what OBJECT ENCODING says has changed: nobody is told, and the copies do the same.
  else if (!wasRaw) call.dirty++;
  reply.integer(old);
}

function getbit(call: Call): void {
  const { args, db, reply } = call;
  const place = readBitOffset(call, 2, 0);
  if (place < 0) return;
  const record = db.find(args, 1);
  if (!isStringOrNone(call, record)) return;
  readStringOrNone(call, record);
  const isThere = Math.floor(place / 8) < db.valueEnd - db.valueStart;
  reply.integer(isThere ? bitAt(db.valueBytes, db.valueStart, place) : 0);
}

/** Whether argument `index` is BIT; false too if it is not there. `undefined`, and the error is replied, if it is no unit. */
function countsBits({ args, reply }: Call, index: number): boolean | undefined {
  if (index >= args.count || args.isWord(index, "BYTE")) return false;
  if (args.isWord(index, "BIT")) return true;
  reply.error(SYNTAX_ERROR);
  return undefined;
}

function bitcount(call: Call): void {
  const { args, db, reply } = call;
  const record = db.find(args, 1);
  if (record === 0) {
    reply.integer(0);
    return;
  }
  if (!isStringOrNone(call, record)) return;
  if (args.count === 3 || args.count > 5) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const [first, last] = args.count === 2 ? [0, -1] : readEnds(call, 2);
  if (first === undefined || last === undefined) return;
  if (args.count > 2 && first < 0 && last < 0 && first > last) {
    reply.integer(0);
    return;
  }
  const isBits = countsBits(call, 4);
  if (isBits === undefined) return;
  db.readString(record);
  const range = bitRange(first, last, db.valueEnd - db.valueStart, isBits);
  reply.integer(range.first > range.last ? 0 : countOnes(db.valueBytes, db.valueStart, range.first, range.last));
}

/** Two arguments as whole numbers; empty, and the error is replied, if one is none. */
function readEnds(call: Call, index: number): [number, number] | [] {
  const first = call.integer(index);
  if (Number.isNaN(first)) return [];
  const last = call.integer(index + 1);
  return Number.isNaN(last) ? [] : [first, last];
}

function bitpos(call: Call): void {
  const { args, db, reply } = call;
  const bit = call.integer(2);
  if (Number.isNaN(bit)) return;
  if (bit !== 0 && bit !== 1) {
    reply.error("ERR The bit argument must be 1 or 0.");
    return;
  }
  const record = db.find(args, 1);
  if (record === 0) {
    reply.integer(bit === 1 ? -1 : 0);
    return;
  }
  if (!isStringOrNone(call, record)) return;
  const range = bitposRange(call, record);
  if (range === undefined) return;
  const { valueBytes, valueStart, valueEnd } = db;
  if (range.first > range.last) {
    reply.integer(-1);
    return;
  }
  const found = findBit(valueBytes, valueStart, bit, range.first, range.last);
  // A string goes on with zeros, unless the caller has said where it ends.
  const isOpen = found < 0 && bit === 0 && args.count < 5;
  reply.integer(isOpen ? 8 * (valueEnd - valueStart) : found);
}

/** The bits that BITPOS is to look at; the string is in `db.valueBytes` then. */
function bitposRange(call: Call, record: number): BitRange | undefined {
  const { args, db, reply } = call;
  if (args.count > 6) {
    reply.error(SYNTAX_ERROR);
    return undefined;
  }
  const first = args.count > 3 ? call.integer(3) : 0;
  if (Number.isNaN(first)) return undefined;
  const isBits = countsBits(call, 5);
  if (isBits === undefined) return undefined;
  const last = args.count > 4 ? call.integer(4) : -1;
  if (Number.isNaN(last)) return undefined;
  db.readString(record);
  return bitRange(first, last, db.valueEnd - db.valueStart, isBits);
}

type BitOperation = "AND" | "OR" | "XOR" | "NOT";
const BIT_OPERATIONS: readonly BitOperation[] = ["AND", "OR", "XOR", "NOT"];

function bitop(call: Call): void {
  const { args, db, reply } = call;
  const operation = BIT_OPERATIONS.find((name) => args.isWord(1, name));
  if (operation === undefined) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (operation === "NOT" && args.count !== 4) {
    reply.error("ERR BITOP NOT must be called with a single source key.");
    return;
  }
  const sources: Uint8Array[] = [];
  let size = 0;
  for (let i = 3; i < args.count; i++) {
    const record = db.find(args, i);
    if (!isStringOrNone(call, record)) return;
    readStringOrNone(call, record);
    sources.push(db.valueBytes.subarray(db.valueStart, db.valueEnd));
    size = Math.max(size, db.valueEnd - db.valueStart);
  }
  const result = new Uint8Array(size);
  for (const [index, source] of sources.entries()) combine(result, source, index === 0 ? "OR" : operation);
  if (operation === "NOT") for (let i = 0; i < size; i++) result[i] = ~result[i]!;
  storeResult(call, result);
  reply.integer(size);
}

function combine(result: Uint8Array, source: Uint8Array, operation: BitOperation): void {
  const size = source.length;
  if (operation === "OR") for (let i = 0; i < size; i++) result[i]! |= source[i]!;
  else if (operation === "XOR") for (let i = 0; i < size; i++) result[i]! ^= source[i]!;
  else {
    for (let i = 0; i < size; i++) result[i]! &= source[i]!;
    result.fill(0, size);
  }
}

function storeResult(call: Call, result: Uint8Array): void {
  const { args, db } = call;
  const record = db.findForWrite(args, 2);
  if (result.length === 0) {
    if (record === 0) return;
    db.delete(record);
    call.modified(2, "del", EventClass.generic);
    return;
  }
  const start = args.starts[2]!;
  const end = args.ends[2]!;
  if (result.length > MAX_INLINE_BYTES) db.setBytesAt(args.bytes, start, end, record, result, false, true);
  else db.setString(args, 2, record, result, 0, result.length, false, true);
  call.modified(2, "set", EventClass.string);
}

/** Commands on the bits of strings. */
export const BITMAP_HANDLERS: Readonly<Record<string, Handler>> = { setbit, getbit, bitcount, bitpos, bitop };
