import { IN_BLOB, KEEP_OLDER, MARKER, NULL_VERSION, RECORD_KINDS } from "../protocol/volume/index.ts";
import {
  type BodyDigest,
  type Bucket,
  type DeleteRequest,
  type DeleteResult,
  type PutRequest,
  type PutResult,
  type Retention,
  StoreError,
  type WriteConditions,
} from "../store/object-store.ts";
import type { ArrivedBody } from "./body-writer.ts";
import type { Catalog } from "./catalog.ts";
import type { Commit, NewRecord } from "./commit.ts";
import type { WriteOperation } from "./commit-loop.ts";
import {
  decodeEntry,
  type Entry,
  entryOfRecord,
  isExpired,
  sequenceOfVersionId,
  toObjectEntry,
  versionIdOf,
  versionIdOfSequence,
} from "./entry.ts";
import type { EntryCache } from "./entry-cache.ts";
import { nullKey, sequenceOf, versionKey } from "./index/keys.ts";
import { fromJsonBytes, jsonBytes, type ObjectJson, toObjectJson } from "./object-json.ts";
import type { ShardState } from "./shard-state.ts";
import { currentKeys, currentOf } from "./versions.ts";

/** What an operation on a bucket starts from. @throws StoreError NO_SUCH_BUCKET, also if it was removed meanwhile */
export function bucketOf(catalog: Catalog, name: string, id?: number): Bucket {
  const bucket = catalog.bucket(name)?.bucket;
  if (bucket === undefined || (id !== undefined && bucket.id !== id)) {
    throw new StoreError("NO_SUCH_BUCKET", `Cannot find bucket "${name}": create it first`);
  }
  return bucket;
}

/** Flags of a new version in a bucket of that state. */
export function versionFlags(bucket: Bucket): number {
  if (bucket.versioning === "enabled") return KEEP_OLDER;
  return bucket.versioning === "suspended" ? KEEP_OLDER | NULL_VERSION : NULL_VERSION;
}

/** @throws StoreError PRECONDITION_FAILED, or NO_SUCH_KEY where an etag is asked of nothing */
export function checkConditions(
  conditions: WriteConditions,
  key: string,
  current: Entry | undefined,
  nowMs: number,
): void {
  if (conditions.absent !== true && conditions.etag === undefined) return;
  const isThere = current !== undefined && !isExpired(current, nowMs) && (current.flags & MARKER) === 0;
  if (conditions.absent === true && isThere) {
    throw new StoreError(
      "PRECONDITION_FAILED",
      `Cannot write "${key}": it exists, and If-None-Match asks that it does not`,
    );
  }
  if (conditions.etag === undefined) return;
  if (!isThere)
    throw new StoreError("NO_SUCH_KEY", `Cannot write "${key}": If-Match asks for an object, and there is none`);
  const json: ObjectJson = fromJsonBytes(current.json);
  if (conditions.etag !== "*" && conditions.etag !== json.e) {
    throw new StoreError(
      "PRECONDITION_FAILED",
      `Cannot write "${key}": its etag is ${json.e}, not the one of If-Match`,
    );
  }
}

/** Where a new version goes, and when it ends; 0 is never. */
export interface Ending {
  readonly group: number;
  readonly expiresMs: number;
}

/**
 * What a retention means for a new version. A bucket that keeps versions takes none: there the end of an object is a delete
 * marker, which somebody writes when it is time.
 */
export async function endingOf(commit: Commit, bucket: Bucket, retention: Retention | undefined): Promise<Ending> {
  if (retention === undefined || bucket.versioning !== "off") return { group: 0, expiresMs: 0 };
  const { expiresMs, ruleKey, retentionMs } = retention;
  if (expiresMs <= commit.nowMs) return { group: 0, expiresMs };
  return { group: await commit.groupFor(bucket.id, ruleKey, expiresMs, retentionMs), expiresMs };
}

interface PutDone {
  readonly result: PutResult;
  readonly entry: Entry;
}

/** The put of a body that has arrived. */
export function putOperation(
  state: ShardState,
  cache: EntryCache,
  bucketId: number,
  request: PutRequest,
  body: ArrivedBody,
  digest: BodyDigest,
): WriteOperation<PutDone> {
  const key = Buffer.from(request.key);
  const metadata = jsonBytes(toObjectJson(request.metadata, digest.etag, digest.checksum));
  const tier = state.disk.tierOfClass(request.metadata.storageClass);
  return {
    bytes: body.stored.length + metadata.length + key.length,
    prefetch: () => currentKeys(state.catalog, bucketId, key),
    run: async (commit) => {
      const bucket = bucketOf(state.catalog, request.bucket, bucketId);
      const current = await currentOf(commit.tx, state.catalog, bucketId, key);
      checkConditions(request.conditions, request.key, current, commit.nowMs);
      const record: NewRecord = {
        kind: RECORD_KINDS.put,
        flags: versionFlags(bucket) | (body.blobId === 0 ? 0 : IN_BLOB),
        bucketId,
        ...(await endingOf(commit, bucket, request.retention)),
        bodyBytes: body.bodyBytes,
        blobId: body.blobId,
        key,
        metadata,
        stored: body.stored,
        tier,
      };
      const { head, place } = await commit.add(record, { entry: current });
      const entry = entryOfRecord(head, place, metadata);
      const versionId = bucket.versioning === "off" ? undefined : versionIdOf(entry);
      return { result: { etag: digest.etag, versionId, modifiedMs: head.createdMs }, entry };
    },
    committed: ({ entry }) => {
      // Not with the body itself: bodies that are written again and again would make the collector look through the whole
      // heap for them, which cost a sixth of a put. The ring copies it.
      const recent = body.blobId === 0 ? state.recent.keep(body.stored) : undefined;
      const object = toObjectEntry(request.key, entry, true, undefined, state.classOf(entry.volumeId));
      cache.set(bucketId, request.key, { entry, object, body: undefined, recent });
    },
  };
}

/** A delete: of the current version, or of a certain one. */
export function deleteOperation(
  state: ShardState,
  bucketId: number,
  request: DeleteRequest,
): WriteOperation<DeleteResult> {
  const key = Buffer.from(request.key);
  return {
    bytes: key.length,
    prefetch: () => currentKeys(state.catalog, bucketId, key),
    run: async (commit) => {
      const bucket = bucketOf(state.catalog, request.bucket, bucketId);
      const current = await currentOf(commit.tx, state.catalog, bucketId, key);
      if (request.versionId !== undefined) return await deleteVersion(commit, bucket, request, key, current);
      checkConditions(request.conditions, request.key, current, commit.nowMs);
      return await deleteCurrent(commit, bucket, key, current);
    },
  };
}

async function deleteCurrent(
  commit: Commit,
  bucket: Bucket,
  key: Uint8Array,
  current: Entry | undefined,
): Promise<DeleteResult> {
  if (bucket.versioning !== "off") {
    const flags = versionFlags(bucket) | MARKER;
    const metadata = jsonBytes({ e: "" } satisfies ObjectJson);
    const record = { kind: RECORD_KINDS.delete, flags, bucketId: bucket.id, group: 0, key, metadata };
    const { head } = await commit.add(record, { entry: current });
    const isNull = (flags & NULL_VERSION) !== 0;
    return { versionId: isNull ? "null" : versionIdOfSequence(head.sequence), isDeleteMarker: true };
  }
  if (current !== undefined && !isExpired(current, commit.nowMs)) {
    const record = { kind: RECORD_KINDS.delete, bucketId: bucket.id, group: current.group, key, metadata: EMPTY };
    await commit.add(record, { entry: current });
  }
  return { versionId: undefined, isDeleteMarker: false };
}

async function deleteVersion(
  commit: Commit,
  bucket: Bucket,
  request: DeleteRequest,
  key: Uint8Array,
  current: Entry | undefined,
): Promise<DeleteResult> {
  const versionId = request.versionId as string;
  const entry = await findVersion(commit, bucket.id, key, versionId, current);
  checkConditions(request.conditions, request.key, entry, commit.nowMs);
  if (entry === undefined) return { versionId, isDeleteMarker: false };
  const flags = entry.flags & NULL_VERSION;
  const record = {
    kind: RECORD_KINDS.deleteVersion,
    flags,
    bucketId: bucket.id,
    group: entry.group,
    key,
    metadata: EMPTY,
  };
  await commit.add({ ...record, target: entry.sequence }, { entry: current });
  return { versionId, isDeleteMarker: (entry.flags & MARKER) !== 0 };
}

/** A version by its id. */
async function findVersion(
  commit: Commit,
  bucketId: number,
  key: Uint8Array,
  versionId: string,
  current: Entry | undefined,
): Promise<Entry | undefined> {
  if (current !== undefined && versionIdOf(current) === versionId) return current;
  let sequence = sequenceOfVersionId(versionId);
  if (versionId === "null") {
    const pointer = await commit.tx.get(nullKey(bucketId, key));
    if (pointer !== undefined) sequence = sequenceOf(pointer);
  }
  if (sequence === undefined) return undefined;
  const value = await commit.tx.get(versionKey(bucketId, key, sequence));
  if (value === undefined) return undefined;
  const entry = decodeEntry(value);
  return versionIdOf(entry) === versionId ? entry : undefined;
}

/** Replaces the tags of a version. */
export function tagsOperation(
  state: ShardState,
  request: {
    readonly bucket: string;
    readonly bucketId: number;
    readonly key: string;
    readonly versionId: string | undefined;
  },
  tags: Readonly<Record<string, string>>,
): WriteOperation<void> {
  const key = Buffer.from(request.key);
  const { bucketId } = request;
  return {
    bytes: key.length,
    prefetch: () => currentKeys(state.catalog, bucketId, key),
    run: async (commit) => {
      bucketOf(state.catalog, request.bucket, bucketId);
      const current = await currentOf(commit.tx, state.catalog, bucketId, key);
      const entry =
        request.versionId === undefined
          ? current
          : await findVersion(commit, bucketId, key, request.versionId, current);
      if (entry === undefined || isExpired(entry, commit.nowMs) || (entry.flags & MARKER) !== 0) {
        throw new StoreError("NO_SUCH_KEY", `Cannot set tags of "${request.key}": there is no such object`);
      }
      const record = { kind: RECORD_KINDS.tags, bucketId, group: entry.group, key, metadata: jsonBytes(tags) };
      await commit.add({ ...record, target: entry.sequence });
    },
  };
}

const EMPTY = new Uint8Array();
