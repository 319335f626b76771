import type { Operation } from "../../protocol/routing/index.ts";
import type { RequestContext } from "../request-context.ts";
import {
  absentAnswer,
  createBucket,
  deleteBucket,
  fixedAnswer,
  getAcl,
  getBucketLocation,
  getBucketVersioning,
  getPolicyStatus,
  headBucket,
  listBuckets,
  nothingToDelete,
  putAcl,
} from "./buckets.ts";
import { copyObject } from "./copies.ts";
import { deleteObjects } from "./delete-objects.ts";
import {
  deleteDocument,
  deleteLifecycle,
  getDocument,
  getPolicy,
  putBucketTagging,
  putCors,
  putLifecycle,
  putPolicy,
  putVersioning,
} from "./documents.ts";
import { listMultipartUploads, listObjects, listObjectsV2, listObjectVersions } from "./listings.ts";
import { deleteObjectTagging, getObjectAttributes, getObjectTagging, putObjectTagging } from "./object-details.ts";
import { getObject, headObject } from "./object-reads.ts";
import { deleteObject, putObject } from "./object-writes.ts";
import { uploadPart, uploadPartCopy } from "./parts.ts";
import { postObject } from "./post-object.ts";
import { preflight } from "./preflight.ts";
import { abortMultipartUpload, completeMultipartUpload, createMultipartUpload, listParts } from "./uploads.ts";

/** Answers a request that has been verified, routed and allowed. Undefined if that is done; it throws at once or rejects. */
export type Handler = (cx: RequestContext) => Promise<void> | undefined;

/** What answers each operation; the others are not implemented. */
export const HANDLERS: Readonly<Partial<Record<Operation, Handler>>> = {
  ListBuckets: listBuckets,
  CreateBucket: createBucket,
  DeleteBucket: deleteBucket,
  HeadBucket: headBucket,
  Preflight: preflight,

  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  ListMultipartUploads: listMultipartUploads,

  GetObject: getObject,
  HeadObject: headObject,
  PutObject: putObject,
  CopyObject: copyObject,
  PostObject: postObject,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  GetObjectAttributes: getObjectAttributes,
  GetObjectTagging: getObjectTagging,
  PutObjectTagging: putObjectTagging,
  DeleteObjectTagging: deleteObjectTagging,
  GetObjectAcl: getAcl,
  PutObjectAcl: putAcl,

  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,

  GetBucketCors: getDocument("cors", "NoSuchCORSConfiguration"),
  PutBucketCors: putCors,
  DeleteBucketCors: deleteDocument("cors"),
  GetBucketLifecycleConfiguration: getDocument("lifecycle", "NoSuchLifecycleConfiguration"),
  PutBucketLifecycleConfiguration: putLifecycle,
  DeleteBucketLifecycle: deleteLifecycle,
  GetBucketPolicy: getPolicy,
  PutBucketPolicy: putPolicy,
  DeleteBucketPolicy: deleteDocument("policy"),
  GetBucketPolicyStatus: getPolicyStatus,
  GetBucketTagging: getDocument("tagging", "NoSuchTagSet"),
  PutBucketTagging: putBucketTagging,
  DeleteBucketTagging: deleteDocument("tagging"),
  GetBucketVersioning: getBucketVersioning,
  PutBucketVersioning: putVersioning,
  GetBucketLocation: getBucketLocation,
  GetBucketAcl: getAcl,
  PutBucketAcl: putAcl,

  GetBucketRequestPayment: fixedAnswer("requestPayment"),
  GetBucketAccelerateConfiguration: fixedAnswer("accelerate"),
  GetBucketLogging: fixedAnswer("logging"),
  GetBucketNotificationConfiguration: fixedAnswer("notification"),
  GetBucketOwnershipControls: fixedAnswer("ownershipControls"),
  GetBucketEncryption: absentAnswer("ServerSideEncryptionConfigurationNotFoundError"),
  GetBucketWebsite: absentAnswer("NoSuchWebsiteConfiguration"),
  GetBucketReplication: absentAnswer("ReplicationConfigurationNotFoundError"),
  GetObjectLockConfiguration: absentAnswer("ObjectLockConfigurationNotFoundError"),
  GetPublicAccessBlock: absentAnswer("NoSuchPublicAccessBlockConfiguration"),
  DeleteBucketEncryption: nothingToDelete,
  DeleteBucketWebsite: nothingToDelete,
  DeleteBucketReplication: nothingToDelete,
  DeletePublicAccessBlock: nothingToDelete,
};
