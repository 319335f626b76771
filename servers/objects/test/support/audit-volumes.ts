import { MAX_METADATA_BYTES, RECORD_KINDS, VOLUME_HEADER_BYTES } from "../../src/protocol/volume/index.ts";
import { decodeEntry, entryRecordBytes } from "../../src/storage/entry.ts";
import { letterRange } from "../../src/storage/index/keys.ts";
import { fromJsonBytes } from "../../src/storage/object-json.ts";
import type { ShardState } from "../../src/storage/shard-state.ts";
import { VolumeScanner } from "../../src/storage/volume-scanner.ts";

const TOMBSTONES: ReadonlySet<number> = new Set([
  RECORD_KINDS.deleteVersion,
  RECORD_KINDS.supersede,
  RECORD_KINDS.uploadEnded,
  RECORD_KINDS.bucketRemoved,
  RECORD_KINDS.groupMade,
  RECORD_KINDS.groupExpired,
]);

/**
 * Counts from the index and from the files what each volume's row says, and throws where they differ: live, dead and
 * tombstone bytes are all that a volume holds.
 */
export async function auditVolumes(state: ShardState): Promise<void> {
  const live = new Map<number, number>();
  const add = (volumeId: number, bytes: number): void => {
    live.set(volumeId, (live.get(volumeId) ?? 0) + bytes);
  };
  for (const letter of ["o", "v", "p"]) {
    const { from, to } = letterRange(letter);
    for (const { value } of await state.index.scan(from, to, MAX_METADATA_BYTES)) {
      const entry = decodeEntry(value);
      add(entry.volumeId, entryRecordBytes(entry));
      if (entry.tagsSequence !== 0) add(entry.tagsVolumeId, entry.tagsBytes);
    }
  }
  for (const letter of ["u", "b"]) {
    const { from, to } = letterRange(letter);
    for (const { value } of await state.index.scan(from, to, MAX_METADATA_BYTES)) {
      const row: { volumeId: number; recordBytes: number } = fromJsonBytes(value);
      add(row.volumeId, row.recordBytes);
    }
  }
  for (const volume of state.volumes.all()) {
    const file = state.volumes.file(volume.id);
    const scanner = new VolumeScanner({
      volumeId: volume.id,
      readAt: (offset, bytes) => file.read(offset, bytes),
      sizeBytes: volume.endOffset,
      seed: state.identity.seed,
      checksBodies: true,
    });
    let tombstoneBytes = 0;
    for (let record = await scanner.next(); record !== undefined; record = await scanner.next()) {
      const { kind, flags } = record.head;
      if (TOMBSTONES.has(kind) || (kind === RECORD_KINDS.delete && (flags & 1) === 0))
        tombstoneBytes += record.recordBytes;
    }
    const wanted = { live: live.get(volume.id) ?? 0, tombstoneBytes };
    const liveBytes = volume.endOffset - VOLUME_HEADER_BYTES - volume.deadBytes - volume.tombstoneBytes;
    const found = { live: liveBytes, tombstoneBytes: volume.tombstoneBytes };
    if (JSON.stringify(found) === JSON.stringify(wanted)) continue;
    throw new Error(
      `Volume ${volume.id} (${JSON.stringify(volume)}) says ${JSON.stringify(found)}, has ${JSON.stringify(wanted)}`,
    );
  }
}
