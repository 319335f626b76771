import { readCors, writeCors } from "../../protocol/documents/cors-document.ts";
import { readLifecycle, writeLifecycle } from "../../protocol/documents/lifecycle-document.ts";
import { POLICY_LIMIT_BYTES, readPolicy } from "../../protocol/documents/policy-document.ts";
import type { S3ErrorCode } from "../../protocol/error-codes.ts";
import { S3Error } from "../../protocol/errors.ts";
import {
  MAX_BUCKET_TAGS,
  parseTagging,
  parseVersioningConfiguration,
  writeTagging,
} from "../../protocol/messages/index.ts";
import { MAX_XML_BYTES, parseXml, type XmlElement } from "../../protocol/xml/index.ts";
import type { AuditActor } from "../audit-log.ts";
import { readBodyPlan } from "../body/body-plan.ts";
import { receiveDocument } from "../body/receive-body.ts";
import { DOCUMENTS } from "../bucket-documents.ts";
import { sendBytes, sendEmpty, sendXml } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import { checkTransitionClasses } from "../tier-rules.ts";

type DocumentName = keyof typeof DOCUMENTS;

/** Who did it, for the audit log. */
export function auditActor(cx: RequestContext): AuditActor {
  return { who: cx.userName, from: cx.remoteAddress, requestId: cx.id };
}

/** The request's body as it came. @throws S3Error MaxMessageLengthExceeded */
async function readBody(cx: RequestContext, maxBytes = MAX_XML_BYTES): Promise<Buffer> {
  try {
    return await receiveDocument(cx, readBodyPlan(cx, maxBytes));
  } catch (error) {
    if (error instanceof S3Error && error.code === "EntityTooLarge") {
      throw new S3Error("MaxMessageLengthExceeded", { cause: error });
    }
    throw error;
  }
}

/** The request's body, which must be there. @throws S3Error MissingRequestBodyError, MaxMessageLengthExceeded */
export async function readDocument(cx: RequestContext, maxBytes = MAX_XML_BYTES): Promise<Buffer> {
  const bytes = await readBody(cx, maxBytes);
  if (bytes.length === 0) throw new S3Error("MissingRequestBodyError");
  return bytes;
}

async function readXml(cx: RequestContext): Promise<XmlElement> {
  return parseXml(await readDocument(cx));
}

/** As {@link readBody}; empty if the request says nothing of a body. */
export async function readOptionalBody(cx: RequestContext): Promise<Buffer> {
  const { headers } = cx;
  if (!headers.has("content-length") && !headers.has("transfer-encoding")) return Buffer.alloc(0);
  return await readBody(cx);
}

async function change(cx: RequestContext, name: DocumentName, value: string | undefined): Promise<void> {
  const { bucket } = cx.route;
  await cx.service.store.updateBucket(bucket, { documents: { [DOCUMENTS[name]]: value } });
  const what = value === undefined ? "removed" : "changed";
  cx.service.audit.record(`bucket.${name}_${what}`, auditActor(cx), { bucket, document: value });
}

function stored(cx: RequestContext, name: DocumentName, absent: S3ErrorCode): string {
  const text = cx.ownBucket.documents[DOCUMENTS[name]];
  if (text === undefined) throw new S3Error(absent, { fields: { BucketName: cx.route.bucket } });
  return text;
}

/** Sends a document as it is stored. */
export function getDocument(name: DocumentName, absent: S3ErrorCode) {
  return async (cx: RequestContext): Promise<void> => sendXml(cx, 200, stored(cx, name, absent));
}

/** Removes a document; S3 says nothing of whether there was one. */
export function deleteDocument(name: DocumentName) {
  return async (cx: RequestContext): Promise<void> => {
    if (cx.ownBucket.documents[DOCUMENTS[name]] !== undefined) await change(cx, name, undefined);
    sendEmpty(cx, 204);
  };
}

export async function putCors(cx: RequestContext): Promise<void> {
  await change(cx, "cors", writeCors(readCors(await readXml(cx))));
  sendEmpty(cx, 200);
}

export async function putLifecycle(cx: RequestContext): Promise<void> {
  const rules = readLifecycle(await readXml(cx));
  checkTransitionClasses(rules, cx.service.store.storageClasses);
  await change(cx, "lifecycle", writeLifecycle(rules));
  cx.service.onLifecycleChanged();
  sendEmpty(cx, 200);
}

export async function deleteLifecycle(cx: RequestContext): Promise<void> {
  await deleteDocument("lifecycle")(cx);
  cx.service.onLifecycleChanged();
}

export async function putBucketTagging(cx: RequestContext): Promise<void> {
  const tags = parseTagging(await readDocument(cx), MAX_BUCKET_TAGS);
  await change(cx, "tagging", writeTagging(tags));
  // S3 answers 204; its reference says 200, and minio-js takes nothing else.
  sendEmpty(cx, 200);
}

export async function putPolicy(cx: RequestContext): Promise<void> {
  const text = (await readBody(cx, POLICY_LIMIT_BYTES)).toString("utf8");
  readPolicy(text, cx.route.bucket);
  await change(cx, "policy", text);
  sendEmpty(cx, 204);
}

export async function getPolicy(cx: RequestContext): Promise<void> {
  sendBytes(cx, 200, "application/json", Buffer.from(stored(cx, "policy", "NoSuchBucketPolicy")));
}

export async function putVersioning(cx: RequestContext): Promise<void> {
  const versioning = parseVersioningConfiguration(await readDocument(cx));
  const { bucket } = cx.route;
  await cx.service.store.updateBucket(bucket, { versioning });
  cx.service.audit.record("bucket.versioning_changed", auditActor(cx), { bucket, versioning });
  sendEmpty(cx, 200);
}
