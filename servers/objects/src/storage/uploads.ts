import { randomBytes } from "node:crypto";
import { IN_BLOB, RECORD_KINDS } from "../protocol/volume/index.ts";
import {
  type BodyDigest,
  type CompletedPart,
  type CompleteRequest,
  type PutResult,
  StoreError,
  type Upload,
  type UploadPart,
  type UploadRequest,
} from "../store/object-store.ts";
import type { UploadRow } from "./apply.ts";
import type { ArrivedBody } from "./body-writer.ts";
import type { WriteOperation } from "./commit-loop.ts";
import { decodeEntry, type Entry, versionIdOfSequence } from "./entry.ts";
import { numberOfPartKey, partKey, uploadKey } from "./index/keys.ts";
import {
  fromChecksumJson,
  fromJsonBytes,
  jsonBytes,
  type ObjectJson,
  type PartJson,
  toChecksumJson,
  toObjectJson,
} from "./object-json.ts";
import { bucketOf, checkConditions, endingOf, versionFlags } from "./object-writes.ts";
import type { ShardState } from "./shard-state.ts";
import { currentKeys, currentOf } from "./versions.ts";

/** S3's limit. */
export const MAX_PARTS = 10_000;
const EMPTY = new Uint8Array();
const NO_METADATA = { user: {}, tags: {} };

/** How a record keeps an upload; its id is made of the record's sequence and this secret. */
interface UploadJson extends UploadRequest {
  readonly secret: string;
  readonly begunMs: number;
}

/** Which upload is meant. */
export interface UploadName {
  readonly bucket: string;
  readonly bucketId: number;
  readonly key: string;
  readonly uploadId: string;
}

/** Begins an upload. */
export function createUploadOperation(
  state: ShardState,
  bucketId: number,
  request: UploadRequest,
): WriteOperation<Upload> {
  const key = Buffer.from(request.key);
  return {
    bytes: key.length,
    run: async (commit) => {
      bucketOf(state.catalog, request.bucket, bucketId);
      const json: UploadJson = { ...request, secret: randomBytes(16).toString("hex"), begunMs: commit.nowMs };
      const record = { kind: RECORD_KINDS.uploadBegun, bucketId, group: 0, key, metadata: jsonBytes(json) };
      const { head } = await commit.add(record);
      return toUpload(json, head.sequence);
    },
  };
}

/** The upload in a row `u`. */
export function uploadOfRow(value: Uint8Array): Upload {
  const row: UploadRow = fromJsonBytes(value);
  return toUpload(row.upload as UploadJson, row.sequence);
}

/** Where in the index an upload is. @throws StoreError NO_SUCH_UPLOAD if the id is none of ours */
export function rowKeyOf({ bucketId, key, uploadId }: UploadName): { rowKey: Buffer; sequence: number } {
  if (!/^00[0-9a-f]{46}$/.test(uploadId)) throw noSuchUpload(uploadId);
  const sequence = Number.parseInt(uploadId.slice(0, 16), 16);
  if (!Number.isSafeInteger(sequence)) throw noSuchUpload(uploadId);
  return { rowKey: uploadKey(bucketId, Buffer.from(key), sequence), sequence };
}

/** The upload that a row holds. @throws StoreError NO_SUCH_UPLOAD if there is none of this id */
export function uploadFrom(value: Uint8Array | undefined, uploadId: string): Upload {
  const upload = value === undefined ? undefined : uploadOfRow(value);
  if (upload?.uploadId !== uploadId) throw noSuchUpload(uploadId);
  return upload;
}

/** Adds a part whose body has arrived. */
export function putPartOperation(
  name: UploadName,
  { partNumber, tier }: { readonly partNumber: number; readonly tier: string | undefined },
  body: ArrivedBody,
  digest: BodyDigest,
): WriteOperation<UploadPart> {
  const { rowKey, sequence } = rowKeyOf(name);
  return {
    bytes: body.stored.length,
    prefetch: () => [rowKey, partKey(sequence, partNumber)],
    run: async (commit) => {
      uploadFrom(await commit.tx.get(rowKey), name.uploadId);
      const { head } = await commit.add({
        kind: RECORD_KINDS.part,
        flags: body.blobId === 0 ? 0 : IN_BLOB,
        bucketId: name.bucketId,
        group: 0,
        target: sequence,
        partNumber,
        bodyBytes: body.bodyBytes,
        blobId: body.blobId,
        // Of the object, for who asks which tier it is due for; the row is found by upload and number.
        key: Buffer.from(name.key),
        metadata: jsonBytes(toObjectJson(NO_METADATA, digest.etag, digest.checksum)),
        stored: body.stored,
        tier,
      });
      const { etag, checksum } = digest;
      return { partNumber, sizeBytes: body.bodyBytes, etag, modifiedMs: head.createdMs, checksum };
    },
  };
}

/** A row `p` as the interface says it. */
export function toUploadPart(key: Uint8Array, value: Uint8Array): UploadPart {
  const entry = decodeEntry(value);
  const json: ObjectJson = fromJsonBytes(entry.json);
  return {
    partNumber: numberOfPartKey(key),
    sizeBytes: entry.bodyBytes,
    etag: json.e,
    modifiedMs: entry.createdMs,
    checksum: fromChecksumJson(json.c),
  };
}

/** Ends an upload and frees its parts. */
export function abortUploadOperation(state: ShardState, name: UploadName): WriteOperation<void> {
  const { rowKey, sequence } = rowKeyOf(name);
  return {
    bytes: 0,
    prefetch: () => [rowKey],
    run: async (commit) => {
      bucketOf(state.catalog, name.bucket, name.bucketId);
      uploadFrom(await commit.tx.get(rowKey), name.uploadId);
      const key = Buffer.from(name.key);
      const record = { kind: RECORD_KINDS.uploadEnded, bucketId: name.bucketId, group: 0, key, metadata: EMPTY };
      await commit.add({ ...record, target: sequence });
    },
  };
}

/** Makes an object of an upload's parts. */
export function completeUploadOperation(
  state: ShardState,
  bucketId: number,
  request: CompleteRequest,
  etagOf: (etags: readonly string[]) => string,
): WriteOperation<PutResult> {
  const name: UploadName = { ...request, bucketId };
  const { rowKey, sequence } = rowKeyOf(name);
  const key = Buffer.from(request.key);
  return {
    bytes: 64 * request.parts.length,
    prefetch: () => [
      rowKey,
      ...currentKeys(state.catalog, bucketId, key),
      ...request.parts.slice(0, MAX_PARTS).map(({ partNumber }) => partKey(sequence, partNumber)),
    ],
    run: async (commit) => {
      const bucket = bucketOf(state.catalog, request.bucket, bucketId);
      const upload = uploadFrom(await commit.tx.get(rowKey), request.uploadId);
      const entries: Entry[] = [];
      for (const part of checkOrder(request.parts)) {
        const value = await commit.tx.get(partKey(sequence, part.partNumber));
        entries.push(checkPart(part, value, entries.length === request.parts.length - 1, request.minPartBytes));
      }
      const current = await currentOf(commit.tx, state.catalog, bucketId, key);
      checkConditions(request.conditions, request.key, current, commit.nowMs);
      const etag = etagOf(request.parts.map((part) => part.etag));
      const parts = entries.map((entry, i) => partJson(entry, request.parts[i]?.partNumber ?? 0));
      const { head } = await commit.add(
        {
          kind: RECORD_KINDS.completed,
          flags: versionFlags(bucket),
          bucketId,
          ...(await endingOf(commit, bucket, upload.retention)),
          target: sequence,
          bodyBytes: entries.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0),
          key,
          metadata: jsonBytes({ ...toObjectJson(upload.metadata, etag, request.checksum), p: parts }),
          tier: state.disk.tierOfClass(upload.metadata.storageClass),
        },
        { entry: current },
      );
      const version = bucket.versioning === "enabled" ? versionIdOfSequence(head.sequence) : "null";
      const versionId = bucket.versioning === "off" ? undefined : version;
      return { etag, versionId, modifiedMs: head.createdMs };
    },
  };
}

function checkOrder(parts: readonly CompletedPart[]): readonly CompletedPart[] {
  if (parts.length === 0 || parts.length > MAX_PARTS) {
    throw new StoreError(
      "INVALID_PART",
      `Cannot complete an upload with ${parts.length} parts: 1 to ${MAX_PARTS} are allowed`,
    );
  }
  for (let i = 1; i < parts.length; i++) {
    if ((parts[i]?.partNumber ?? 0) > (parts[i - 1]?.partNumber ?? 0)) continue;
    throw new StoreError("INVALID_PART_ORDER", "Cannot complete an upload: its part numbers do not rise");
  }
  return parts;
}

function checkPart(part: CompletedPart, value: Uint8Array | undefined, isLast: boolean, minBytes: number): Entry {
  const entry = value === undefined ? undefined : decodeEntry(value);
  const json: ObjectJson | undefined = entry === undefined ? undefined : fromJsonBytes(entry.json);
  const isSame = json?.e === part.etag && (part.checksum === undefined || part.checksum === json.c?.[1]);
  if (entry === undefined || !isSame) {
    throw new StoreError(
      "INVALID_PART",
      `Cannot complete an upload: part ${part.partNumber} was not uploaded as named`,
    );
  }
  if (!isLast && entry.bodyBytes < minBytes) {
    throw new StoreError(
      "PART_TOO_SMALL",
      `Cannot complete an upload: part ${part.partNumber} is below ${minBytes} bytes`,
    );
  }
  return entry;
}

function partJson(entry: Entry, partNumber: number): PartJson {
  const checksum = fromChecksumJson(fromJsonBytes<ObjectJson>(entry.json).c);
  return checksum === undefined
    ? [partNumber, entry.bodyBytes]
    : [partNumber, entry.bodyBytes, toChecksumJson(checksum)];
}

function toUpload({ secret, begunMs, ...request }: UploadJson, sequence: number): Upload {
  return { ...request, uploadId: versionIdOfSequence(sequence) + secret, begunMs };
}

function noSuchUpload(uploadId: string): StoreError {
  return new StoreError(
    "NO_SUCH_UPLOAD",
    `Cannot find upload "${uploadId}": it was completed, aborted, or never begun`,
  );
}
