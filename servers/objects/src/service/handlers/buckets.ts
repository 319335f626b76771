import { FIXED_DOCUMENTS, writeOwnerAcl, writePolicyStatus } from "../../protocol/documents/fixed-documents.ts";
import type { S3ErrorCode } from "../../protocol/error-codes.ts";
import { invalidArgument, S3Error } from "../../protocol/errors.ts";
import {
  isOwnersAcl,
  parseCreateBucketConfiguration,
  writeListAllMyBuckets,
  writeLocationConstraint,
  writeVersioningConfiguration,
} from "../../protocol/messages/index.ts";
import { isNewBucketName } from "../../protocol/routing/index.ts";
import { type Bucket, StoreError } from "../../store/object-store.ts";
import { isAllowed, isDenied, wishFor } from "../authorize.ts";
import { sendEmpty, sendXml } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import { auditActor, readOptionalBody } from "./documents.ts";
import { ownerNamed } from "./listing-arguments.ts";

const BUCKET_PAGE_LIMIT = 10_000;

/** Those the user owns or may list: a user who may see nothing sees an empty list. */
export async function listBuckets(cx: RequestContext): Promise<void> {
  const { query } = cx.route;
  const { user, service } = cx;
  const wish = { action: "s3:listallmybuckets", bucketName: "", bucket: undefined, key: "" };
  if (!user || isDenied(cx, wish)) throw new S3Error("AccessDenied");
  const prefix = query.get("prefix");
  const token = query.get("continuation-token");
  const after = token === undefined ? "" : Buffer.from(token, "base64url").toString("utf8");
  const limit = readBucketLimit(query.get("max-buckets"));
  const page: Bucket[] = [];
  let isTruncated = false;
  for (const bucket of service.store.buckets().toSorted(byName)) {
    if (bucket.name <= after || (prefix !== undefined && !bucket.name.startsWith(prefix))) continue;
    if (bucket.owner !== user.name && !isAllowed(cx, wishFor("s3:listbucket", bucket))) continue;
    if (page.length === limit) {
      isTruncated = true;
      break;
    }
    page.push(bucket);
  }
  const last = page.at(-1);
  const nextToken = isTruncated && last ? Buffer.from(last.name).toString("base64url") : undefined;
  const { region } = service;
  const listing = {
    owner: ownerNamed(user.name),
    buckets: page.map(({ name, createdMs }) => ({ name, createdMs, region })),
    ...(prefix === undefined ? {} : { prefix }),
    ...(nextToken === undefined ? {} : { continuationToken: nextToken }),
  };
  sendXml(cx, 200, writeListAllMyBuckets(listing));
}

/** Names are ASCII, so their characters compare as their bytes do. */
function byName(a: Bucket, b: Bucket): number {
  return a.name < b.name ? -1 : 1;
}

function readBucketLimit(text: string | undefined): number {
  if (text === undefined) return BUCKET_PAGE_LIMIT;
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= BUCKET_PAGE_LIMIT) return value;
  throw invalidArgument("Argument max-buckets must be an integer between 1 and 10000", "max-buckets", text);
}

function takenName({ name, owner }: Bucket, userName: string): S3Error {
  const code = owner === userName ? "BucketAlreadyOwnedByYou" : "BucketAlreadyExists";
  return new S3Error(code, { fields: { BucketName: name } });
}

export async function createBucket(cx: RequestContext): Promise<void> {
  const { service, user } = cx;
  const name = cx.route.bucket;
  if (!user) throw new S3Error("AccessDenied");
  if (!isNewBucketName(name)) throw new S3Error("InvalidBucketName", { fields: { BucketName: name } });
  refuseAcl(cx);
  if (cx.headers.get("x-amz-bucket-object-lock-enabled")?.toLowerCase() === "true") {
    throw new S3Error("NotImplemented", { message: "Object lock is not implemented" });
  }
  const region = parseCreateBucketConfiguration(await readOptionalBody(cx));
  if (region !== undefined && region !== service.region) throw new S3Error("IllegalLocationConstraintException");
  if (cx.bucket) throw takenName(cx.bucket, user.name);
  let owned = 0;
  for (const bucket of service.store.buckets()) if (bucket.owner === user.name) owned += 1;
  if (owned >= service.maxBucketsPerUser) throw new S3Error("TooManyBuckets");
  try {
    await service.store.createBucket({ name, owner: user.name, nowMs: cx.nowMs });
  } catch (error) {
    // Somebody was faster; perhaps the same user.
    const winner = service.store.bucket(name);
    if (error instanceof StoreError && error.code === "BUCKET_EXISTS" && winner) throw takenName(winner, user.name);
    throw error;
  }
  service.audit.record("bucket.created", auditActor(cx), { bucket: name });
  cx.addHeader("location", `/${name}`);
  sendEmpty(cx, 200);
}

export async function deleteBucket(cx: RequestContext): Promise<void> {
  const { name } = cx.ownBucket;
  await cx.service.store.deleteBucket(name);
  cx.service.audit.record("bucket.deleted", auditActor(cx), { bucket: name });
  sendEmpty(cx, 204);
}

export async function headBucket(cx: RequestContext): Promise<void> {
  cx.addHeader("x-amz-bucket-region", cx.service.region);
  cx.addHeader("x-amz-access-point-alias", "false");
  cx.addHeader("content-type", "application/xml");
  sendEmpty(cx, 200);
}

export async function getBucketLocation(cx: RequestContext): Promise<void> {
  sendXml(cx, 200, writeLocationConstraint(cx.service.region));
}

export async function getBucketVersioning(cx: RequestContext): Promise<void> {
  sendXml(cx, 200, writeVersioningConfiguration(cx.ownBucket.versioning));
}

export async function getAcl(cx: RequestContext): Promise<void> {
  if (cx.route.key !== "") await requireObject(cx);
  sendXml(cx, 200, writeOwnerAcl(cx.ownBucket.owner));
}

async function requireObject(cx: RequestContext): Promise<void> {
  const { bucket, key, query } = cx.route;
  const versionId = query.get("versionId");
  const entry = await cx.service.store.head(bucket, key, versionId);
  if (!entry || entry.isDeleteMarker) {
    throw new S3Error(versionId === undefined ? "NoSuchKey" : "NoSuchVersion", { fields: { Key: key } });
  }
}

/** ACLs give no rights here; what says the same as having none is taken, anything else refused as S3 does. */
export async function putAcl(cx: RequestContext): Promise<void> {
  refuseAcl(cx);
  if (cx.headers.get("x-amz-acl") === undefined) {
    const body = await readOptionalBody(cx);
    if (body.length === 0) throw new S3Error("MissingSecurityHeader");
    if (!isOwnersAcl(body, cx.ownBucket.owner)) throw new S3Error("AccessControlListNotSupported");
  }
  if (cx.route.key !== "") await requireObject(cx);
  sendEmpty(cx, 200);
}

const HARMLESS_ACLS = new Set(["private", "bucket-owner-full-control"]);

/** @throws S3Error AccessControlListNotSupported for an ACL that would give somebody something. */
export function refuseAcl(cx: RequestContext): void {
  const canned = cx.amzHeader("x-amz-acl");
  if (canned !== undefined && !HARMLESS_ACLS.has(canned)) throw new S3Error("AccessControlListNotSupported");
  for (const name of cx.headers.names) {
    if (name.startsWith("x-amz-grant-")) throw new S3Error("AccessControlListNotSupported");
  }
}

export async function getPolicyStatus(cx: RequestContext): Promise<void> {
  const policy = cx.service.documents.policy(cx.ownBucket);
  if (!policy) throw new S3Error("NoSuchBucketPolicy");
  const isPublic = policy.statements.some(
    ({ effect, principal, conditions }) =>
      effect === "Allow" && principal?.kind === "everyone" && conditions.length === 0,
  );
  sendXml(cx, 200, writePolicyStatus(isPublic));
}

/** Answers of sub-resources that cannot be changed here. */
export function fixedAnswer(name: keyof typeof FIXED_DOCUMENTS) {
  return async (cx: RequestContext): Promise<void> => sendXml(cx, 200, FIXED_DOCUMENTS[name]);
}

/** Sub-resources that nobody can have set: asking for one says so, deleting one does nothing. */
export function absentAnswer(code: S3ErrorCode) {
  return (): Promise<void> => Promise.reject(new S3Error(code));
}

export async function nothingToDelete(cx: RequestContext): Promise<void> {
  sendEmpty(cx, 204);
}
