import { constants, setPriority } from "node:os";
import { createEngine, hashSeedOf } from "./create-engine.ts";
import { rebuildStore } from "./engine/rebuild/rebuild.ts";
import { replayLog, restoreSnapshot } from "./recovery.ts";
import { SnapshotStore } from "./storage/snapshot-store.ts";
import type { StorageJournal } from "./storage/storage-errors.ts";

// The background process of a compaction: reads the last snapshot and the sealed log, writes the next snapshot. Told by
// its arguments: the data directory, the position, and the data set's id in hex.

const [directory = "", positionText = "", clusterHex = ""] = process.argv.slice(2);
const position = Number(positionText);
const clusterId = Uint8Array.from(Buffer.from(clusterHex, "hex"));

const say = (event: string, fields?: Readonly<Record<string, unknown>>): void => {
  process.stderr.write(`${JSON.stringify({ event, ...fields })}\n`);
};
const journal: StorageJournal = { info: say, warn: say };

setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const snapshots = new SnapshotStore(directory, journal);
const restored = restoreSnapshot(directory, snapshots);
const engine = restored?.engine ?? createEngine(hashSeedOf(clusterId));
replayLog(engine, directory, (restored?.position ?? 0) + 1, position);
const writer = snapshots.write(clusterId, position, new Uint8Array(0));
try {
  rebuildStore(engine.store, (bytes, start, end) => writer.write(bytes, start, end));
  writer.finish();
} catch (error) {
  writer.abort();
  throw error;
}
