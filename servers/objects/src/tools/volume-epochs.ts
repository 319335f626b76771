import type { FencingEpoch } from "../engine/replica/epochs.ts";
import { type Disk, idOfName, VOLUME_DIRECTORY, volumePath } from "../storage/disk.ts";
import { seedOf } from "../storage/open-store.ts";
import { VolumeScanner } from "../storage/volume-scanner.ts";

/**
 * The fencing epochs of a store that does not say them any more, by its records: each began behind the last record of the
 * one before. An epoch in which nothing was written is not found. @throws the system's error
 */
export async function epochsOfVolumes(disk: Disk, storeId: string): Promise<readonly FencingEpoch[]> {
  const lastOfEpoch = new Map<number, number>();
  for (const name of await disk.list(VOLUME_DIRECTORY)) {
    const volumeId = name.endsWith(".vol") ? idOfName(name) : undefined;
    if (volumeId === undefined) continue;
    const file = disk.open(volumePath(volumeId));
    try {
      const readAt = (offset: number, bytes: number, buffer?: Uint8Array) => file.read(offset, bytes, buffer);
      const extent = { volumeId, readAt, sizeBytes: file.sizeBytes(), seed: seedOf(storeId), checksBodies: false };
      const scanner = new VolumeScanner(extent);
      for (let record = await scanner.next(); record !== undefined; record = await scanner.next()) {
        const { fencingEpoch, sequence } = record.head;
        lastOfEpoch.set(fencingEpoch, Math.max(sequence, lastOfEpoch.get(fencingEpoch) ?? 0));
      }
    } finally {
      file.close();
    }
  }
  const epochs: FencingEpoch[] = [];
  let after = 0;
  for (const [epoch, last] of [...lastOfEpoch].sort(([a], [b]) => a - b)) {
    if (epoch > 1) epochs.push({ epoch, after });
    after = Math.max(after, last);
  }
  return epochs;
}
