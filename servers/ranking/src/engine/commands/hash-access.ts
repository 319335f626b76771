import type { Call } from "../call.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { HashValue } from "../structures/hash-value.ts";

/**
 * The hash of a key for reading; 0 if there is none; `undefined`, and WRONGTYPE is replied, if it is something else.
 * Fields whose time has come are removed first, so that `size` is true.
 */
export function readHash(call: Call, index: number): HashValue | 0 | undefined {
  const record = call.db.find(call.args, index);
  if (record === 0) return 0;
  const hash = call.container<HashValue>(record, ValueType.hash);
  if (hash !== undefined && hash.nextFieldExpiryMs <= call.nowMs) call.db.expireFields(record);
  return hash;
}

/** A hash and the key record that owns it. */
export interface HashOfKey {
  readonly record: number;
  readonly hash: HashValue;
}

/** As {@link readHash}, for a write that does not make the key. */
export function writeHash(call: Call, index: number): HashOfKey | 0 | undefined {
  const record = call.db.findForWrite(call.args, index);
  if (record === 0) return 0;
  const hash = call.container<HashValue>(record, ValueType.hash);
  if (hash === undefined) return undefined;
  // Not all of them: the key would not have been found.
  if (hash.nextFieldExpiryMs <= call.nowMs) call.db.expireFields(record);
  return { record, hash };
}

/** The hash of a key for a write that makes it; `undefined`, and WRONGTYPE is replied, if it is something else. */
export function makeHash(call: Call, index: number): HashValue | undefined {
  const found = writeHash(call, index);
  if (found !== 0) return found?.hash;
  const hash = new HashValue(call.store);
  call.db.setContainer(call.args, index, 0, hash);
  return hash;
}

/** Tells of a change that removed fields, and deletes the key if none is left. */
export function fieldsRemoved(call: Call, index: number, { record, hash }: HashOfKey, event: string): void {
  const isEmpty = hash.size === 0;
  if (isEmpty) call.db.delete(record);
  call.modified(index, event, EventClass.hash);
  if (isEmpty) call.notify(index, "del", EventClass.generic);
}
