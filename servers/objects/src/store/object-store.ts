/**
 * The border between S3 and files: the service above calls it, the shard below implements it. All times are in ms since
 * 1970 and given by the caller's clock; sizes in bytes. Strings of metadata are kept as they are given.
 */

/** What fails for a reason the caller is told. `code` is API. */
export type StoreErrorCode =
  | "NO_SUCH_BUCKET"
  | "BUCKET_EXISTS"
  | "BUCKET_NOT_EMPTY"
  | "NO_SUCH_KEY"
  | "NO_SUCH_UPLOAD"
  | "INVALID_PART"
  | "INVALID_PART_ORDER"
  | "PART_TOO_SMALL"
  | "PRECONDITION_FAILED"
  | "CONFLICT"
  | "TOO_MANY_BUCKETS"
  | "DISK_FULL"
  | "DISK_FAILED"
  /** What is asked for lies on a disk that is not there at the moment. */
  | "TIER_MISSING"
  | "CORRUPT"
  | "CHANGES_TRIMMED"
  /** A replica takes no writes. */
  | "READ_ONLY"
  /** A replica that is not whole yet. */
  | "NOT_COPIED"
  /** Another number of bytes was written than was announced. */
  | "INCOMPLETE_BODY"
  /** Too many writes wait. */
  | "BUSY"
  | "CLOSED";

/** An error of the store; the message says what, where and how to mend it. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The checksums that today's SDKs send. Values are base64 as on the wire. */
export type ChecksumAlgorithm = "CRC32" | "CRC32C" | "CRC64NVME" | "SHA1" | "SHA256";

/** A checksum kept with an object or a part. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
  /** Of the whole object, or of the checksums of its parts. */
  readonly type: "FULL_OBJECT" | "COMPOSITE";
}

/** What is kept beside the bytes. */
export interface ObjectMetadata {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly contentDisposition?: string;
  readonly contentLanguage?: string;
  readonly cacheControl?: string;
  readonly expires?: string;
  readonly websiteRedirectLocation?: string;
  readonly storageClass?: string;
  /** `x-amz-meta-*`: names in lower case without the prefix; at most 2 KiB together. */
  readonly user: Readonly<Record<string, string>>;
  /** At most 10. */
  readonly tags: Readonly<Record<string, string>>;
}

/** A bucket. The documents are what the client put, parsed by the service; the store keeps them and reads none but the version state. */
export interface Bucket {
  readonly name: string;
  /** Never used twice. */
  readonly id: number;
  readonly owner: string;
  readonly createdMs: number;
  readonly versioning: "off" | "enabled" | "suspended";
  /** Serialized sub-resources by name: "lifecycle", "cors", "policy", "tagging", … */
  readonly documents: Readonly<Record<string, string>>;
}

/** A version of an object, or a delete marker. */
export interface ObjectEntry {
  readonly key: string;
  /** `"null"` where the bucket had no versioning when it was written. */
  readonly versionId: string;
  readonly isLatest: boolean;
  readonly isDeleteMarker: boolean;
  readonly sizeBytes: number;
  /** Without quotes: 32 hex digits, or those and `-count` for a completed upload. */
  readonly etag: string;
  readonly modifiedMs: number;
  /** When it is to be gone; undefined for never. */
  readonly expiresMs: number | undefined;
  readonly metadata: ObjectMetadata;
  readonly checksum: Checksum | undefined;
  /** Of a completed upload: the size of each part, by its number. */
  readonly parts: readonly ObjectPart[] | undefined;
}

/** A part of a completed upload. */
export interface ObjectPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly checksum: Checksum | undefined;
}

/** Conditions checked at the instant of the commit, atomically with it. */
export interface WriteConditions {
  /** `If-None-Match: *`: only if there is none. */
  readonly absent?: boolean;
  /** `If-Match`: only if the current etag is this one, without quotes; "*" is any. */
  readonly etag?: string;
}

/** How long an object is to be kept, as the bucket's rules say (the engine decides, see `engine/retention`). */
export interface Retention {
  /** When it expires. */
  readonly expiresMs: number;
  /** Which rule says so, and its length: objects of one rule share groups. */
  readonly ruleKey: string;
  readonly retentionMs: number;
}

export interface PutRequest {
  readonly bucket: string;
  readonly key: string;
  readonly metadata: ObjectMetadata;
  readonly retention: Retention | undefined;
  readonly conditions: WriteConditions;
}

/** What the service computed while the body arrived; given when the body has been verified and is to be committed. */
export interface BodyDigest {
  readonly etag: string;
  readonly checksum: Checksum | undefined;
}

/** Where a body goes while it arrives. Exactly one of `commit` and `abort` ends it; `abort` after `commit` does nothing. */
export interface BodyWriter<Result> {
  /** Takes the bytes (they may be reused after it resolves). Resolves when more may be given: this is the back-pressure. */
  write(bytes: Uint8Array): Promise<void>;
  /** The same for the whole body at once, which the caller gives away: it is not copied and must never change. */
  writeWhole(bytes: Uint8Array): Promise<void>;
  /** Resolves when the object is durable and visible. @throws StoreError */
  commit(digest: BodyDigest): Promise<Result>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}

export interface PutResult {
  readonly etag: string;
  readonly versionId: string | undefined;
  readonly modifiedMs: number;
}

export interface DeleteRequest {
  readonly bucket: string;
  readonly key: string;
  /** A certain version, `"null"` included; without it the current one (a delete marker in a bucket with versions). */
  readonly versionId?: string;
  readonly conditions: WriteConditions;
}

export interface DeleteResult {
  /** Of the version removed or the marker made; undefined in a bucket that never had versions. */
  readonly versionId: string | undefined;
  readonly isDeleteMarker: boolean;
}

export interface ListRequest {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  /** Only keys behind this one, in byte order of UTF-8. */
  readonly startAfter: string;
  /** With `versions`: only versions of `startAfter` behind this one, then the keys behind. */
  readonly startAfterVersion?: string;
  /** 1 to 1,000: entries and common prefixes together. */
  readonly maxKeys: number;
  readonly versions: boolean;
}

export interface ListResult {
  readonly entries: readonly ObjectEntry[];
  /** In order, each once. */
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  /** What to give as `startAfter` (and `startAfterVersion`) for the next page; of a common prefix, the prefix itself, and the listing then goes on behind all keys that begin with it. */
  readonly nextAfter: string | undefined;
  readonly nextAfterVersion: string | undefined;
}

export interface UploadRequest extends Omit<PutRequest, "conditions"> {
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: "FULL_OBJECT" | "COMPOSITE" | undefined;
  readonly owner: string;
}

export interface Upload extends UploadRequest {
  /** Opaque, unguessable. */
  readonly uploadId: string;
  readonly begunMs: number;
}

export interface UploadPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modifiedMs: number;
  readonly checksum: Checksum | undefined;
}

/** A part as the client names it when it completes the upload. */
export interface CompletedPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly checksum?: string;
}

export interface CompleteRequest {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  readonly parts: readonly CompletedPart[];
  readonly conditions: WriteConditions;
  /** Of the whole object, computed by the service from the parts. */
  readonly checksum: Checksum | undefined;
  /** Parts but the last are at least so large (5 MiB; tests lower it). */
  readonly minPartBytes: number;
}

/** What a buffer for {@link OpenObject.read} holds. */
export const READ_BYTES = 65_536;

/** An object opened for reading. The bytes of this version stay readable until `close`, whatever is written meanwhile. */
export interface OpenObject {
  readonly entry: ObjectEntry;
  /** The whole body if it is small and in memory: then no other call is needed. Aliases the cache: do not change it. */
  readonly inMemory: Uint8Array | undefined;
  /**
   * Bytes `[start, end)` in pieces, checked.
   *
   * @param buffer Of {@link READ_BYTES} or a multiple: what comes from the disk is read into it, piece by piece, and each
   * piece is good until the next is asked for. Without it every piece has at most so many bytes and memory of its own.
   * @throws StoreError CORRUPT
   */
  read(start: number, end: number, buffer?: Uint8Array): AsyncIterable<Uint8Array>;
  close(): void;
}

/** All of it. Methods reject with {@link StoreError}; a method that names a bucket rejects with NO_SUCH_BUCKET. */
export interface ObjectStore {
  createBucket(bucket: { name: string; owner: string; nowMs: number }): Promise<Bucket>;
  deleteBucket(name: string): Promise<void>;
  /** From memory. */
  bucket(name: string): Bucket | undefined;
  buckets(): readonly Bucket[];
  /** Whether objects of the bucket were given an end when they were written. From memory. */
  hasExpiringObjects(name: string): boolean;
  /** Replaces what is given; a document set to undefined is removed. */
  updateBucket(
    name: string,
    change: {
      readonly versioning?: "enabled" | "suspended";
      readonly documents?: Readonly<Record<string, string | undefined>>;
    },
  ): Promise<Bucket>;

  /** `sizeBytes` is what will be written; writing another number of bytes fails at `commit`. */
  put(request: PutRequest, sizeBytes: number): BodyWriter<PutResult>;
  /** A copy inside the store. `source` stays open until it resolves. */
  copy(request: PutRequest, source: OpenObject, digest: BodyDigest): Promise<PutResult>;
  /** Undefined if there is none (or it has expired). A delete marker is returned as an entry. */
  head(bucket: string, key: string, versionId?: string): Promise<ObjectEntry | undefined>;
  /**
   * The current version if it and its body are in memory, without a pause; undefined says nothing: ask {@link
   * ObjectStore.open} then. It need not be closed.
   */
  openNow(bucket: string, key: string): OpenObject | undefined;
  /** Undefined if there is none, also for a delete marker. */
  open(bucket: string, key: string, versionId?: string): Promise<OpenObject | undefined>;
  /** Replaces tags of a version. */
  setTags(
    bucket: string,
    key: string,
    versionId: string | undefined,
    tags: Readonly<Record<string, string>>,
  ): Promise<ObjectEntry>;
  delete(request: DeleteRequest): Promise<DeleteResult>;
  list(request: ListRequest): Promise<ListResult>;

  createUpload(request: UploadRequest): Promise<Upload>;
  upload(bucket: string, key: string, uploadId: string): Promise<Upload>;
  /** `storageClass` is that of the upload. */
  putPart(
    part: {
      readonly bucket: string;
      readonly key: string;
      readonly uploadId: string;
      readonly partNumber: number;
      readonly storageClass?: string | undefined;
    },
    sizeBytes: number,
  ): BodyWriter<UploadPart>;
  listParts(
    bucket: string,
    key: string,
    uploadId: string,
    after: number,
    limit: number,
  ): Promise<readonly UploadPart[]>;
  listUploads(
    request: Omit<ListRequest, "versions" | "startAfterVersion"> & { readonly startAfterUpload?: string },
  ): Promise<{
    readonly uploads: readonly Upload[];
    readonly commonPrefixes: readonly string[];
    readonly isTruncated: boolean;
  }>;
  completeUpload(request: CompleteRequest): Promise<PutResult>;
  abortUpload(bucket: string, key: string, uploadId: string): Promise<void>;

  close(): Promise<void>;
}
