import type { Container } from "./container.ts";
import { ValueType } from "./container.ts";
import { KeyRecordFlag, MAX_INLINE_BYTES, recordWord, setRecordWord } from "./key-record.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Store } from "./store.ts";

const ENCODING_FLAGS = KeyRecordFlag.raw | KeyRecordFlag.text;

/** A key by the bytes of its name. */
export interface KeyName {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** What a key holds, on its way to another key. */
interface LooseValue {
  readonly value: Uint8Array | Container;
  readonly flags: number;
  readonly expiryMs: number;
  readonly access: number;
}

/**
 * Moves a value to another name or database, with its expiry; what is there is replaced. Nothing big is copied.
 *
 * @param record The key's record in `from`.
 * @throws CommandError if the new name is too long: call `checkKeyBytes` before anything else is changed.
 */
export function moveKey(store: Store, from: Keyspace, record: number, to: Keyspace, name: KeyName): void {
  const isString = from.typeOf(record) === ValueType.string;
  const attributes = attributesOf(store, from, record);
  let value: Uint8Array | Container;
  if (isString) {
    value = stringOf(from, record);
    if (value.length <= MAX_INLINE_BYTES) value = value.slice();
    from.delete(record);
  } else value = from.take(record);
  put(store, to, name, { value, ...attributes });
}

/** Copies a value to another name or database, with its expiry; what is there is replaced. */
export function copyKey(store: Store, from: Keyspace, record: number, to: Keyspace, name: KeyName): void {
  const isString = from.typeOf(record) === ValueType.string;
  const value = isString ? stringOf(from, record).slice() : from.containerOf(record).copy();
  put(store, to, name, { value, ...attributesOf(store, from, record), access: store.access.initial });
}

function attributesOf(store: Store, db: Keyspace, record: number): Omit<LooseValue, "value"> {
  return {
    flags: recordWord(store.heap, record, 0) & ENCODING_FLAGS,
    expiryMs: db.expiryOf(record),
    access: db.accessOf(record),
  };
}

/** A view of the record's string; of a long one, the object itself. */
function stringOf(db: Keyspace, record: number): Uint8Array {
  db.readString(record);
  const { valueBytes, valueStart, valueEnd } = db;
  const isWhole = valueStart === 0 && valueEnd === valueBytes.length;
  return isWhole ? valueBytes : valueBytes.subarray(valueStart, valueEnd);
}

function put(store: Store, db: Keyspace, { bytes, start, end }: KeyName, loose: LooseValue): void {
  const { value, flags, expiryMs, access } = loose;
  // Not replaced but removed and made anew: Redis tells of a new key then.
  const old = db.findBytesForWrite(bytes, start, end);
  if (old !== 0) db.delete(old);
  let record: number;
  if (!(value instanceof Uint8Array)) record = db.setContainerAt(bytes, start, end, 0, value);
  else if (value.length > MAX_INLINE_BYTES) record = db.setBytesAt(bytes, start, end, 0, value);
  else record = db.setStringAt(bytes, start, end, 0, value, 0, value.length);
  const { heap } = store;
  setRecordWord(heap, record, 0, (recordWord(heap, record, 0) & ~ENCODING_FLAGS) | flags);
  db.setAccess(record, access);
  if (expiryMs >= 0) db.setExpiry(record, expiryMs);
}
