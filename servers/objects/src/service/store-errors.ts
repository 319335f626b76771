import type { S3ErrorCode } from "../protocol/error-codes.ts";
import { S3Error, type S3ErrorDetails } from "../protocol/errors.ts";
import { StoreError, type StoreErrorCode } from "../store/object-store.ts";

const CODES: Readonly<Record<StoreErrorCode, S3ErrorCode>> = {
  NO_SUCH_BUCKET: "NoSuchBucket",
  BUCKET_EXISTS: "BucketAlreadyExists",
  BUCKET_NOT_EMPTY: "BucketNotEmpty",
  NO_SUCH_KEY: "NoSuchKey",
  NO_SUCH_UPLOAD: "NoSuchUpload",
  INVALID_PART: "InvalidPart",
  INVALID_PART_ORDER: "InvalidPartOrder",
  PART_TOO_SMALL: "EntityTooSmall",
  PRECONDITION_FAILED: "PreconditionFailed",
  CONFLICT: "ConditionalRequestConflict",
  TOO_MANY_BUCKETS: "TooManyBuckets",
  DISK_FULL: "SlowDown",
  DISK_FAILED: "InternalError",
  TIER_MISSING: "ServiceUnavailable",
  CORRUPT: "InternalError",
  CHANGES_TRIMMED: "InternalError",
  READ_ONLY: "MethodNotAllowed",
  NOT_COPIED: "ServiceUnavailable",
  INCOMPLETE_BODY: "IncompleteBody",
  BUSY: "SlowDown",
  CLOSED: "ServiceUnavailable",
};

/** What is said beside the code; messages of the store may name files and stay in the log. */
const DETAILS: Readonly<Partial<Record<StoreErrorCode, S3ErrorDetails>>> = {
  DISK_FULL: {
    message: "The server's disk is full; reads and deletes go on. Please try again when space has been freed.",
    headers: { "retry-after": "60" },
  },
  NOT_COPIED: { headers: { "retry-after": "5" } },
  TIER_MISSING: {
    message: "The disk that holds this object is not available at the moment. Nothing is lost; please try again later.",
    headers: { "retry-after": "300" },
  },
  BUSY: { headers: { "retry-after": "1" } },
  CLOSED: { message: "The server is shutting down. Please try again.", headers: { "retry-after": "5" } },
};

/** Errors that a person must see: the log gets them with their cause. */
const ALARMING: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>([
  "DISK_FULL",
  "DISK_FAILED",
  "TIER_MISSING",
  "CORRUPT",
]);

/** Their messages name where to go instead, and nothing of the machine's. */
const TOLD: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>(["READ_ONLY", "NOT_COPIED"]);

/** What the client is told of any error, and whether the log must have it. */
export function toS3Error(error: unknown): { readonly answer: S3Error; readonly isAlarming: boolean } {
  if (error instanceof S3Error) return { answer: error, isAlarming: false };
  if (error instanceof StoreError) {
    const message = TOLD.has(error.code) ? { message: error.message } : undefined;
    const answer = new S3Error(CODES[error.code], { ...DETAILS[error.code], ...message, cause: error });
    return { answer, isAlarming: ALARMING.has(error.code) };
  }
  return { answer: new S3Error("InternalError", { cause: error }), isAlarming: true };
}
