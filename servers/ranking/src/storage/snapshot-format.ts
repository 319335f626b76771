/*
 * A snapshot on disk: what a state machine was after a position of the log, in chunks that only the engine understands.
 * Numbers are big-endian; CRC-32C throughout.
 *
 *   snapshot-0000000000065536.kgs        named by the last position that is in it
 *   snapshot-0000000000065536.kgs.tmp    being written, or left by a crash: deleted at the next start
 *   snapshot-0000000000065536.kgs.damaged   refused once, kept for a person to look at
 *
 *   header   0  8 magic "KGSNAP\r\n"
 *            8  2 version, 1
 *           10  2 zero
 *           12 16 cluster id
 *           28  8 position
 *           36  4 length of the metadata
 *           40    metadata: bytes of the application
 *            +  4 CRC of everything before
 *
 *   chunk    0  4 CRC of all that follows
 *            4  4 length of the payload, 1 to 2^30
 *            8  8 index, from 0
 *           16    payload
 *
 *   footer   0  4 CRC of all that follows
 *            4  4 ffffffff, which no chunk's length is
 *            8  8 number of chunks
 *           16  8 bytes of all payloads
 *           24  4 CRC of the header's and all chunks' CRCs, in order
 *
 * Each chunk has its index and its checksum, so that it can be used before the end is seen; the footer says that it was
 * the end. The file gets its name when it is whole and synced, so a snapshot without a footer is damage, not a crash.
 */
import { crc32c, equalBytes, readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "@kagami/bytes";

/** Bytes of a header before the metadata. */
export const SNAPSHOT_HEADER_BYTES = 40;
/** Bytes of a chunk before its payload. */
export const CHUNK_HEADER_BYTES = 16;
/** Bytes of the footer. */
export const FOOTER_BYTES = 28;
/** The longest payload: 1 GiB. */
export const CHUNK_LIMIT_BYTES = 0x4000_0000;
/** The longest metadata: 16 MiB. */
export const METADATA_LIMIT_BYTES = 0x0100_0000;
/** Where a footer's length would be. */
export const FOOTER_MARK = 0xffff_ffff;

const MAGIC = Uint8Array.of(0x4b, 0x47, 0x53, 0x4e, 0x41, 0x50, 0x0d, 0x0a);
const VERSION = 1;
const CLUSTER_ID_BYTES = 16;
const NAME = /^snapshot-(\d{16})\.kgs(\.tmp)?$/;

/** What a snapshot says about itself. */
export interface SnapshotHeader {
  readonly clusterId: Uint8Array;
  /** The last position of the log that is in the snapshot. */
  readonly position: number;
  /** The application's own. */
  readonly metadata: Uint8Array;
}

export function snapshotName(position: number, isTemporary: boolean): string {
  return `snapshot-${String(position).padStart(16, "0")}.kgs${isTemporary ? ".tmp" : ""}`;
}

/** `undefined` if the name is not a snapshot's. */
export function parseSnapshotName(name: string): { position: number; isTemporary: boolean } | undefined {
  const match = NAME.exec(name);
  return match ? { position: Number(match[1]), isTemporary: match[2] !== undefined } : undefined;
}

export function encodeSnapshotHeader({ clusterId, position, metadata }: SnapshotHeader): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES + metadata.length + 4);
  bytes.set(MAGIC, 0);
  writeU16(bytes, 8, VERSION);
  bytes.set(clusterId, 12);
  writeU64(bytes, 28, position);
  writeU32(bytes, 36, metadata.length);
  bytes.set(metadata, SNAPSHOT_HEADER_BYTES);
  const crcAt = SNAPSHOT_HEADER_BYTES + metadata.length;
  writeU32(bytes, crcAt, crc32c(bytes, 0, crcAt));
  return bytes;
}

/** Bytes of the whole header, or what is wrong with its beginning. */
export function snapshotHeaderBytes(beginning: Uint8Array): number | string {
  if (beginning.length < SNAPSHOT_HEADER_BYTES) return "its header is cut off";
  if (!equalBytes(beginning.subarray(0, 8), MAGIC)) return "it is not a snapshot";
  const version = readU16(beginning, 8);
  if (version !== VERSION) return `it has version ${version}, and only version ${VERSION} is known here`;
  const metadataBytes = readU32(beginning, 36);
  if (metadataBytes > METADATA_LIMIT_BYTES) return "its header is damaged";
  return SNAPSHOT_HEADER_BYTES + metadataBytes + 4;
}

/** The header, or what is wrong with it. `bytes` has as many as {@link snapshotHeaderBytes} said. */
export function decodeSnapshotHeader(bytes: Uint8Array): SnapshotHeader | string {
  const crcAt = bytes.length - 4;
  if (crc32c(bytes, 0, crcAt) !== readU32(bytes, crcAt)) return "its header fails its checksum";
  return {
    clusterId: bytes.slice(12, 12 + CLUSTER_ID_BYTES),
    position: readU64(bytes, 28),
    metadata: bytes.slice(SNAPSHOT_HEADER_BYTES, crcAt),
  };
}

/** Writes a chunk's header before its payload, which is already in place, and returns its checksum. */
export function sealChunk(bytes: Uint8Array, offset: number, lengthBytes: number, index: number): number {
  writeU32(bytes, offset + 4, lengthBytes);
  writeU64(bytes, offset + 8, index);
  const crc = crc32c(bytes, offset + 4, offset + CHUNK_HEADER_BYTES + lengthBytes);
  writeU32(bytes, offset, crc);
  return crc;
}

/** Goes on with the checksum of checksums. */
export function addToTotal(total: number, crc: number): number {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, crc);
  return crc32c(bytes, 0, 4, total);
}

export function encodeFooter(chunkCount: number, payloadBytes: number, total: number): Uint8Array {
  const bytes = new Uint8Array(FOOTER_BYTES);
  writeU32(bytes, 4, FOOTER_MARK);
  writeU64(bytes, 8, chunkCount);
  writeU64(bytes, 16, payloadBytes);
  writeU32(bytes, 24, total);
  writeU32(bytes, 0, crc32c(bytes, 4, FOOTER_BYTES));
  return bytes;
}
