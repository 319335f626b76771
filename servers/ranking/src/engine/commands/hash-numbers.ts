import { parseInt64, parseInteger } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { EventClass } from "../key-events.ts";
import { addLongDouble, isLongDouble } from "../long-double.ts";
import { NOT_A_FLOAT } from "../replies.ts";
import { ByteView } from "../structures/byte-view.ts";
import { checkFieldLength, type HashValue } from "../structures/hash-value.ts";
import { type HashOfKey, makeHash, writeHash } from "./hash-access.ts";

/** Longest text that Redis reads as a number with a fraction. */
const MAX_NUMBER_BYTES = 5_119;
const MAX_INT64 = 2n ** 63n - 1n;

/** What the field in argument 2 holds, good until the next change; `undefined` if it is not there. */
function fieldValue({ args }: Call, hash: HashValue | undefined): ByteView | undefined {
  const field = hash?.find(args.bytes, args.starts[2]!, args.ends[2]!) ?? 0;
  if (hash === undefined || field === 0) return undefined;
  const value = new ByteView();
  hash.readValue(field, value);
  return value;
}

/** Sets the field in argument 2, which keeps its expiry. */
function store(call: Call, found: HashOfKey | 0, text: string, event: string): void {
  const { args } = call;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const hash = found === 0 ? makeHash(call, 1)! : found.hash;
  hash.set(args.bytes, args.starts[2]!, args.ends[2]!, bytes, 0, bytes.length, true);
  call.modified(1, event, EventClass.hash);
}

function hincrby(call: Call): void {
  const { args, reply } = call;
  checkFieldLength(args.sizeOf(2));
  const increment = call.integer(3);
  if (Number.isNaN(increment)) return;
  const found = writeHash(call, 1);
  if (found === undefined) return;
  const value = fieldValue(call, found === 0 ? undefined : found.hash);
  const before = value === undefined ? 0 : parseInteger(value.bytes, value.start, value.end);
  if (Number.isNaN(before)) {
    reply.error("ERR hash value is not an integer");
    return;
  }
  const after = before + increment;
  if (Number.isSafeInteger(before) && Number.isSafeInteger(increment) && Number.isSafeInteger(after)) {
    store(call, found, String(after), "hincrby");
    reply.integer(after);
  } else incrementBig(call, found, value);
}

/** HINCRBY of numbers that a double cannot hold. */
function incrementBig(call: Call, found: HashOfKey | 0, value: ByteView | undefined): void {
  const { args, reply } = call;
  const increment = parseInt64(args.bytes, args.starts[3]!, args.ends[3]!)!;
  const before = value === undefined ? 0n : parseInt64(value.bytes, value.start, value.end)!;
  const after = before + increment;
  if (after > MAX_INT64 || after < -MAX_INT64 - 1n) {
    reply.error("ERR increment or decrement would overflow");
    return;
  }
  store(call, found, after.toString(), "hincrby");
  reply.bigInteger(after);
}

function hincrbyfloat(call: Call): void {
  const { args, reply } = call;
  checkFieldLength(args.sizeOf(2));
  const increment = args.text(3);
  if (!isLongDouble(increment)) {
    reply.error(NOT_A_FLOAT);
    return;
  }
  if (/inf/i.test(increment)) {
    reply.error("ERR value is NaN or Infinity");
    return;
  }
  const found = writeHash(call, 1);
  if (found === undefined) return;
  const value = fieldValue(call, found === 0 ? undefined : found.hash);
  // One byte more than can be a number is enough to see that it is none.
  const before = value === undefined ? "0" : String.fromCharCode(...value.copy().subarray(0, MAX_NUMBER_BYTES + 1));
  if (!isLongDouble(before)) {
    reply.error("ERR hash value is not a float");
    return;
  }
  const after = addLongDouble(before, increment);
  if (after === undefined) {
    reply.error("ERR increment would produce NaN or Infinity");
    return;
  }
  store(call, found, after, "hincrbyfloat");
  reply.bulkText(after);
}

/** Commands that count in a field. */
export const HASH_NUMBER_HANDLERS: Readonly<Record<string, Handler>> = { hincrby, hincrbyfloat };
