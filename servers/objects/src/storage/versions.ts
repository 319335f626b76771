import { IN_BLOB, KEEP_OLDER, NULL_VERSION, type RecordHead } from "../protocol/volume/index.ts";
import type { Catalog } from "./catalog.ts";
import {
  decodeEntry,
  type Entry,
  encodeEntry,
  entryOfRecord,
  entryRecordBytes,
  isExpired,
  type Place,
} from "./entry.ts";
import {
  blobKey,
  inGroup,
  manifestKey,
  nullKey,
  numberOfPartKey,
  objectKey,
  partKey,
  sequenceOf,
  sequenceValue,
  successor,
  versionKey,
  versionPrefix,
} from "./index/keys.ts";
import type { Transaction } from "./transaction.ts";

const MAX_PART_NUMBER = 10_000;

/** Keys at which the current version may lie: group 0's first, then those of the bucket's groups. */
export function currentKeys(catalog: Catalog, bucketId: number, key: Uint8Array): Buffer[] {
  const first = objectKey(0, bucketId, key);
  const keys = [first];
  for (const group of catalog.groupsWith(bucketId, key)) keys.push(inGroup(first, group));
  return keys;
}

/** The current version, expired or not. */
export async function currentOf(
  tx: Transaction,
  catalog: Catalog,
  bucketId: number,
  key: Uint8Array,
): Promise<Entry | undefined> {
  let newest: Entry | undefined;
  for (const name of currentKeys(catalog, bucketId, key)) {
    const found = tx.get(name);
    const value = found instanceof Promise ? await found : found;
    if (value === undefined) continue;
    const entry = decodeEntry(value);
    if (newest === undefined || entry.sequence > newest.sequence) newest = entry;
  }
  return newest;
}

/** A new current version, in place of `current` or before it. */
export async function putVersion(
  tx: Transaction,
  catalog: Catalog,
  head: RecordHead,
  place: Place,
  current: Entry | undefined,
  json: Uint8Array,
): Promise<void> {
  const { bucketId, key, flags, group } = head;
  const isNull = (flags & NULL_VERSION) !== 0;
  const keepsOlder = (flags & KEEP_OLDER) !== 0;
  if (current !== undefined) {
    const isOther = !isNull || (current.flags & NULL_VERSION) === 0;
    if (keepsOlder && isOther) moveToOlder(tx, bucketId, key, current);
    else await removeEntry(tx, current);
    if (current.group !== group) tx.delete(objectKey(current.group, bucketId, key));
    if (catalog.outlives(current.group, group)) {
      tx.owe({ bucketId, group: current.group, key, bySequence: head.sequence });
    }
  }
  if (isNull && keepsOlder) await removeOlderNull(tx, bucketId, key, Number.POSITIVE_INFINITY);
  if (group === 0 && head.expiresMs !== 0) catalog.hasLooseExpiry = true;
  catalog.noteKey(group, bucketId, key);
  tx.put(objectKey(group, bucketId, key), encodeEntry(entryOfRecord(head, place, json)));
  if ((flags & IN_BLOB) !== 0) tx.put(blobKey(group, head.blobId), EMPTY);
  tx.touch(bucketId, key);
}

/** The current version goes, and the newest of the older ones takes its place. */
export async function removeCurrent(
  tx: Transaction,
  catalog: Catalog,
  bucketId: number,
  key: Uint8Array,
  current: Entry,
  nowMs: number,
): Promise<void> {
  await forgetCurrent(tx, bucketId, key, current);
  await promote(tx, catalog, bucketId, key, nowMs);
}

/** The current version goes, and nothing takes its place. */
export async function forgetCurrent(tx: Transaction, bucketId: number, key: Uint8Array, current: Entry): Promise<void> {
  await removeEntry(tx, current);
  tx.delete(objectKey(current.group, bucketId, key));
  tx.touch(bucketId, key);
}

/** An older version goes, by its sequence. Without one nothing happens. */
export async function removeOlder(tx: Transaction, bucketId: number, key: Uint8Array, sequence: number): Promise<void> {
  const name = versionKey(bucketId, key, sequence);
  const value = await tx.get(name);
  if (value === undefined) return;
  await removeEntry(tx, decodeEntry(value));
  tx.delete(name);
}

/** The null version among the older ones goes, if its sequence is at most that. */
export async function removeOlderNull(
  tx: Transaction,
  bucketId: number,
  key: Uint8Array,
  upToSequence: number,
): Promise<void> {
  const pointer = nullKey(bucketId, key);
  const value = await tx.get(pointer);
  if (value === undefined) return;
  const sequence = sequenceOf(value);
  if (sequence > upToSequence) return;
  await removeOlder(tx, bucketId, key, sequence);
  tx.delete(pointer);
}

/** Accounts for the record, and frees what only it held: a blob, tags, parts. Its key is the caller's. */
export async function removeEntry(tx: Transaction, entry: Entry): Promise<void> {
  tx.die(entry.volumeId, entryRecordBytes(entry), entry.sequence);
  if (entry.tagsSequence !== 0) tx.die(entry.tagsVolumeId, entry.tagsBytes, entry.tagsSequence);
  if (entry.blobId !== 0) tx.orphanBlob(entry.group, entry.blobId);
  if (entry.upload === 0) return;
  tx.delete(manifestKey(entry.group, entry.sequence));
  await removeParts(tx, entry.upload, NOTHING);
}

/** Removes all parts of an upload but those named. */
export async function removeParts(tx: Transaction, upload: number, kept: ReadonlySet<number>): Promise<void> {
  const rows = await tx.scan(partKey(upload, 0), partKey(upload, MAX_PART_NUMBER + 1), MAX_PART_NUMBER);
  for (const { key, value } of rows) {
    if (kept.has(numberOfPartKey(key))) continue;
    await removeEntry(tx, decodeEntry(value));
    tx.delete(key);
  }
}

function moveToOlder(tx: Transaction, bucketId: number, key: Uint8Array, entry: Entry): void {
  tx.put(versionKey(bucketId, key, entry.sequence), encodeEntry(entry));
  if ((entry.flags & NULL_VERSION) !== 0) tx.put(nullKey(bucketId, key), sequenceValue(entry.sequence));
}

async function promote(
  tx: Transaction,
  catalog: Catalog,
  bucketId: number,
  key: Uint8Array,
  nowMs: number,
): Promise<void> {
  const prefix = versionPrefix(bucketId, key);
  for (;;) {
    const [row] = await tx.scan(prefix, successor(prefix), 1);
    if (row === undefined) return;
    const entry = decodeEntry(row.value);
    tx.delete(row.key);
    if ((entry.flags & NULL_VERSION) !== 0) tx.delete(nullKey(bucketId, key));
    if (!isExpired(entry, nowMs)) {
      catalog.noteKey(entry.group, bucketId, key);
      tx.put(objectKey(entry.group, bucketId, key), encodeEntry(entry));
      return;
    }
    await removeEntry(tx, entry);
  }
}

const EMPTY = new Uint8Array();
const NOTHING: ReadonlySet<number> = new Set();
