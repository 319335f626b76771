import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { currentEpoch, promotedEpochs } from "../engine/replica/epochs.ts";
import { ObjectsError } from "../errors.ts";
import { NO_PAST } from "../storage/follower.ts";
import { openFollower, STORE_FILE, writeStoreFile } from "../storage/open-store.ts";
import { lockStore } from "../tools/store-lock.ts";
import { readStoreFileOf } from "./copy.ts";
import { copyDirectory, type ReplicaFile, readReplicaFile, writeReplicaFile } from "./replica-file.ts";

/** What a promotion did. */
export interface PromoteReport {
  readonly directory: string;
  readonly storeId: string;
  /** In which it writes from now on. */
  readonly epoch: number;
  /** The last change that it shares with its source. */
  readonly after: number;
  readonly source: string;
}

/**
 * Makes a store of its own of a replica that no server has open: it writes in a new fencing epoch, so that followers which
 * have heard of it take nothing any more from the source that it had. It can be run again when it was killed.
 *
 * @throws ObjectsError `STORE_IS_NO_REPLICA`, `REPLICA_NOT_WHOLE`, `STORE_IN_USE`; FileError, StoreError
 */
export async function promote(directory: string): Promise<PromoteReport> {
  const file = await readWholeReplica(directory);
  const place = copyDirectory(directory, file.current);
  const storeFile = await readStoreFileOf(place);
  if (storeFile === undefined) {
    const what = `Cannot promote ${directory}: ${join(place, STORE_FILE)} is gone`;
    throw new ObjectsError("STORE_UNREADABLE", `${what}. Repair it first by kagami objects repair`);
  }
  await checkUnused(place);
  const { storeId, engine, epochs = [] } = storeFile;
  // As a follower: what stands behind its position is cut, since others that came before may be missing.
  const follower = await openFollower({ directory: place, storeId, engine, epochs, past: NO_PAST });
  const after = follower.store.state.appliedSequence;
  await follower.close();
  const promoted = promotedEpochs(epochs, after, randomUUID());
  await writeStoreFile(join(place, STORE_FILE), { ...storeFile, epochs: promoted });
  await writeReplicaFile(directory, { ...file, next: 0, nextHorizon: 0, nextDrops: 0, isPromoted: true });
  if (file.next !== 0) await rm(copyDirectory(directory, file.next), { recursive: true, force: true });
  return { directory, storeId, epoch: currentEpoch(promoted), after, source: file.source };
}

/** The report for people. */
export function renderPromotion({ directory, storeId, epoch, after, source }: PromoteReport): string {
  return (
    `${directory} is a store of its own now: store ${storeId}, epoch ${epoch} from change ${after} on.\n` +
    `Start it with kagami objects --data ${directory}, without --follow. Stop ${source}, or keep its clients away from it:\n` +
    `what it still takes reaches no replica of this store.\n`
  );
}

async function readWholeReplica(directory: string): Promise<ReplicaFile> {
  const file = await readReplicaFile(directory);
  if (file === undefined || file.isPromoted) {
    const what = file === undefined ? "there is no replica in it" : "it was promoted before";
    throw new ObjectsError(
      "STORE_IS_NO_REPLICA",
      `Cannot promote ${directory}: ${what}. Give the data directory of a replica`,
    );
  }
  if (file.current !== 0) return file;
  const what = `Cannot promote ${directory}: its first copy is not whole, and objects would be missing`;
  throw new ObjectsError("REPLICA_NOT_WHOLE", `${what}. Let it follow ${file.source} until it is ready`);
}

/** @throws ObjectsError `STORE_IN_USE` */
async function checkUnused(directory: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "kagami-objects-"));
  try {
    const lock = await lockStore(directory, scratch);
    await lock.release();
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
