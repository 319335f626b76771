import { CHUNK_BYTES, headBytesOf, IN_BLOB, VOLUME_HEADER_BYTES } from "../protocol/volume/index.ts";
import { chunkChecksum } from "./checksums.ts";
import type { TakeIo } from "./compaction.ts";
import { isLive } from "./liveness.ts";
import { asBuffer } from "./object-json.ts";
import type { ShardState } from "./shard-state.ts";
import { type ScannedRecord, VolumeScanner } from "./volume-scanner.ts";
import type { Volume } from "./volume-set.ts";

/** What a look through a volume found. */
export interface ScrubReport {
  readonly volumeId: number;
  readonly readBytes: number;
  /** Ranges of the volume whose records cannot be read. */
  readonly damaged: readonly { readonly start: number; readonly end: number }[];
  /** Large bodies of live records that are not what their records say. */
  readonly damagedBlobs: readonly number[];
}

/** What is checked at once, while no client is answered. */
const WINDOW_BYTES = 131_072;

/** Reads all records of a volume and their large bodies, and checks every checksum. Changes nothing. */
export async function scrubVolume(state: ShardState, volume: Volume, takeIo: TakeIo): Promise<ScrubReport> {
  const { volumes, identity } = state;
  const { endOffset } = volume;
  const damagedBlobs: number[] = [];
  let readBytes = 0;
  volumes.hold(volume);
  try {
    const scanner = new VolumeScanner({
      volumeId: volume.id,
      readAt: async (offset, bytes, buffer) => {
        await takeIo(bytes);
        readBytes += bytes;
        return await volumes.file(volume.id).read(offset, bytes, buffer);
      },
      sizeBytes: endOffset,
      syncedEnd: endOffset,
      seed: identity.seed,
      checksBodies: true,
      windowBytes: WINDOW_BYTES,
    });
    for (let record = await scanner.next(); record !== undefined; record = await scanner.next()) {
      if ((record.head.flags & IN_BLOB) === 0) continue;
      readBytes += record.head.bodyBytes;
      if (!(await isBlobGood(state, record, takeIo))) damagedBlobs.push(record.head.blobId);
    }
    const damaged = [...scanner.damaged];
    const end = Math.max(VOLUME_HEADER_BYTES, scanner.endOffset);
    if (end < endOffset) damaged.push({ start: end, end: endOffset });
    return { volumeId: volume.id, readBytes, damaged, damagedBlobs };
  } finally {
    volumes.release(volume);
  }
}

/** Whether the body is whole, or nobody wants it any more. */
async function isBlobGood(state: ShardState, record: ScannedRecord, takeIo: TakeIo): Promise<boolean> {
  const { head, volumeId, offset, recordBytes } = record;
  if (!(await isLive(state, record))) return true;
  const { blobs, volumes } = state;
  const bytes = asBuffer(await volumes.file(volumeId).read(offset, recordBytes));
  const table = bytes.subarray(bytes.length - restBytes(record), bytes.length);
  try {
    blobs.hold(head.blobId);
  } catch (error) {
    // On a disk that is not there: nothing is known of it.
    if ((error as { code?: unknown }).code === "TIER_MISSING") return true;
    // Removed since the look into the index, or lost.
    return !(await isLive(state, record));
  }
  try {
    for (let at = 0, i = 0; at < head.bodyBytes; at += CHUNK_BYTES, i++) {
      const length = Math.min(CHUNK_BYTES, head.bodyBytes - at);
      await takeIo(length);
      const chunk = await blobs.file(head.blobId).read(at, length);
      if (chunk.length !== length || chunkChecksum(chunk) !== table.readUInt32LE(4 * i)) return false;
    }
    return true;
  } finally {
    blobs.release(head.blobId);
  }
}

function restBytes({ head, recordBytes }: ScannedRecord): number {
  return recordBytes - headBytesOf(head);
}
