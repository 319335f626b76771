import type { Args } from "../protocol/args.ts";
import { KeyRecordFlag, MAX_INLINE_BYTES, recordWord, setRecordWord } from "./key-record.ts";
import type { Keyspace } from "./keyspace.ts";
import { CommandError } from "./replies.ts";
import type { Store } from "./store.ts";

/** Longest string: Redis's default of `proto-max-bulk-len`. */
export const MAX_STRING_BYTES = 0x2000_0000;

/** Up to this size a string that grows gets as much room again, beyond a quarter of its size. */
const DOUBLING_BYTES = 1 << 20;

const LENGTH_WORD = 1;

/**
 * Refuses a string that would be too long.
 *
 * @throws CommandError beyond {@link MAX_STRING_BYTES}.
 */
export function checkStringBytes(byteCount: number): void {
  if (byteCount > MAX_STRING_BYTES) {
    throw new CommandError("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  }
}

/**
 * Makes a key's string at least so long, new bytes 0, for a change in place: `db.valueBytes[valueStart, valueEnd)` may be
 * written until the next call. Expiry stays; OBJECT ENCODING says `raw` from now on.
 *
 * A string that is in its key's record moves when it outgrows its block. One that is an object of its own gets spare room
 * when it grows, so that many small growths copy each byte a few times only.
 *
 * @param record What `findForWrite` just found for the key: 0 or a string.
 * @param byteCount At most {@link MAX_STRING_BYTES}.
 * @returns The record, which may be another.
 */
export function editString(
  store: Store,
  db: Keyspace,
  args: Args,
  index: number,
  record: number,
  byteCount: number,
): number {
  let length = 0;
  if (record !== 0) {
    db.readString(record);
    length = db.valueEnd - db.valueStart;
  }
  if (record !== 0 && byteCount <= length) {
    markRaw(store, record);
    return record;
  }
  const isObject = record !== 0 && (recordWord(store.heap, record, 0) & KeyRecordFlag.object) !== 0;
  if (isObject) {
    growObject(store, record, byteCount);
    markRaw(store, record);
    db.readString(record);
    return record;
  }
  const grown = new Uint8Array(byteCount);
  grown.set(db.valueBytes.subarray(db.valueStart, db.valueStart + length));
  const start = args.starts[index]!;
  const end = args.ends[index]!;
  const next =
    byteCount <= MAX_INLINE_BYTES
      ? db.setStringAt(args.bytes, start, end, record, grown, 0, byteCount, true, true)
      : db.setBytesAt(args.bytes, start, end, record, grown, true, true);
  db.readString(next);
  return next;
}

/** The string is kept as text though it may look like a whole number, as Redis does after INCRBYFLOAT. */
export function markText(store: Store, record: number): void {
  setRecordWord(store.heap, record, 0, recordWord(store.heap, record, 0) | KeyRecordFlag.text);
}

/** The string was made by changing another, as after APPEND. */
export function markRaw(store: Store, record: number): void {
  const head = recordWord(store.heap, record, 0);
  setRecordWord(store.heap, record, 0, (head & ~KeyRecordFlag.text) | KeyRecordFlag.raw);
}

function growObject({ heap, objects }: Store, record: number, byteCount: number): void {
  const id = recordWord(heap, record, LENGTH_WORD);
  const old = objects.get(id) as Uint8Array;
  // Nothing was ever written behind a string's end, and none becomes shorter in place: the spare room is all 0.
  if (old.buffer.byteLength >= byteCount) {
    objects.put(id, new Uint8Array(old.buffer, 0, byteCount));
    return;
  }
  const spareBytes = byteCount < DOUBLING_BYTES ? byteCount : byteCount >>> 2;
  const buffer = new ArrayBuffer(Math.min(byteCount + spareBytes, MAX_STRING_BYTES));
  const next = new Uint8Array(buffer, 0, byteCount);
  next.set(old);
  objects.put(id, next);
  heap.outsideBytes += buffer.byteLength - old.buffer.byteLength;
}
