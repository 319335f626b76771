import { crc32c } from "@kagami/bytes";

/** What stands at the beginning of every volume. */
export interface VolumeHeader {
  readonly storeId: string;
  readonly shard: number;
  readonly volumeId: number;
  readonly group: GroupInfo;
  readonly fencingEpoch: number;
  readonly createdMs: number;
  /** The volumes it was made of by compaction; empty for one that was written to. */
  readonly sources: readonly number[];
  /** The tier that it was made for; absent for the first. */
  readonly tier?: string;
}

/** A retention group: what one rule of a bucket lets expire in one epoch. Group 0 has no end. */
export interface GroupInfo {
  readonly id: number;
  readonly bucketId: number;
  readonly ruleKey: string;
  /** 0 is never. */
  readonly endsMs: number;
}

/** Of the header; records begin behind it. */
export const VOLUME_HEADER_BYTES = 4_096;
const MAGIC = 0x3156_474b; // "KGV1"
const FORMAT = 1;
const FIXED_BYTES = 16;

/** The header as bytes. @throws RangeError if the rule's key or the list of sources is too long for it */
export function encodeVolumeHeader(header: VolumeHeader): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  if (FIXED_BYTES + text.length > VOLUME_HEADER_BYTES) {
    throw new RangeError(`Cannot write a volume's header: ${text.length} bytes do not fit`);
  }
  const bytes = new Uint8Array(VOLUME_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(8, FORMAT, true);
  view.setUint32(12, text.length, true);
  bytes.set(text, FIXED_BYTES);
  view.setUint32(4, crc32c(bytes, 8, VOLUME_HEADER_BYTES), true);
  return bytes;
}

/** Reads the header; undefined if it is none, or damaged. */
export function decodeVolumeHeader(bytes: Uint8Array): VolumeHeader | undefined {
  if (bytes.length < VOLUME_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, VOLUME_HEADER_BYTES);
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(8, true) !== FORMAT) return undefined;
  if (view.getUint32(4, true) !== crc32c(bytes, 8, VOLUME_HEADER_BYTES)) return undefined;
  const textBytes = view.getUint32(12, true);
  if (FIXED_BYTES + textBytes > VOLUME_HEADER_BYTES) return undefined;
  return JSON.parse(new TextDecoder().decode(bytes.subarray(FIXED_BYTES, FIXED_BYTES + textBytes)));
}
