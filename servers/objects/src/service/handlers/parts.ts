import { S3Error } from "../../protocol/errors.ts";
import { parsePartNumber, writeCopyResult } from "../../protocol/messages/index.ts";
import { type ByteRange, parseCopySourceRange } from "../../protocol/ranges.ts";
import type { ChecksumAlgorithm, OpenObject, Upload, UploadPart } from "../../store/object-store.ts";
import { MAX_OBJECT_BYTES, readBodyPlan } from "../body/body-plan.ts";
import { hashWhileWriting } from "../body/hashed-write.ts";
import { storeBody } from "../body/receive-body.ts";
import { reserveMemory } from "../body/reserve-memory.ts";
import { digestOf } from "../hashing/body-hashes.ts";
import { HASHER_BYTES } from "../hashing/hash-threads.ts";
import { sendEmpty, sendXml } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import { openSource } from "./copies.ts";
import { addChecksum } from "./object-headers.ts";
import { refuseUnsupported } from "./put-headers.ts";
import { findUpload } from "./uploads.ts";

export async function uploadPart(cx: RequestContext): Promise<void> {
  const { bucket, key, query } = cx.route;
  refuseUnsupported(cx);
  const partNumber = parsePartNumber(query.get("partNumber") ?? "");
  const upload = await findUpload(cx);
  const plan = readBodyPlan(cx, MAX_OBJECT_BYTES, upload.checksumAlgorithm);
  checkAlgorithm(upload, plan.claim?.algorithm);
  const { storageClass } = upload.metadata;
  const part = { bucket, key, uploadId: upload.uploadId, partNumber, storageClass };
  const { digest } = await storeBody(cx, plan, () => cx.service.store.putPart(part, plan.sizeBytes));
  cx.addHeader("etag", `"${digest.etag}"`);
  if (digest.checksum) addChecksum(cx, digest.checksum);
  sendEmpty(cx, 200);
}

function checkAlgorithm({ checksumAlgorithm }: Upload, given: ChecksumAlgorithm | undefined): void {
  if (checksumAlgorithm === undefined || given === undefined || given === checksumAlgorithm) return;
  throw new S3Error("InvalidRequest", {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${checksumAlgorithm.toLowerCase()}, actual checksum Type: ${given.toLowerCase()}`,
  });
}

export async function uploadPartCopy(cx: RequestContext): Promise<void> {
  const { bucket, key, query } = cx.route;
  const partNumber = parsePartNumber(query.get("partNumber") ?? "");
  const upload = await findUpload(cx);
  const opened = await openSource(cx);
  const { object } = opened;
  try {
    const rangeText = cx.headers.get("x-amz-copy-source-range");
    const { sizeBytes, versionId } = object.entry;
    const range = rangeText === undefined ? { start: 0, end: sizeBytes } : parseCopySourceRange(rangeText, sizeBytes);
    if (range.end - range.start > MAX_OBJECT_BYTES) throw new S3Error("EntityTooLarge");
    const { storageClass } = upload.metadata;
    const part = { bucket, key, uploadId: upload.uploadId, partNumber, storageClass };
    const stored = await copyPart(cx, object, range, part, upload.checksumAlgorithm);
    if (opened.bucket.versioning !== "off") cx.addHeader("x-amz-copy-source-version-id", versionId);
    sendXml(cx, 200, writeCopyResult("CopyPartResult", stored));
  } finally {
    object.close();
  }
}

async function copyPart(
  cx: RequestContext,
  object: OpenObject,
  { start, end }: ByteRange,
  part: Parameters<RequestContext["service"]["store"]["putPart"]>[0],
  algorithm: ChecksumAlgorithm | undefined,
): Promise<UploadPart> {
  const { hashThreads, store } = cx.service;
  const reservation = await reserveMemory(cx, HASHER_BYTES);
  try {
    const request = { sha256: false, checksum: algorithm };
    return await hashWhileWriting(
      hashThreads,
      request,
      () => store.putPart(part, end - start),
      async (body) => {
        for await (const chunk of object.read(start, end)) await body.take(chunk);
        return await body.commit(digestOf(await body.digest(), algorithm));
      },
    );
  } finally {
    reservation.release();
  }
}
