/** What may be done with a place, by method. */
type Methods = Readonly<Partial<Record<"GET" | "HEAD" | "PUT" | "POST" | "DELETE", string>>>;

interface Selected {
  readonly bucket?: Methods;
  readonly object?: Methods;
}

/** Without a sub-resource. */
export const PLAIN_OPERATIONS = {
  service: { GET: "ListBuckets" },
  bucket: {
    GET: "ListObjects",
    HEAD: "HeadBucket",
    PUT: "CreateBucket",
    POST: "PostObject",
    DELETE: "DeleteBucket",
  },
  object: { GET: "GetObject", HEAD: "HeadObject", PUT: "PutObject", DELETE: "DeleteObject" },
} as const satisfies Record<string, Methods>;

/**
 * Which query parameter selects which operation. Every other parameter is an argument or is passed over, as S3 does.
 *
 * @see Amazon S3 API Reference, request syntax of each operation
 */
export const SUB_RESOURCES = {
  abac: { bucket: { GET: "GetBucketAbac", PUT: "PutBucketAbac" } },
  accelerate: { bucket: { GET: "GetBucketAccelerateConfiguration", PUT: "PutBucketAccelerateConfiguration" } },
  acl: {
    bucket: { GET: "GetBucketAcl", PUT: "PutBucketAcl" },
    object: { GET: "GetObjectAcl", PUT: "PutObjectAcl" },
  },
  analytics: {
    bucket: {
      GET: "GetBucketAnalyticsConfiguration",
      PUT: "PutBucketAnalyticsConfiguration",
      DELETE: "DeleteBucketAnalyticsConfiguration",
    },
  },
  attributes: { object: { GET: "GetObjectAttributes" } },
  cors: { bucket: { GET: "GetBucketCors", PUT: "PutBucketCors", DELETE: "DeleteBucketCors" } },
  delete: { bucket: { POST: "DeleteObjects" } },
  encryption: {
    bucket: { GET: "GetBucketEncryption", PUT: "PutBucketEncryption", DELETE: "DeleteBucketEncryption" },
    object: { PUT: "UpdateObjectEncryption" },
  },
  "intelligent-tiering": {
    bucket: {
      GET: "GetBucketIntelligentTieringConfiguration",
      PUT: "PutBucketIntelligentTieringConfiguration",
      DELETE: "DeleteBucketIntelligentTieringConfiguration",
    },
  },
  inventory: {
    bucket: {
      GET: "GetBucketInventoryConfiguration",
      PUT: "PutBucketInventoryConfiguration",
      DELETE: "DeleteBucketInventoryConfiguration",
    },
  },
  "legal-hold": { object: { GET: "GetObjectLegalHold", PUT: "PutObjectLegalHold" } },
  lifecycle: {
    bucket: {
      GET: "GetBucketLifecycleConfiguration",
      PUT: "PutBucketLifecycleConfiguration",
      DELETE: "DeleteBucketLifecycle",
    },
  },
  location: { bucket: { GET: "GetBucketLocation" } },
  logging: { bucket: { GET: "GetBucketLogging", PUT: "PutBucketLogging" } },
  metadataConfiguration: {
    bucket: {
      GET: "GetBucketMetadataConfiguration",
      POST: "CreateBucketMetadataConfiguration",
      DELETE: "DeleteBucketMetadataConfiguration",
    },
  },
  metadataInventoryTable: { bucket: { PUT: "UpdateBucketMetadataInventoryTableConfiguration" } },
  metadataJournalTable: { bucket: { PUT: "UpdateBucketMetadataJournalTableConfiguration" } },
  metadataTable: {
    bucket: {
      GET: "GetBucketMetadataTableConfiguration",
      POST: "CreateBucketMetadataTableConfiguration",
      DELETE: "DeleteBucketMetadataTableConfiguration",
    },
  },
  metrics: {
    bucket: {
      GET: "GetBucketMetricsConfiguration",
      PUT: "PutBucketMetricsConfiguration",
      DELETE: "DeleteBucketMetricsConfiguration",
    },
  },
  notification: {
    bucket: { GET: "GetBucketNotificationConfiguration", PUT: "PutBucketNotificationConfiguration" },
  },
  "object-lock": { bucket: { GET: "GetObjectLockConfiguration", PUT: "PutObjectLockConfiguration" } },
  ownershipControls: {
    bucket: {
      GET: "GetBucketOwnershipControls",
      PUT: "PutBucketOwnershipControls",
      DELETE: "DeleteBucketOwnershipControls",
    },
  },
  policy: { bucket: { GET: "GetBucketPolicy", PUT: "PutBucketPolicy", DELETE: "DeleteBucketPolicy" } },
  policyStatus: { bucket: { GET: "GetBucketPolicyStatus" } },
  publicAccessBlock: {
    bucket: { GET: "GetPublicAccessBlock", PUT: "PutPublicAccessBlock", DELETE: "DeletePublicAccessBlock" },
  },
  renameObject: { object: { PUT: "RenameObject" } },
  replication: {
    bucket: { GET: "GetBucketReplication", PUT: "PutBucketReplication", DELETE: "DeleteBucketReplication" },
  },
  requestPayment: { bucket: { GET: "GetBucketRequestPayment", PUT: "PutBucketRequestPayment" } },
  restore: { object: { POST: "RestoreObject" } },
  retention: { object: { GET: "GetObjectRetention", PUT: "PutObjectRetention" } },
  select: { object: { POST: "SelectObjectContent" } },
  session: { bucket: { GET: "CreateSession" } },
  tagging: {
    bucket: { GET: "GetBucketTagging", PUT: "PutBucketTagging", DELETE: "DeleteBucketTagging" },
    object: { GET: "GetObjectTagging", PUT: "PutObjectTagging", DELETE: "DeleteObjectTagging" },
  },
  torrent: { object: { GET: "GetObjectTorrent" } },
  uploadId: {
    object: {
      GET: "ListParts",
      PUT: "UploadPart",
      POST: "CompleteMultipartUpload",
      DELETE: "AbortMultipartUpload",
    },
  },
  uploads: { bucket: { GET: "ListMultipartUploads" }, object: { POST: "CreateMultipartUpload" } },
  versioning: { bucket: { GET: "GetBucketVersioning", PUT: "PutBucketVersioning" } },
  versions: { bucket: { GET: "ListObjectVersions" } },
  website: { bucket: { GET: "GetBucketWebsite", PUT: "PutBucketWebsite", DELETE: "DeleteBucketWebsite" } },
} as const satisfies Record<string, Selected>;

type OperationsOf<T> = T extends string ? T : { [Key in keyof T]: OperationsOf<T[Key]> }[keyof T];

/** The configurations of which a bucket has many, by `id`: a GET without it lists them. */
export const LISTED_CONFIGURATIONS = {
  GetBucketAnalyticsConfiguration: "ListBucketAnalyticsConfigurations",
  GetBucketIntelligentTieringConfiguration: "ListBucketIntelligentTieringConfigurations",
  GetBucketInventoryConfiguration: "ListBucketInventoryConfigurations",
  GetBucketMetricsConfiguration: "ListBucketMetricsConfigurations",
} as const;

/** Every operation that a request can mean, under the name that S3 gives it. */
export type Operation =
  | OperationsOf<typeof PLAIN_OPERATIONS>
  | OperationsOf<typeof SUB_RESOURCES>
  | OperationsOf<typeof LISTED_CONFIGURATIONS>
  | "ListObjectsV2"
  | "CopyObject"
  | "UploadPartCopy"
  | "Preflight";
