import { decodeEntry, entryRecordBytes } from "../../src/storage/entry.ts";
import { fromJsonBytes } from "../../src/storage/object-json.ts";
import type { ShardState } from "../../src/storage/shard-state.ts";
import { liveBytes, type Volume } from "../../src/storage/volume-set.ts";
import { rowsOf } from "../../src/tools/index-compare.ts";

/**
 * Counts from the index and from the files what each volume's row says, and throws where they differ: live bytes, and
 * records without a gap up to its end.
 */
export async function auditVolumes(state: ShardState): Promise<void> {
  const live = new Map<number, number>();
  const add = (volumeId: number, bytes: number): void => {
    live.set(volumeId, (live.get(volumeId) ?? 0) + bytes);
  };
  for (const letter of ["o", "v", "p"]) {
    for await (const { value } of rowsOf(state.index, letter)) {
      const entry = decodeEntry(value);
      add(entry.volumeId, entryRecordBytes(entry));
      if (entry.tagsSequence !== 0) add(entry.tagsVolumeId, entry.tagsBytes);
    }
  }
  for (const letter of ["u", "b"]) {
    for await (const { value } of rowsOf(state.index, letter)) {
      const row: { volumeId: number; recordBytes: number } = fromJsonBytes(value);
      add(row.volumeId, row.recordBytes);
    }
  }
  for (const volume of state.volumes.all()) {
    const said = liveBytes(volume);
    const wanted = live.get(volume.id) ?? 0;
    if (said !== wanted) {
      throw new Error(`Volume ${volume.id} (${JSON.stringify(volume)}) says ${said} bytes live; ${wanted} are`);
    }
    if (volume.tombstoneBytes < 0 || volume.deadBytes < 0) throw new Error(`${JSON.stringify(volume)} counts below 0`);
    await scanWhole(state, volume);
  }
}

async function scanWhole(state: ShardState, { id, endOffset }: Volume): Promise<void> {
  const scanner = state.volumes.scanner(id, { sizeBytes: endOffset, checksBodies: true });
  while ((await scanner.next()) !== undefined);
  if (scanner.endOffset !== endOffset || scanner.damaged.length > 0) {
    throw new Error(`Volume ${id} ends at ${endOffset}, its records at ${scanner.endOffset}`);
  }
}
