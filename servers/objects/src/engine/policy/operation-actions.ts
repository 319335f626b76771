import type { Operation } from "../../protocol/routing/index.ts";

/** What a user must be allowed to do for an operation; the second is asked for when the request names a version. */
interface OperationActions {
  readonly action: string;
  readonly versionAction?: string;
}

const same = (action: string): OperationActions => ({ action });

/** In the place of an action: the handler judges. */
export const BY_HANDLER = "by-handler";

/**
 * Operations that are judged by their handlers: by what stands in their bodies, or not by a policy at all. Of any other
 * the action stands in the table below, and one that stands in neither is refused to everybody.
 */
const JUDGED_BY_HANDLER: ReadonlySet<Operation> = new Set<Operation>([
  "ListBuckets",
  "DeleteObjects",
  "PostObject",
  "PutObjectTagging",
  "Preflight",
]);

/**
 * The action of each operation that has one, in lower case. Sources of copies are asked for by their handlers too.
 *
 * @see Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"
 */
const ACTIONS: Readonly<Partial<Record<Operation, OperationActions>>> = {
  CreateBucket: same("s3:createbucket"),
  DeleteBucket: same("s3:deletebucket"),
  HeadBucket: same("s3:listbucket"),
  ListObjects: same("s3:listbucket"),
  ListObjectsV2: same("s3:listbucket"),
  ListObjectVersions: same("s3:listbucketversions"),
  ListMultipartUploads: same("s3:listbucketmultipartuploads"),
  GetBucketLocation: same("s3:getbucketlocation"),
  GetBucketVersioning: same("s3:getbucketversioning"),
  PutBucketVersioning: same("s3:putbucketversioning"),
  GetBucketTagging: same("s3:getbuckettagging"),
  PutBucketTagging: same("s3:putbuckettagging"),
  DeleteBucketTagging: same("s3:putbuckettagging"),
  GetBucketCors: same("s3:getbucketcors"),
  PutBucketCors: same("s3:putbucketcors"),
  DeleteBucketCors: same("s3:putbucketcors"),
  GetBucketLifecycleConfiguration: same("s3:getlifecycleconfiguration"),
  PutBucketLifecycleConfiguration: same("s3:putlifecycleconfiguration"),
  DeleteBucketLifecycle: same("s3:putlifecycleconfiguration"),
  GetBucketPolicy: same("s3:getbucketpolicy"),
  PutBucketPolicy: same("s3:putbucketpolicy"),
  DeleteBucketPolicy: same("s3:deletebucketpolicy"),
  GetBucketPolicyStatus: same("s3:getbucketpolicystatus"),
  GetBucketAcl: same("s3:getbucketacl"),
  PutBucketAcl: same("s3:putbucketacl"),
  GetBucketRequestPayment: same("s3:getbucketrequestpayment"),
  GetBucketEncryption: same("s3:getencryptionconfiguration"),
  DeleteBucketEncryption: same("s3:putencryptionconfiguration"),
  GetBucketLogging: same("s3:getbucketlogging"),
  GetBucketNotificationConfiguration: same("s3:getbucketnotification"),
  GetBucketWebsite: same("s3:getbucketwebsite"),
  DeleteBucketWebsite: same("s3:deletebucketwebsite"),
  GetBucketReplication: same("s3:getreplicationconfiguration"),
  DeleteBucketReplication: same("s3:putreplicationconfiguration"),
  GetObjectLockConfiguration: same("s3:getbucketobjectlockconfiguration"),
  GetBucketOwnershipControls: same("s3:getbucketownershipcontrols"),
  GetPublicAccessBlock: same("s3:getbucketpublicaccessblock"),
  DeletePublicAccessBlock: same("s3:putbucketpublicaccessblock"),
  GetBucketAccelerateConfiguration: same("s3:getaccelerateconfiguration"),

  GetObject: { action: "s3:getobject", versionAction: "s3:getobjectversion" },
  HeadObject: { action: "s3:getobject", versionAction: "s3:getobjectversion" },
  GetObjectAttributes: { action: "s3:getobjectattributes", versionAction: "s3:getobjectversionattributes" },
  GetObjectTagging: { action: "s3:getobjecttagging", versionAction: "s3:getobjectversiontagging" },
  DeleteObjectTagging: { action: "s3:deleteobjecttagging", versionAction: "s3:deleteobjectversiontagging" },
  GetObjectAcl: { action: "s3:getobjectacl", versionAction: "s3:getobjectversionacl" },
  PutObjectAcl: { action: "s3:putobjectacl", versionAction: "s3:putobjectversionacl" },
  DeleteObject: { action: "s3:deleteobject", versionAction: "s3:deleteobjectversion" },
  PutObject: same("s3:putobject"),
  CopyObject: same("s3:putobject"),
  CreateMultipartUpload: same("s3:putobject"),
  UploadPart: same("s3:putobject"),
  UploadPartCopy: same("s3:putobject"),
  CompleteMultipartUpload: same("s3:putobject"),
  AbortMultipartUpload: same("s3:abortmultipartupload"),
  ListParts: same("s3:listmultipartuploadparts"),
};

const OBJECT_READS: ReadonlySet<Operation> = new Set<Operation>(["GetObject", "HeadObject", "GetObjectAttributes"]);

/** The action to ask for, `by-handler`, or undefined for what nobody may. */
export function actionOf(operation: Operation, hasVersionId: boolean): string | undefined {
  if (JUDGED_BY_HANDLER.has(operation)) return BY_HANDLER;
  const actions = ACTIONS[operation];
  return hasVersionId ? (actions?.versionAction ?? actions?.action) : actions?.action;
}

/** Whether the operation changes nothing, so that a replica may answer it. */
export function isRead(operation: Operation): boolean {
  return operation === "Preflight" || /^(?:Get|Head|List)/.test(operation);
}

/** Whether an operation that finds no object may say so only to who may list the bucket. */
export function hidesAbsence(operation: Operation): boolean {
  return OBJECT_READS.has(operation);
}
