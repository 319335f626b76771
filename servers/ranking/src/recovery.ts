import { createEngine, hashSeedOf } from "./create-engine.ts";
import type { Engine } from "./engine/engine.ts";
import { openSealedLog } from "./storage/log-cursor.ts";
import { firstLogPosition } from "./storage/log-segments.ts";
import { nodeDisk } from "./storage/node-disk.ts";
import type { SnapshotStore } from "./storage/snapshot-store.ts";

/** An engine as a snapshot has it. */
export interface RestoredEngine {
  readonly engine: Engine;
  readonly clusterId: Uint8Array;
  /** The last batch that is in it. */
  readonly position: number;
}

/**
 * Makes an engine from the newest snapshot that is whole.
 *
 * @returns `undefined` if there is none.
 * @throws RankingError `STORAGE_CORRUPT`, `STORAGE_FAILED`
 */
export function restoreSnapshot(
  directory: string,
  snapshots: SnapshotStore,
  makeEngine: (hashSeed: number) => Engine = createEngine,
): RestoredEngine | undefined {
  return snapshots.restore(firstLogPosition(nodeDisk, directory), undefined, (reader) => {
    const { clusterId, position } = reader.header;
    const engine = makeEngine(hashSeedOf(clusterId));
    for (const chunk of reader.chunks()) engine.apply(chunk);
    return { engine, clusterId: clusterId.slice(), position };
  });
}

/**
 * Applies the batches behind `fromPosition`, up to `lastPosition`.
 *
 * @returns How many.
 * @throws RankingError `STORAGE_CORRUPT`, `STORAGE_FAILED`
 */
export function replayLog(engine: Engine, directory: string, fromPosition: number, lastPosition: number): number {
  const cursor = openSealedLog(nodeDisk, directory, fromPosition);
  let count = 0;
  try {
    while (cursor.next(lastPosition)) {
      engine.apply(cursor.bytes.subarray(cursor.start, cursor.end));
      count++;
    }
  } finally {
    cursor.close();
  }
  return count;
}
