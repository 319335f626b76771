import {
  type GroupInfo,
  headBytesOf,
  IN_BLOB,
  MARKER,
  NULL_VERSION,
  RECORD_KINDS,
  type RecordHead,
  recordBytesOf,
} from "../protocol/volume/index.ts";
import { type Bucket, StoreError } from "../store/object-store.ts";
import type { BucketState, Catalog } from "./catalog.ts";
import { decodeEntry, type Entry, encodeEntry, entryOfRecord, type Place } from "./entry.ts";
import {
  blobKey,
  bucketKey,
  groupKey,
  groupRange,
  manifestKey,
  objectKey,
  partKey,
  sequenceOf,
  uploadKey,
  versionKey,
} from "./index/keys.ts";
import { pagesOf } from "./index/pages.ts";
import { fromJsonBytes, jsonBytes, type ObjectJson } from "./object-json.ts";
import type { Transaction } from "./transaction.ts";
import {
  currentOf,
  forgetCurrent,
  putVersion,
  removeCurrent,
  removeEntry,
  removeOlder,
  removeOlderNull,
  removeParts,
} from "./versions.ts";
import type { VolumeSet } from "./volume-set.ts";

/** What applying a record needs beside the transaction. */
export interface ApplyContext {
  readonly tx: Transaction;
  readonly catalog: Catalog;
  readonly volumes: VolumeSet;
}

/** The row `u` of an upload under way. */
export interface UploadRow {
  readonly volumeId: number;
  readonly recordBytes: number;
  readonly sequence: number;
  /** The record's JSON: an `Upload` of the interface. */
  readonly upload: unknown;
}

/**
 * Brings the index to what a record says. Commit, replay and follower all go through here, in the order of the sequence;
 * it depends on the record and on the index alone, so all of them end with the same index.
 *
 * @param current The current version of the record's key, if the caller has read it.
 */
export async function applyRecord(
  context: ApplyContext,
  head: RecordHead,
  place: Place,
  current?: { readonly entry: Entry | undefined },
): Promise<void> {
  const { tx, catalog } = context;
  const recordBytes = recordBytesOf(headBytesOf(head), head.storedBytes);
  const found = async () =>
    current === undefined ? await currentOf(tx, catalog, head.bucketId, head.key) : current.entry;
  switch (head.kind) {
    case RECORD_KINDS.put:
      return await putVersion(tx, catalog, head, place, await found(), head.metadata);
    case RECORD_KINDS.delete:
      if ((head.flags & MARKER) !== 0) return await putVersion(tx, catalog, head, place, await found(), head.metadata);
      tx.tombstone(place.volumeId, recordBytes);
      return await applyDelete(tx, head, await found());
    case RECORD_KINDS.deleteVersion:
      tx.tombstone(place.volumeId, recordBytes);
      return await applyDeleteVersion(tx, catalog, head, await found());
    case RECORD_KINDS.supersede:
      tx.tombstone(place.volumeId, recordBytes);
      return await applySupersede(tx, head, await found());
    case RECORD_KINDS.part:
      return await applyPart(tx, head, place);
    case RECORD_KINDS.uploadBegun:
      return applyUploadBegun(tx, head, place, recordBytes);
    case RECORD_KINDS.uploadEnded:
      tx.tombstone(place.volumeId, recordBytes);
      await endUpload(tx, head);
      return await removeParts(tx, head.target, NOTHING);
    case RECORD_KINDS.completed:
      return await applyCompleted(context, head, place, await found());
    case RECORD_KINDS.bucket:
      return await applyBucket(context, head, place, recordBytes);
    case RECORD_KINDS.bucketRemoved:
      tx.tombstone(place.volumeId, recordBytes);
      return await applyBucketRemoved(context, head);
    case RECORD_KINDS.tags:
      return await applyTags(context, head, place, recordBytes);
    case RECORD_KINDS.groupMade:
      tx.tombstone(place.volumeId, recordBytes);
      return applyGroupMade(context, head);
    case RECORD_KINDS.groupExpired:
      tx.tombstone(place.volumeId, recordBytes);
      return await applyGroupExpired(context, head.target);
    default:
      throw new StoreError("CORRUPT", `Cannot apply record ${head.sequence}: kind ${head.kind} is of a later version`);
  }
}

async function applyDelete(tx: Transaction, head: RecordHead, current: Entry | undefined): Promise<void> {
  if (current !== undefined && current.sequence <= head.sequence)
    await forgetCurrent(tx, head.bucketId, head.key, current);
}

async function applyDeleteVersion(
  tx: Transaction,
  catalog: Catalog,
  head: RecordHead,
  current: Entry | undefined,
): Promise<void> {
  const { bucketId, key, target } = head;
  const isNull = (head.flags & NULL_VERSION) !== 0;
  if (current !== undefined) {
    const isItsNull = isNull && (current.flags & NULL_VERSION) !== 0 && current.sequence <= target;
    if (current.sequence === target || isItsNull)
      return await removeCurrent(tx, catalog, bucketId, key, current, head.createdMs);
  }
  // A null version that was overwritten by the one that is removed here may still lie in an older volume.
  if (isNull) await removeOlderNull(tx, bucketId, key, target);
  else await removeOlder(tx, bucketId, key, target);
}

/**
 * Whatever the key had below that sequence, in any group: between the one that lies in this group and the put there may
 * have been others, whose records are gone, that had overwritten one in a third group.
 */
async function applySupersede(tx: Transaction, head: RecordHead, current: Entry | undefined): Promise<void> {
  tx.settle(head);
  if (current !== undefined && current.sequence < head.target)
    await forgetCurrent(tx, head.bucketId, head.key, current);
}

async function applyPart(tx: Transaction, head: RecordHead, place: Place): Promise<void> {
  const name = partKey(head.target, head.partNumber);
  const before = await tx.get(name);
  if (before !== undefined) await removeEntry(tx, decodeEntry(before));
  tx.put(name, encodeEntry(entryOfRecord(head, place, head.metadata)));
  if ((head.flags & IN_BLOB) !== 0) tx.put(blobKey(head.group, head.blobId), EMPTY);
}

function applyUploadBegun(tx: Transaction, head: RecordHead, place: Place, recordBytes: number): void {
  const row: UploadRow = {
    volumeId: place.volumeId,
    recordBytes,
    sequence: head.sequence,
    upload: fromJsonBytes(head.metadata),
  };
  tx.put(uploadKey(head.bucketId, head.key, head.sequence), jsonBytes(row));
}

async function endUpload(tx: Transaction, head: RecordHead): Promise<void> {
  const name = uploadKey(head.bucketId, head.key, head.target);
  const value = await tx.get(name);
  if (value === undefined) return;
  const row: UploadRow = fromJsonBytes(value);
  tx.die(row.volumeId, row.recordBytes, row.sequence);
  tx.delete(name);
}

async function applyCompleted(
  { tx, catalog }: ApplyContext,
  head: RecordHead,
  place: Place,
  current: Entry | undefined,
): Promise<void> {
  await endUpload(tx, head);
  const { p: parts, ...json }: ObjectJson = fromJsonBytes(head.metadata);
  await removeParts(tx, head.target, new Set(parts?.map(([number]) => number)));
  tx.put(manifestKey(head.group, head.sequence), jsonBytes({ upload: head.target, parts: parts ?? [] }));
  // The entry's head is as long as the record's, but its JSON leaves out the parts: a listing should not carry them.
  await putVersion(tx, catalog, head, place, current, jsonBytes(json));
}

async function applyBucket(context: ApplyContext, head: RecordHead, place: Place, recordBytes: number): Promise<void> {
  const { tx, catalog } = context;
  const bucket: Bucket = fromJsonBytes(head.metadata);
  await buryBucket(context, head.key);
  const state: BucketState = { bucket, volumeId: place.volumeId, recordBytes, sequence: head.sequence };
  tx.put(bucketKey(head.key), jsonBytes(state));
  tx.afterwards(() => catalog.setBucket(state));
}

async function applyBucketRemoved(context: ApplyContext, head: RecordHead): Promise<void> {
  const state = await buryBucket(context, head.key);
  context.tx.delete(bucketKey(head.key));
  if (state !== undefined) context.tx.afterwards(() => context.catalog.removeBucket(state.bucket.name));
}

async function buryBucket({ tx }: ApplyContext, name: Uint8Array): Promise<BucketState | undefined> {
  const value = await tx.get(bucketKey(name));
  if (value === undefined) return undefined;
  const state: BucketState = fromJsonBytes(value);
  tx.die(state.volumeId, state.recordBytes, state.sequence);
  return state;
}

async function applyTags(context: ApplyContext, head: RecordHead, place: Place, recordBytes: number): Promise<void> {
  const { tx, catalog } = context;
  const { bucketId, key, target } = head;
  const current = await currentOf(tx, catalog, bucketId, key);
  const isCurrent = current?.sequence === target;
  const name = isCurrent ? objectKey(current.group, bucketId, key) : versionKey(bucketId, key, target);
  const value = isCurrent ? undefined : await tx.get(name);
  const entry = isCurrent ? current : value === undefined ? undefined : decodeEntry(value);
  if (entry === undefined) return tx.die(place.volumeId, recordBytes, head.sequence);
  if (entry.tagsSequence !== 0) tx.die(entry.tagsVolumeId, entry.tagsBytes, entry.tagsSequence);
  const { g: _, ...json }: ObjectJson = fromJsonBytes(entry.json);
  const tags: Record<string, string> = fromJsonBytes(head.metadata);
  const changed = Object.keys(tags).length === 0 ? json : { ...json, g: tags };
  const next: Entry = {
    ...entry,
    json: jsonBytes(changed),
    tagsVolumeId: place.volumeId,
    tagsSequence: head.sequence,
    tagsBytes: recordBytes,
  };
  tx.put(name, encodeEntry(next));
  tx.touch(bucketId, key);
}

function applyGroupMade({ tx, catalog }: ApplyContext, head: RecordHead): void {
  const group: GroupInfo = fromJsonBytes(head.metadata);
  tx.put(groupKey(group.id), head.metadata.slice());
  // At once: what follows in this transaction may lie in it.
  catalog.addGroup(group, true);
}

/** All that the group holds goes, whatever its number: three ranges of the index, its volumes, and its few large files. */
async function applyGroupExpired({ tx, catalog, volumes }: ApplyContext, group: number): Promise<void> {
  for await (const rows of pagesOf(tx, groupRange("manifest", group), SCAN_ROWS)) {
    for (const { value } of rows) await removeParts(tx, fromJsonBytes<{ upload: number }>(value).upload, NOTHING);
  }
  for await (const rows of pagesOf(tx, groupRange("blob", group), SCAN_ROWS)) {
    for (const { key } of rows) tx.orphanBlobs.push(sequenceOf(key));
  }
  for (const kind of ["object", "manifest", "blob"] as const) {
    const { from, to } = groupRange(kind, group);
    tx.deleteRange(from, to);
  }
  tx.delete(groupKey(group));
  for (const volume of volumes.all()) if (volume.group === group) tx.removeVolume(volume.id);
  tx.afterwards(() => catalog.removeGroup(group));
}

const SCAN_ROWS = 1_000;
const EMPTY = new Uint8Array();
const NOTHING: ReadonlySet<number> = new Set();
