import { parseAlgorithm } from "../../protocol/checksums/index.ts";
import { checkCopySource, copyConditionsOf, writeConditionsOf } from "../../protocol/conditions.ts";
import { type CopySource, parseCopySource } from "../../protocol/copy-source.ts";
import { invalidArgument, S3Error } from "../../protocol/errors.ts";
import { writeCopyResult } from "../../protocol/messages/index.ts";
import type {
  BodyDigest,
  Bucket,
  ChecksumAlgorithm,
  ObjectEntry,
  ObjectMetadata,
  OpenObject,
} from "../../store/object-store.ts";
import { authorize, checkOwner, needsObjectTags, type Wish, wishFor } from "../authorize.ts";
import { MAX_OBJECT_BYTES } from "../body/body-plan.ts";
import { reserveMemory } from "../body/reserve-memory.ts";
import { digestOf } from "../hashing/body-hashes.ts";
import { HASHER_BYTES } from "../hashing/hash-threads.ts";
import { sendXml } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import { retentionFor } from "../retention.ts";
import { absenceOf } from "./object-reads.ts";
import { addWrittenHeaders, readNewMetadata } from "./object-writes.ts";
import { readRequestTags } from "./put-headers.ts";

type Directive = "COPY" | "REPLACE";

/** An object to copy from, that the user may read. To be closed. */
export interface OpenSource {
  readonly source: CopySource;
  readonly bucket: Bucket;
  readonly object: OpenObject;
}

/**
 * Opens what `x-amz-copy-source` names. The signature covers the header, so it is the signer who asks; he must be allowed
 * to read the source as if he read it himself.
 *
 * @throws S3Error AccessDenied, NoSuchBucket, NoSuchKey, NoSuchVersion, InvalidRequest, PreconditionFailed
 */
export async function openSource(cx: RequestContext): Promise<OpenSource> {
  const { store } = cx.service;
  const source = parseCopySource(cx.headers.single("x-amz-copy-source") ?? "");
  const bucket = store.bucket(source.bucket);
  if (!bucket) throw new S3Error("NoSuchBucket", { fields: { BucketName: source.bucket } });
  checkOwner(bucket, cx.headers.get("x-amz-source-expected-bucket-owner"));
  const action = source.versionId === undefined ? "s3:getobject" : "s3:getobjectversion";
  const wish: Wish = wishFor(action, bucket, source.key);
  const known = needsObjectTags(cx, bucket) ? await store.head(source.bucket, source.key, source.versionId) : undefined;
  authorize(cx, { ...wish, tags: known?.metadata.tags });
  const object = await store.open(source.bucket, source.key, source.versionId);
  if (!object) throw await absenceOfSource(cx, source);
  try {
    const conditions = copyConditionsOf(cx.headers);
    if (conditions) checkCopySource(conditions, object.entry);
  } catch (error) {
    object.close();
    throw error;
  }
  return { source, bucket, object };
}

async function absenceOfSource(cx: RequestContext, { bucket, key, versionId }: CopySource): Promise<S3Error> {
  const entry = versionId === undefined ? undefined : await cx.service.store.head(bucket, key, versionId);
  if (!entry?.isDeleteMarker) return absenceOf(key, versionId);
  return new S3Error("InvalidRequest", {
    message: "The source of a copy request may not specifically refer to a delete marker by version id.",
  });
}

export async function copyObject(cx: RequestContext): Promise<void> {
  const { bucket, key } = cx.route;
  const given = readNewMetadata(cx);
  const conditions = writeConditionsOf(cx.headers);
  const algorithm = readWantedAlgorithm(cx);
  const opened = await openSource(cx);
  const { object, source } = opened;
  try {
    const { entry } = object;
    if (entry.sizeBytes > MAX_OBJECT_BYTES) {
      throw new S3Error("InvalidRequest", {
        message: "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
      });
    }
    refuseIdleCopy(cx, source);
    const metadata = copiedMetadata(cx, opened, given);
    const digest = await digestOfCopy(cx, object, algorithm);
    const retention = retentionFor(cx, key, metadata, entry.sizeBytes);
    const result = await cx.service.store.copy({ bucket, key, metadata, retention, conditions }, object, digest);
    if (opened.bucket.versioning !== "off") cx.addHeader("x-amz-copy-source-version-id", entry.versionId);
    addWrittenHeaders(cx, { ...result, checksum: undefined, retention });
    sendXml(cx, 200, writeCopyResult("CopyObjectResult", { ...result, checksum: digest.checksum }));
  } finally {
    object.close();
  }
}

function readDirective(cx: RequestContext, name: string): Directive {
  const text = cx.headers.get(name) ?? "COPY";
  if (text === "COPY" || text === "REPLACE") return text;
  throw invalidArgument(`Unknown directive in ${name}.`, name, text);
}

/** A copy onto itself must change something. */
function refuseIdleCopy(cx: RequestContext, source: CopySource): void {
  const { bucket, key } = cx.route;
  if (source.bucket !== bucket || source.key !== key || source.versionId !== undefined) return;
  if (readDirective(cx, "x-amz-metadata-directive") === "REPLACE") return;
  if (cx.headers.has("x-amz-storage-class") || cx.headers.has("x-amz-website-redirect-location")) return;
  throw new S3Error("InvalidRequest", {
    message:
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's " +
      "metadata, storage class, website redirect location or encryption attributes.",
  });
}

function copiedMetadata(cx: RequestContext, opened: OpenSource, given: ObjectMetadata): ObjectMetadata {
  const { entry } = opened.object;
  const replacesMetadata = readDirective(cx, "x-amz-metadata-directive") === "REPLACE";
  const replacesTags = readDirective(cx, "x-amz-tagging-directive") === "REPLACE";
  const tags = replacesTags ? readRequestTags(cx) : copiedTags(cx, opened);
  const base = replacesMetadata ? given : entry.metadata;
  // These two are never copied: they belong to the place.
  const { storageClass: _class, websiteRedirectLocation: _redirect, ...rest } = base;
  return {
    ...rest,
    ...(given.storageClass === undefined ? {} : { storageClass: given.storageClass }),
    ...(given.websiteRedirectLocation === undefined ? {} : { websiteRedirectLocation: given.websiteRedirectLocation }),
    tags,
  };
}

/** Tags come along only for who may read them there and give them here. */
function copiedTags(cx: RequestContext, { source, bucket, object }: OpenSource): ObjectMetadata["tags"] {
  const { tags } = object.entry.metadata;
  if (Object.keys(tags).length === 0) return tags;
  const read = source.versionId === undefined ? "s3:getobjecttagging" : "s3:getobjectversiontagging";
  authorize(cx, { ...wishFor(read, bucket, source.key), tags });
  authorize(cx, { ...wishFor("s3:putobjecttagging", cx.ownBucket, cx.route.key), requestTags: tags });
  return tags;
}

function readWantedAlgorithm(cx: RequestContext): ChecksumAlgorithm | undefined {
  const text = cx.headers.get("x-amz-checksum-algorithm");
  return text === undefined ? undefined : parseAlgorithm(text, "x-amz-checksum-algorithm");
}

/**
 * Entity tag and checksum of a copy. Those of the source serve if they are of the bytes; those of a completed upload are
 * of its parts, which the copy has not, so the bytes are read once.
 */
async function digestOfCopy(
  cx: RequestContext,
  object: OpenObject,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<BodyDigest> {
  const { entry } = object;
  const wanted = algorithm ?? entry.checksum?.algorithm;
  if (isOfBytes(entry) && wanted === entry.checksum?.algorithm) return { etag: entry.etag, checksum: entry.checksum };
  const reservation = await reserveMemory(cx, HASHER_BYTES);
  try {
    const hasher = await cx.service.hashThreads.open({ sha256: false, checksum: wanted });
    try {
      for await (const chunk of object.read(0, entry.sizeBytes)) await hasher.update(chunk);
      return digestOf(await hasher.digest(), wanted);
    } catch (error) {
      hasher.drop();
      throw error;
    }
  } finally {
    reservation.release();
  }
}

function isOfBytes({ parts, checksum }: ObjectEntry): boolean {
  return parts === undefined && checksum?.type !== "COMPOSITE";
}
