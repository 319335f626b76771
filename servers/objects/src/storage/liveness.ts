import { MARKER, RECORD_KINDS, type RecordHead } from "../protocol/volume/index.ts";
import type { UploadRow } from "./apply.ts";
import type { BucketState, Catalog } from "./catalog.ts";
import { decodeEntry, encodeEntry, type Place } from "./entry.ts";
import { bucketKey, partKey, uploadKey, versionKey } from "./index/keys.ts";
import { fromJsonBytes, jsonBytes } from "./object-json.ts";
import type { ShardState } from "./shard-state.ts";
import { currentKeys } from "./versions.ts";
import type { ScannedRecord } from "./volume-scanner.ts";

/** What compaction does with a record: it is wanted, it only says that others are dead, or it is not wanted. */
export type RecordRole = "owned" | "tombstone" | "bucket-removal";

/** Whether a record is kept for what points at it or for what it says. */
export function roleOf(head: RecordHead): RecordRole {
  switch (head.kind) {
    case RECORD_KINDS.delete:
      return (head.flags & MARKER) === 0 ? "tombstone" : "owned";
    case RECORD_KINDS.deleteVersion:
    case RECORD_KINDS.supersede:
    case RECORD_KINDS.uploadEnded:
    case RECORD_KINDS.groupMade:
    case RECORD_KINDS.groupExpired:
      return "tombstone";
    case RECORD_KINDS.bucketRemoved:
      return "bucket-removal";
    default:
      return "owned";
  }
}

/** The rows that may point at a record, see {@link movedRow}. */
export function ownerKeys(catalog: Catalog, head: RecordHead): Buffer[] {
  const { bucketId, key } = head;
  switch (head.kind) {
    case RECORD_KINDS.part:
      return [partKey(head.target, head.partNumber)];
    case RECORD_KINDS.uploadBegun:
      return [uploadKey(bucketId, key, head.sequence)];
    case RECORD_KINDS.bucket:
      return [bucketKey(key)];
    case RECORD_KINDS.tags:
      return [...currentKeys(catalog, bucketId, key), versionKey(bucketId, key, head.target)];
    default:
      return [...currentKeys(catalog, bucketId, key), versionKey(bucketId, key, head.sequence)];
  }
}

/** Whether a row points at a record. */
export function pointsAt(value: Uint8Array | undefined, { head, volumeId, offset }: ScannedRecord): boolean {
  const place = { volumeId, offset };
  return value !== undefined && movedRow(head, place, place, value) !== undefined;
}

/** A record that something points at, and the row that does. */
export interface OwnedRecord {
  readonly record: ScannedRecord;
  readonly owner: Uint8Array;
  /** Whether the row is that of the key's current version. */
  readonly isCurrent: boolean;
}

/** The record with its owner, out of the values of {@link ownerKeys}; undefined if none points at it. */
export function ownedBy(record: ScannedRecord, owners: readonly (Uint8Array | undefined)[]): OwnedRecord | undefined {
  const at = owners.findIndex((value) => pointsAt(value, record));
  const owner = owners[at];
  // Behind the rows of the current version stands that of an older one; parts and others have one row.
  return owner === undefined ? undefined : { record, owner, isCurrent: at < owners.length - 1 || owners.length === 1 };
}

/** The records of a batch that something points at, found in one trip to the index. */
export async function ownedRecords(
  { index, catalog }: ShardState,
  batch: readonly ScannedRecord[],
): Promise<OwnedRecord[]> {
  const keys = batch.map(({ head }) => (roleOf(head) === "owned" ? ownerKeys(catalog, head) : []));
  const values = await index.get(keys.flat());
  let at = 0;
  return batch.flatMap((record, i) => {
    const own = values.slice(at, at + (keys[i]?.length ?? 0));
    at += own.length;
    return ownedBy(record, own) ?? [];
  });
}

/** Whether the index wants a record. */
export async function isLive({ index, catalog }: ShardState, record: ScannedRecord): Promise<boolean> {
  const values = await index.get(ownerKeys(catalog, record.head));
  return values.some((value) => pointsAt(value, record));
}

/**
 * The row as it is when the record has moved from one place to another; undefined if the row does not point at the first
 * place.
 */
export function movedRow(head: RecordHead, from: Place, to: Place, value: Uint8Array): Buffer | undefined {
  if (head.kind === RECORD_KINDS.uploadBegun) {
    const row: UploadRow = fromJsonBytes(value);
    const isIt = row.sequence === head.sequence && row.volumeId === from.volumeId;
    return isIt ? jsonBytes({ ...row, volumeId: to.volumeId }) : undefined;
  }
  if (head.kind === RECORD_KINDS.bucket) {
    const row: BucketState = fromJsonBytes(value);
    const isIt = row.sequence === head.sequence && row.volumeId === from.volumeId;
    return isIt ? jsonBytes({ ...row, volumeId: to.volumeId }) : undefined;
  }
  const entry = decodeEntry(value);
  if (head.kind === RECORD_KINDS.tags) {
    const isIt = entry.tagsSequence === head.sequence && entry.tagsVolumeId === from.volumeId;
    return isIt ? encodeEntry({ ...entry, tagsVolumeId: to.volumeId }) : undefined;
  }
  const isIt = entry.volumeId === from.volumeId && entry.offset === from.offset;
  return isIt ? encodeEntry({ ...entry, ...to }) : undefined;
}
