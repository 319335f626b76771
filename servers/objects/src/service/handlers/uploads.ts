import {
  checksumHeader,
  checksumTypeOf,
  combineChecksums,
  decodeChecksum,
  type PartToCombine,
  parseAlgorithm,
} from "../../protocol/checksums/index.ts";
import { writeConditionsOf } from "../../protocol/conditions.ts";
import { invalidArgument, S3Error } from "../../protocol/errors.ts";
import {
  MAX_COMPLETE_BYTES,
  type NamedPart,
  parseCompleteMultipartUpload,
  writeCompleteMultipartUpload,
  writeInitiateMultipartUpload,
  writeListParts,
} from "../../protocol/messages/index.ts";
import type { Checksum, ChecksumAlgorithm, Upload, UploadPart } from "../../store/object-store.ts";
import { hashWholeNow } from "../hashing/body-hashes.ts";
import { sendEmpty, sendXml } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import { retentionForUpload } from "../retention.ts";
import { readDocument } from "./documents.ts";
import { ownerNamed, PAGE_LIMIT, readCount } from "./listing-arguments.ts";
import { addExpirationHeader } from "./object-headers.ts";
import { readNewMetadata } from "./object-writes.ts";

export async function createMultipartUpload(cx: RequestContext): Promise<void> {
  const { bucket, key } = cx.route;
  if (!cx.user) throw new S3Error("AccessDenied", { message: "Anonymous users cannot initiate multipart uploads." });
  const metadata = readNewMetadata(cx);
  const algorithmText = cx.amzHeader("x-amz-checksum-algorithm");
  const typeText = cx.amzHeader("x-amz-checksum-type");
  if (typeText !== undefined && algorithmText === undefined) {
    throw new S3Error("InvalidRequest", {
      message: "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    });
  }
  const algorithm = algorithmText === undefined ? undefined : parseAlgorithm(algorithmText, "x-amz-checksum-algorithm");
  const type = algorithm === undefined ? undefined : checksumTypeOf(algorithm, typeText);
  const retention = retentionForUpload(cx, key, metadata);
  const upload = await cx.service.store.createUpload({
    bucket,
    key,
    metadata,
    retention,
    owner: cx.user.name,
    checksumAlgorithm: algorithm,
    checksumType: type,
  });
  if (algorithm && type) {
    cx.addHeader("x-amz-checksum-algorithm", algorithm);
    cx.addHeader("x-amz-checksum-type", type);
  }
  if (retention) addExpirationHeader(cx, retention.expiresMs, retention.ruleKey);
  sendXml(cx, 200, writeInitiateMultipartUpload(upload));
}

/** The upload that the query names. @throws StoreError NO_SUCH_UPLOAD */
export async function findUpload(cx: RequestContext): Promise<Upload> {
  const { bucket, key, query } = cx.route;
  return await cx.service.store.upload(bucket, key, query.get("uploadId") ?? "");
}

export async function listParts(cx: RequestContext): Promise<void> {
  const { bucket, key, query } = cx.route;
  const upload = await findUpload(cx);
  const limit = readCount(query, "max-parts");
  const markerText = query.get("part-number-marker") ?? "0";
  if (!/^\d{1,9}$/.test(markerText)) {
    throw invalidArgument("part-number-marker must be a whole number", "part-number-marker", markerText);
  }
  const after = Number(markerText);
  const found = limit === 0 ? [] : await cx.service.store.listParts(bucket, key, upload.uploadId, after, limit + 1);
  sendXml(
    cx,
    200,
    writeListParts({
      upload,
      owner: ownerNamed(upload.owner),
      parts: found.slice(0, limit),
      partNumberMarker: after,
      maxParts: limit,
      isTruncated: found.length > limit,
    }),
  );
}

export async function abortMultipartUpload(cx: RequestContext): Promise<void> {
  const { bucket, key, query } = cx.route;
  await cx.service.store.abortUpload(bucket, key, query.get("uploadId") ?? "");
  sendEmpty(cx, 204);
}

export async function completeMultipartUpload(cx: RequestContext): Promise<void> {
  const { bucket, key } = cx.route;
  const { store, minPartBytes } = cx.service;
  const conditions = writeConditionsOf(cx.headers);
  const upload = await findUpload(cx);
  const named = parseCompleteMultipartUpload(await readDocument(cx, MAX_COMPLETE_BYTES));
  const parts = await findParts(cx, upload, named);
  checkSize(cx, parts);
  const checksum = checksumOf(upload, parts);
  checkGivenChecksum(cx, checksum);
  const result = await store.completeUpload({
    bucket,
    key,
    uploadId: upload.uploadId,
    parts: named.map(({ partNumber, etag }) => ({ partNumber, etag })),
    conditions,
    checksum,
    minPartBytes,
  });
  if (result.versionId !== undefined) cx.addHeader("x-amz-version-id", result.versionId);
  if (upload.retention) addExpirationHeader(cx, upload.retention.expiresMs, upload.retention.ruleKey);
  const location = `${cx.isSecure ? "https" : "http"}://${cx.host}/${bucket}/${encodeURI(key)}`;
  sendXml(cx, 200, writeCompleteMultipartUpload({ location, bucket, key, etag: result.etag, checksum }));
}

/** The parts that the client names, as they are in the store. @throws S3Error InvalidPart */
async function findParts(cx: RequestContext, upload: Upload, named: readonly NamedPart[]): Promise<UploadPart[]> {
  const { bucket, key, uploadId } = upload;
  const known = new Map<number, UploadPart>();
  const last = named.at(-1)?.partNumber ?? 0;
  for (let after = 0; after < last; ) {
    const page = await cx.service.store.listParts(bucket, key, uploadId, after, PAGE_LIMIT);
    for (const part of page) known.set(part.partNumber, part);
    const end = page.at(-1);
    if (!end || page.length < PAGE_LIMIT) break;
    after = end.partNumber;
  }
  return named.map(({ partNumber, etag, checksum }) => {
    const part = known.get(partNumber);
    if (!part || part.etag !== etag) throw invalidPart(upload, partNumber, etag);
    if (checksum) {
      decodeChecksum(checksum.algorithm, checksum.value);
      const isOther = part.checksum?.algorithm !== checksum.algorithm || part.checksum.value !== checksum.value;
      if (isOther) throw invalidPart(upload, partNumber, etag);
    }
    return part;
  });
}

function invalidPart({ uploadId }: Upload, partNumber: number, etag: string): S3Error {
  return new S3Error("InvalidPart", { fields: { UploadId: uploadId, PartNumber: String(partNumber), ETag: etag } });
}

/** `x-amz-mp-object-size`: what the client believes the whole to be. */
function checkSize(cx: RequestContext, parts: readonly UploadPart[]): void {
  const text = cx.headers.get("x-amz-mp-object-size");
  if (text === undefined) return;
  let sizeBytes = 0;
  for (const part of parts) sizeBytes += part.sizeBytes;
  if (text === String(sizeBytes)) return;
  throw new S3Error("InvalidRequest", {
    message: `The provided 'x-amz-mp-object-size' header value ${text.slice(0, 20)} does not match what was computed: ${sizeBytes}`,
  });
}

function checksumOf(upload: Upload, parts: readonly PartToCombine[]): Checksum | undefined {
  const { checksumAlgorithm, checksumType } = upload;
  if (!checksumAlgorithm || !checksumType) return undefined;
  return combineChecksums(checksumAlgorithm, checksumType, parts, digestNow);
}

/** The checksum of the parts' checksums. CRC64NVME is never combined so. */
function digestNow(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Uint8Array {
  if (algorithm === "CRC64NVME") throw new RangeError("CRC64NVME has no composite form");
  return Buffer.from(hashWholeNow(bytes, false, algorithm).checksum ?? "", "base64");
}

/** A checksum of the whole that the client gives when it completes. */
function checkGivenChecksum(cx: RequestContext, checksum: Checksum | undefined): void {
  if (!checksum) return;
  const given = cx.headers.get(checksumHeader(checksum.algorithm));
  const isOfWhole = cx.headers.get("x-amz-checksum-type") !== undefined || given?.includes("-");
  if (given === undefined || !isOfWhole || given === checksum.value) return;
  throw new S3Error("BadDigest", {
    message: `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
  });
}
