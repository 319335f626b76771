import { crc32c } from "@kagami/bytes";

/**
 * What a record says. The numbers are on disk: never renumbered, never reused.
 *
 * `put` an object · `delete` removes the current version, or with {@link MARKER} puts a delete marker in its place ·
 * `deleteVersion` removes the version whose sequence is `target` · `supersede` says, in the volumes of an older group, that
 * what the key had below the sequence `target` is overwritten · `part` of the upload `target` · `uploadBegun` ·
 * `uploadEnded` aborts the upload `target` · `completed` makes an object of parts of the upload `target` · `bucket` is its
 * state · `bucketRemoved` · `tags` replaces those of the version `target` · `groupMade`, `groupExpired`.
 */
export const RECORD_KINDS = {
  put: 1,
  delete: 2,
  deleteVersion: 3,
  supersede: 4,
  part: 5,
  uploadBegun: 6,
  uploadEnded: 7,
  completed: 8,
  bucket: 9,
  bucketRemoved: 10,
  tags: 11,
  groupMade: 12,
  groupExpired: 13,
} as const;

/** The entry is a delete marker. */
export const MARKER = 1;
/** The version's id is "null". */
export const NULL_VERSION = 2;
/** The version before stays, as an older version. */
export const KEEP_OLDER = 4;
/** The first record of a commit: whatever stands before it in the volume was synced before it was written. */
export const FIRST_OF_COMMIT = 8;
/** The body is in a file of its own; the record holds its checksums. */
export const IN_BLOB = 16;

/** The fixed fields of a record, without its key, metadata and body. */
export interface RecordHead {
  readonly kind: number;
  readonly flags: number;
  readonly fencingEpoch: number;
  readonly bucketId: number;
  readonly group: number;
  readonly sequence: number;
  readonly createdMs: number;
  /** 0 is never. */
  readonly expiresMs: number;
  /** Which sequence it is about, see {@link RECORD_KINDS}; 0 for none. */
  readonly target: number;
  /** Of the object; of a blob it is more than what the record holds. */
  readonly bodyBytes: number;
  /** What follows the head: the body, or the checksums of a blob's. */
  readonly storedBytes: number;
  readonly partNumber: number;
  /** 0 for none. */
  readonly blobId: number;
  readonly key: Uint8Array;
  /** JSON. */
  readonly metadata: Uint8Array;
}

const MAGIC = 0x3152_474b; // "KGR1"
const VERSION = 1;
/** Of the fields before the key. */
export const FIXED_BYTES = 88;
/** One checksum for so much of a body. */
export const CHUNK_BYTES = 65_536;
/** S3's limit. */
export const MAX_KEY_BYTES = 1_024;
/** Room for a manifest of 10,000 parts with their checksums. */
export const MAX_METADATA_BYTES = 2_097_152;

const TWO_32 = 0x1_0000_0000;

/** Bytes of the head with its key and metadata. */
export function headBytesOf(head: { readonly key: Uint8Array; readonly metadata: Uint8Array }): number {
  return FIXED_BYTES + head.key.length + head.metadata.length;
}

/** Bytes of a whole record: head, stored bytes, their checksums, and what fills the last 8 bytes. */
export function recordBytesOf(headBytes: number, storedBytes: number): number {
  const bytes = headBytes + storedBytes + 4 * Math.ceil(storedBytes / CHUNK_BYTES);
  return Math.ceil(bytes / 8) * 8;
}

/**
 * Writes the head to `out` at `offset`, where {@link headBytesOf} bytes are free.
 *
 * @param seed What the checksum begins with: a number that clients do not know, so that bytes of a body are never taken
 * for a record when a damaged volume is searched for the next one.
 * @throws RangeError if the key or the metadata is longer than its limit.
 */
export function encodeHead(head: RecordHead, out: Uint8Array, offset: number, seed: number): void {
  if (head.key.length > MAX_KEY_BYTES) {
    throw new RangeError(`Cannot write a record: its key has ${head.key.length} bytes, the limit is ${MAX_KEY_BYTES}`);
  }
  if (head.metadata.length > MAX_METADATA_BYTES) {
    throw new RangeError(`Cannot write a record: ${head.metadata.length} bytes of metadata exceed the limit`);
  }
  const view = new DataView(out.buffer, out.byteOffset + offset, headBytesOf(head));
  view.setUint32(0, MAGIC, true);
  view.setUint8(8, VERSION);
  view.setUint8(9, head.kind);
  view.setUint16(10, head.flags, true);
  view.setUint32(12, head.fencingEpoch, true);
  view.setUint32(16, head.bucketId, true);
  view.setUint32(20, head.group, true);
  setU64(view, 24, head.sequence);
  setU64(view, 32, head.createdMs);
  setU64(view, 40, head.expiresMs);
  setU64(view, 48, head.target);
  setU64(view, 56, head.bodyBytes);
  view.setUint32(64, head.storedBytes, true);
  view.setUint16(68, head.key.length, true);
  view.setUint16(70, head.partNumber, true);
  view.setUint32(72, head.metadata.length, true);
  view.setUint32(76, 0, true);
  setU64(view, 80, head.blobId);
  out.set(head.key, offset + FIXED_BYTES);
  out.set(head.metadata, offset + FIXED_BYTES + head.key.length);
  view.setUint32(4, crc32c(out, offset + 8, offset + view.byteLength, seed), true);
}

/** What the first bytes at a place say: how long the head is, or that no head can begin there. */
export function peekHeadBytes(bytes: Uint8Array, offset: number): number | undefined {
  if (bytes.length - offset < FIXED_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, FIXED_BYTES);
  if (view.getUint32(0, true) !== MAGIC || view.getUint8(8) !== VERSION) return undefined;
  const keyBytes = view.getUint16(68, true);
  const metadataBytes = view.getUint32(72, true);
  if (keyBytes > MAX_KEY_BYTES || metadataBytes > MAX_METADATA_BYTES) return undefined;
  return FIXED_BYTES + keyBytes + metadataBytes;
}

/**
 * Reads the head at `offset`. Key and metadata alias `bytes`.
 *
 * @returns undefined if there is none: other bytes, too few of them, or a checksum that does not match.
 */
export function decodeHead(bytes: Uint8Array, offset: number, seed: number): RecordHead | undefined {
  const headBytes = peekHeadBytes(bytes, offset);
  if (headBytes === undefined || bytes.length - offset < headBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, headBytes);
  if (view.getUint32(4, true) !== crc32c(bytes, offset + 8, offset + headBytes, seed)) return undefined;
  const keyEnd = offset + FIXED_BYTES + view.getUint16(68, true);
  return {
    kind: view.getUint8(9),
    flags: view.getUint16(10, true),
    fencingEpoch: view.getUint32(12, true),
    bucketId: view.getUint32(16, true),
    group: view.getUint32(20, true),
    sequence: getU64(view, 24),
    createdMs: getU64(view, 32),
    expiresMs: getU64(view, 40),
    target: getU64(view, 48),
    bodyBytes: getU64(view, 56),
    storedBytes: view.getUint32(64, true),
    partNumber: view.getUint16(70, true),
    blobId: getU64(view, 80),
    key: bytes.subarray(offset + FIXED_BYTES, keyEnd),
    metadata: bytes.subarray(keyEnd, offset + headBytes),
  };
}

/** Writes an integer of up to 2^53 in 8 bytes, little-endian. */
function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % TWO_32, true);
  view.setUint32(offset + 4, Math.floor(value / TWO_32), true);
}

function getU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * TWO_32 + view.getUint32(offset, true);
}
