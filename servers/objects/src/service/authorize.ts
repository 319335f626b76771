import { evaluatePolicies, type Verdict } from "../engine/policy/evaluate.ts";
import type { Policy } from "../engine/policy/policy.ts";
import { S3Error } from "../protocol/errors.ts";
import { parseTaggingHeader, type Tags } from "../protocol/messages/index.ts";
import type { Bucket } from "../store/object-store.ts";
import type { RequestContext } from "./request-context.ts";

/** Something a request wants to do. */
export interface Wish {
  /** In lower case: `s3:getobject`. */
  readonly action: string;
  /** Empty for the service. */
  readonly bucketName: string;
  /** Undefined for a bucket that is to be made: nobody owns it and no policy of its own speaks. */
  readonly bucket: Bucket | undefined;
  /** Empty for the bucket itself. */
  readonly key: string;
  /** Tags of the object as it is, if {@link needsObjectTags} says that they count. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Tags that the request gives; those of its header `x-amz-tagging` if absent. */
  readonly requestTags?: Readonly<Record<string, string>> | undefined;
}

/** What a bucket's owner may do whatever the bucket's own policy says, so that nobody locks himself out. */
const OWNER_RESCUE = new Set(["s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"]);

/** @throws S3Error AccessDenied */
export function authorize(cx: RequestContext, wish: Wish): void {
  if (!isAllowed(cx, wish)) throw new S3Error("AccessDenied");
}

/** Refuses a bucket that is not whose the client thinks. @throws S3Error AccessDenied */
export function checkOwner(bucket: Bucket, expected: string | undefined): void {
  if (expected !== undefined && expected !== bucket.owner) throw new S3Error("AccessDenied");
}

/** Whether the policies of the user and of the bucket, and owning the bucket, allow it. */
export function isAllowed(cx: RequestContext, wish: Wish): boolean {
  const { user } = cx;
  const { bucket } = wish;
  const isOwner = user !== undefined && bucket !== undefined && bucket.owner === user.name;
  let bucketPolicy = bucket && cx.service.documents.policy(bucket);
  if (isOwner && OWNER_RESCUE.has(wish.action)) bucketPolicy = undefined;
  if (!bucketPolicy && user?.mayEverything) return true;
  const verdict = ask(cx, wish, bucketPolicy);
  return verdict === "allow" || (verdict === "none" && isOwner);
}

/** Whether a policy of the user's own denies it, which holds also for what is open to every user. */
export function isDenied(cx: RequestContext, wish: Wish): boolean {
  return ask(cx, wish, undefined) === "deny";
}

function ask(cx: RequestContext, wish: Wish, bucketPolicy: Policy | undefined): Verdict {
  const { user } = cx;
  const policies: Policy[] = user ? [...user.policies] : [];
  if (bucketPolicy) policies.push(bucketPolicy);
  return evaluatePolicies(policies, {
    principal: user ? { kind: "user", name: user.name } : { kind: "anonymous" },
    action: wish.action,
    resource: resourceOf(wish),
    lookup: (key) => lookUp(cx, wish, key),
  });
}

/** Whether some policy looks at the tags of the object, which must then be fetched before the decision. */
export function needsObjectTags(cx: RequestContext, bucket: Bucket): boolean {
  const { user } = cx;
  const bucketPolicy = cx.service.documents.policy(bucket);
  if (bucketPolicy?.needsObjectTags) return true;
  return user?.policies.some((policy) => policy.needsObjectTags) ?? false;
}

function resourceOf({ bucketName, key }: Wish): string {
  return key === "" ? bucketName : `${bucketName}/${key}`;
}

/** A wish about a bucket that is there. */
export function wishFor(action: string, bucket: Bucket, key = ""): Wish {
  return { action, bucketName: bucket.name, bucket, key };
}

const HEADER_KEYS: ReadonlyMap<string, string> = new Map([
  ["aws:referer", "referer"],
  ["aws:useragent", "user-agent"],
  ["s3:x-amz-acl", "x-amz-acl"],
  ["s3:x-amz-copy-source", "x-amz-copy-source"],
  ["s3:x-amz-metadata-directive", "x-amz-metadata-directive"],
  ["s3:x-amz-storage-class", "x-amz-storage-class"],
  ["s3:x-amz-server-side-encryption", "x-amz-server-side-encryption"],
  ["s3:if-match", "if-match"],
  ["s3:if-none-match", "if-none-match"],
]);

const QUERY_KEYS: ReadonlyMap<string, string> = new Map([
  ["s3:prefix", "prefix"],
  ["s3:delimiter", "delimiter"],
  ["s3:max-keys", "max-keys"],
  ["s3:versionid", "versionId"],
]);

const EXISTING_TAG = "s3:existingobjecttag/";
const REQUEST_TAG = "s3:requestobjecttag/";

/** The value of a condition key; every key that a policy may name has a case here. */
function lookUp(cx: RequestContext, wish: Wish, key: string): string | undefined {
  const header = HEADER_KEYS.get(key);
  if (header !== undefined) return cx.amzHeader(header);
  const parameter = QUERY_KEYS.get(key);
  if (parameter !== undefined) return cx.route.query.get(parameter);
  if (key.startsWith(EXISTING_TAG)) return own(wish.tags, key.slice(EXISTING_TAG.length));
  if (key.startsWith(REQUEST_TAG)) return own(wish.requestTags ?? taggingOf(cx), key.slice(REQUEST_TAG.length));
  const { authentication } = cx;
  const isSigned = authentication !== undefined && authentication.kind !== "anonymous";
  switch (key) {
    case "aws:sourceip":
      return cx.remoteAddress;
    case "aws:securetransport":
      return String(cx.isSecure);
    case "aws:username":
      return cx.user?.name;
    case "aws:currenttime":
      return String(cx.nowMs);
    case "aws:epochtime":
      return String(Math.floor(cx.nowMs / 1_000));
    case "s3:authtype":
      return isSigned ? (authentication.kind === "header" ? "REST-HEADER" : "REST-QUERY-STRING") : undefined;
    case "s3:signatureversion":
      return isSigned ? "AWS4-HMAC-SHA256" : undefined;
    case "s3:signatureage":
      return isSigned ? String(cx.nowMs - authentication.signedAtMs) : undefined;
    case "s3:x-amz-content-sha256":
      return cx.headers.get("x-amz-content-sha256");
    default:
      throw new RangeError(`Condition key "${key}" was let into a policy but has no value here`);
  }
}

/** Tags that an upload gives by header. @throws S3Error InvalidTag */
function taggingOf(cx: RequestContext): Tags | undefined {
  const header = cx.amzHeader("x-amz-tagging");
  return header === undefined ? undefined : parseTaggingHeader(header);
}

function own(tags: Readonly<Record<string, string>> | undefined, name: string): string | undefined {
  return tags && Object.hasOwn(tags, name) ? tags[name] : undefined;
}
