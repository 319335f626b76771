/*
 * The log on disk. Numbers are big-endian; CRC-32C throughout.
 *
 *   log-0000000000000001.kgl        a segment: a header and records, named by the position of its first record
 *   log-0000000000065537.kgl
 *   log-0000000000131073.kgl.new    the newest one, until its predecessor is synced (see below)
 *   log-0000000000000001.kgl.cut    what a repair took out of a segment; for a person to look at, never read
 *
 *   header   0  8 magic "KGLOG\r\n\x1a"     a transfer as text or a cut shows at once
 *            8  2 version, 1
 *           10  2 zero
 *           12  4 salt                      random, one for the whole log; every record's checksum begins with it
 *           16 16 cluster id
 *           32  8 position of the first record
 *           40  8 position of the first record of the segment before, 0 if this one began the log
 *           48 12 zero
 *           60  4 CRC of bytes 0 to 59
 *
 *   record   0  4 CRC of the salt and of all that follows
 *            4  4 length of the payload, 1 to 2^30
 *            8  8 position
 *           16  4 how many positions, this one included, were not yet synced when this record was made;
 *                 ffffffff if nobody counts (policy `no`)
 *           20    payload
 *
 * Why it is so:
 *
 * - The position is in each record, so that bytes of an old file in a reused block are never taken for new ones.
 * - A record that cannot be read is either the torn end of what was being written in a crash, or damage. It is damage if
 *   a record behind it says that it had been synced. Without that count one could not tell: a loss of power may keep the
 *   second page of an unsynced write and lose the first.
 * - The salt is known to no client, so no client can store a value that looks like a record when its batch is torn.
 * - A new segment is called `.new` until everything before it is synced: its final name is a promise that the segments
 *   before are whole. A torn segment with a finally named one behind it is therefore damage.
 * - The link to the segment before shows at start-up, without reading any record, that none is missing.
 */
import { crc32c, equalBytes, readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "@kagami/bytes";

/** Bytes of a segment's header. */
export const SEGMENT_HEADER_BYTES = 64;
/** Bytes of a record before its payload. */
export const RECORD_HEADER_BYTES = 20;
/** The longest payload: 1 GiB, twice the longest value. */
export const RECORD_LIMIT_BYTES = 0x4000_0000;
/** The count of unsynced positions when nobody counts. */
export const UNSYNCED_UNKNOWN = 0xffff_ffff;
/** Bytes of a cluster id. */
export const CLUSTER_ID_BYTES = 16;

const MAGIC = Uint8Array.of(0x4b, 0x47, 0x4c, 0x4f, 0x47, 0x0d, 0x0a, 0x1a);
const VERSION = 1;
const CRC_OFFSET = 60;
const NAME = /^log-(\d{16})\.kgl(\.new)?$/;

/** What a segment says about itself. */
export interface SegmentHeader {
  readonly salt: number;
  readonly clusterId: Uint8Array;
  readonly firstPosition: number;
  /** 0 if this segment began the log. */
  readonly previousFirstPosition: number;
}

/** A segment's file name, found in a directory. */
export interface SegmentName {
  readonly name: string;
  readonly firstPosition: number;
  /** Whether it still has its first name, which promises nothing of the segments before. */
  readonly isNew: boolean;
}

export function segmentName(firstPosition: number, isNew: boolean): string {
  return `log-${String(firstPosition).padStart(16, "0")}.kgl${isNew ? ".new" : ""}`;
}

/** `undefined` if the name is not a segment's. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const match = NAME.exec(name);
  if (!match) return undefined;
  const firstPosition = Number(match[1]);
  return firstPosition >= 1 ? { name, firstPosition, isNew: match[2] !== undefined } : undefined;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  bytes.set(MAGIC, 0);
  writeU16(bytes, 8, VERSION);
  writeU32(bytes, 12, header.salt);
  bytes.set(header.clusterId, 16);
  writeU64(bytes, 32, header.firstPosition);
  writeU64(bytes, 40, header.previousFirstPosition);
  writeU32(bytes, CRC_OFFSET, crc32c(bytes, 0, CRC_OFFSET));
  return bytes;
}

/** The header, or what is wrong with it: the end of the sentence "Cannot open <path>: ". */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | string {
  if (bytes.length < SEGMENT_HEADER_BYTES) return `its header has ${bytes.length} of ${SEGMENT_HEADER_BYTES} bytes`;
  if (!equalBytes(bytes.subarray(0, 8), MAGIC)) return "it is not a log segment";
  if (crc32c(bytes, 0, CRC_OFFSET) !== readU32(bytes, CRC_OFFSET)) return "its header fails its checksum";
  const version = readU16(bytes, 8);
  if (version !== VERSION) return `it has version ${version}, and only version ${VERSION} is known here`;
  return {
    salt: readU32(bytes, 12),
    clusterId: bytes.slice(16, 16 + CLUSTER_ID_BYTES),
    firstPosition: readU64(bytes, 32),
    previousFirstPosition: readU64(bytes, 40),
  };
}

/** What the checksums of a log's records begin from. */
export function saltChecksum(salt: number): number {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, salt);
  return crc32c(bytes, 0, 4);
}

/**
 * Writes a record's header before its payload, which is already at `offset + RECORD_HEADER_BYTES`. The caller has checked
 * the bounds. Runs on every record.
 */
export function sealRecord(
  bytes: Uint8Array,
  offset: number,
  lengthBytes: number,
  position: number,
  unsyncedCount: number,
  saltCrc: number,
): void {
  writeU32(bytes, offset + 4, lengthBytes);
  writeU64(bytes, offset + 8, position);
  writeU32(bytes, offset + 16, unsyncedCount);
  writeU32(bytes, offset, crc32c(bytes, offset + 4, offset + RECORD_HEADER_BYTES + lengthBytes, saltCrc));
}

/** Whether a whole record lies at `offset` with this length. The caller has checked the bounds. */
export function isRecordSound(bytes: Uint8Array, offset: number, lengthBytes: number, saltCrc: number): boolean {
  const crc = crc32c(bytes, offset + 4, offset + RECORD_HEADER_BYTES + lengthBytes, saltCrc);
  return crc === readU32(bytes, offset);
}
