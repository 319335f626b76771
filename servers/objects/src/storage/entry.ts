import {
  headBytesOf,
  IN_BLOB,
  MARKER,
  NULL_VERSION,
  RECORD_KINDS,
  type RecordHead,
  recordBytesOf,
} from "../protocol/volume/index.ts";
import type { ObjectEntry, ObjectPart } from "../store/object-store.ts";
import { asBuffer, fromChecksumJson, fromJsonBytes, fromObjectJson, type ObjectJson } from "./object-json.ts";

/** Where a record lies. */
export interface Place {
  readonly volumeId: number;
  readonly offset: number;
}

/** What the index keeps of a version, a delete marker or a part: where its record lies and all that HEAD and LIST need. */
export interface Entry extends Place {
  readonly flags: number;
  /** Of the record; the body begins behind it. */
  readonly headBytes: number;
  readonly storedBytes: number;
  readonly sequence: number;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly bodyBytes: number;
  readonly blobId: number;
  readonly group: number;
  /** Where the record of tags is that replaced those of the object's own, and its sequence; 0 for none. */
  readonly tagsVolumeId: number;
  readonly tagsSequence: number;
  readonly tagsBytes: number;
  /** The upload it was made of; 0 for none. */
  readonly upload: number;
  /** {@link ObjectJson} as bytes. */
  readonly json: Uint8Array;
}

const FIXED_BYTES = 88;
const FORMAT = 1;

/** Entry of a record that was written at a place. */
export function entryOfRecord(head: RecordHead, place: Place, json: Uint8Array): Entry {
  return {
    volumeId: place.volumeId,
    offset: place.offset,
    flags: head.flags & (MARKER | NULL_VERSION | IN_BLOB),
    headBytes: headBytesOf(head),
    storedBytes: head.storedBytes,
    sequence: head.sequence,
    createdMs: head.createdMs,
    expiresMs: head.expiresMs,
    bodyBytes: head.bodyBytes,
    blobId: head.blobId,
    group: head.group,
    tagsVolumeId: 0,
    tagsSequence: 0,
    tagsBytes: 0,
    upload: head.kind === RECORD_KINDS.completed ? head.target : 0,
    json,
  };
}

/** Bytes of the entry's record in its volume. */
export function entryRecordBytes(entry: Entry): number {
  return recordBytesOf(entry.headBytes, entry.storedBytes);
}

/** The entry as a value of the index. */
export function encodeEntry(entry: Entry): Buffer {
  const out = Buffer.allocUnsafe(FIXED_BYTES + entry.json.length);
  out[0] = FORMAT;
  out[1] = entry.flags;
  out.writeUInt16LE(0, 2);
  out.writeUInt32LE(entry.volumeId, 4);
  out.writeUIntLE(entry.offset, 8, 6);
  out.writeUIntLE(entry.blobId, 14, 6);
  out.writeUInt32LE(entry.headBytes, 20);
  out.writeUInt32LE(entry.storedBytes, 24);
  out.writeUInt32LE(entry.group, 28);
  out.writeDoubleLE(entry.sequence, 32);
  out.writeDoubleLE(entry.createdMs, 40);
  out.writeDoubleLE(entry.expiresMs, 48);
  out.writeDoubleLE(entry.bodyBytes, 56);
  out.writeDoubleLE(entry.tagsSequence, 64);
  out.writeUInt32LE(entry.tagsVolumeId, 72);
  out.writeUInt32LE(entry.tagsBytes, 76);
  out.writeDoubleLE(entry.upload, 80);
  out.set(entry.json, FIXED_BYTES);
  return out;
}

/** Reads a value that {@link encodeEntry} wrote; its JSON aliases it. @throws Error if it is none */
export function decodeEntry(value: Uint8Array): Entry {
  const bytes = asBuffer(value);
  if (bytes.length < FIXED_BYTES || bytes[0] !== FORMAT) {
    throw new Error("Cannot read an entry of the index: it is of another format. Remove the index; it is built anew");
  }
  return {
    flags: bytes[1] ?? 0,
    volumeId: bytes.readUInt32LE(4),
    offset: bytes.readUIntLE(8, 6),
    blobId: bytes.readUIntLE(14, 6),
    headBytes: bytes.readUInt32LE(20),
    storedBytes: bytes.readUInt32LE(24),
    group: bytes.readUInt32LE(28),
    sequence: bytes.readDoubleLE(32),
    createdMs: bytes.readDoubleLE(40),
    expiresMs: bytes.readDoubleLE(48),
    bodyBytes: bytes.readDoubleLE(56),
    tagsSequence: bytes.readDoubleLE(64),
    tagsVolumeId: bytes.readUInt32LE(72),
    tagsBytes: bytes.readUInt32LE(76),
    upload: bytes.readDoubleLE(80),
    json: bytes.subarray(FIXED_BYTES),
  };
}

/** The sequence of an entry's value, without reading the rest. */
export function sequenceOfValue(value: Uint8Array): number {
  return asBuffer(value).readDoubleLE(32);
}

/** Whether it is hidden because its time has passed. */
export function isExpired(entry: Entry, nowMs: number): boolean {
  return entry.expiresMs !== 0 && entry.expiresMs <= nowMs;
}

/** The id that clients see. */
export function versionIdOf(entry: Entry): string {
  return (entry.flags & NULL_VERSION) !== 0 ? "null" : versionIdOfSequence(entry.sequence);
}

/** The id of a version that is not null: 16 hex digits. */
export function versionIdOfSequence(sequence: number): string {
  return sequence.toString(16).padStart(16, "0");
}

/** The sequence in a version's id; undefined if it is no id of ours. */
export function sequenceOfVersionId(versionId: string): number | undefined {
  if (!/^00[0-9a-f]{14}$/.test(versionId)) return undefined;
  const sequence = Number.parseInt(versionId, 16);
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}

/** What the interface says of an entry. @param storageClass Of the tier that it is of; undefined for the first */
export function toObjectEntry(
  key: string,
  entry: Entry,
  isLatest: boolean,
  parts: readonly ObjectPart[] | undefined,
  storageClass?: string,
): ObjectEntry {
  const json: ObjectJson = fromJsonBytes(entry.json);
  const metadata = fromObjectJson(json);
  return {
    key,
    versionId: versionIdOf(entry),
    isLatest,
    isDeleteMarker: (entry.flags & MARKER) !== 0,
    sizeBytes: entry.bodyBytes,
    etag: json.e,
    modifiedMs: entry.createdMs,
    expiresMs: entry.expiresMs === 0 ? undefined : entry.expiresMs,
    metadata: storageClass === undefined ? metadata : { ...metadata, storageClass },
    checksum: fromChecksumJson(json.c),
    parts,
  };
}
