import { join } from "node:path";
import { equalBytes, toHex } from "@kagami/bytes";
import { RankingError } from "../errors.ts";
import type { Disk } from "./disk.ts";
import { nodeDisk } from "./node-disk.ts";
import { parseSnapshotName, snapshotName } from "./snapshot-format.ts";
import { SnapshotReader } from "./snapshot-reader.ts";
import { SnapshotWriter } from "./snapshot-writer.ts";
import { corruptSnapshot, ioFailure, type StorageJournal } from "./storage-errors.ts";

/** Snapshots that `prune` leaves: the newest, and the one to fall back to. */
const KEPT_COUNT = 2;

/**
 * The snapshots of a data directory. Who trims the log must leave it reaching back to the older of the two that are kept
 * (`trimPosition`): that is what makes the older one of use when the newer one is damaged.
 */
export class SnapshotStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #journal: StorageJournal;

  constructor(directory: string, journal: StorageJournal, disk: Disk = nodeDisk) {
    this.#disk = disk;
    this.#directory = directory;
    this.#journal = journal;
  }

  /** Positions of the snapshots that there are, the newest first. */
  positions(): number[] {
    return this.#found()
      .filter(({ isTemporary }) => !isTemporary)
      .map(({ position }) => position)
      .sort((a, b) => b - a);
  }

  /** Up to where the log may be trimmed; 0 while there are fewer than two snapshots. */
  trimPosition(): number {
    return this.positions()[KEPT_COUNT - 1] ?? 0;
  }

  /** Deletes temporaries that a crash has left. Not while a snapshot is being written. */
  deleteTemporaries(): void {
    for (const { position, isTemporary } of this.#found()) {
      if (!isTemporary) continue;
      const path = join(this.#directory, snapshotName(position, true));
      this.#disk.unlink(path);
      this.#journal.info("snapshot.leftover_deleted", { path });
    }
  }

  /** Begins a snapshot; see {@link SnapshotWriter}. */
  write(clusterId: Uint8Array, position: number, metadata: Uint8Array): SnapshotWriter {
    return new SnapshotWriter(this.#disk, this.#directory, { clusterId, position, metadata });
  }

  /** Deletes all but the two newest snapshots. Returns how many went. A file that stays for an error is only room lost. */
  prune(): number {
    let count = 0;
    for (const position of this.positions().slice(KEPT_COUNT)) {
      try {
        this.#disk.unlink(join(this.#directory, snapshotName(position, false)));
        count++;
      } catch (cause) {
        this.#journal.warn("snapshot.prune_failed", { position, cause });
      }
    }
    return count;
  }

  /** Deletes the snapshots before this position: their log does not lead to what is there now. */
  deleteBefore(position: number): void {
    for (const old of this.positions()) {
      if (old < position) this.#disk.unlink(join(this.#directory, snapshotName(old, false)));
    }
  }

  /**
   * Builds something from the newest snapshot that is whole, going back to the one before when it turns out damaged. A
   * damaged one is renamed to `.damaged`, so that it is never counted again.
   *
   * @param logFirstPosition The oldest position in the log (`firstLogPosition`): older snapshots than that allows are of
   *   no use. `undefined` if there is no log.
   * @param clusterId What the snapshot's must be, if known.
   * @param build Gets the reader and reads its chunks to their end; makes a new thing each time.
   * @returns `undefined` if there is no snapshot.
   * @throws RankingError `STORAGE_CORRUPT` if there are snapshots and none can be used; what `build` throws otherwise.
   */
  restore<T>(
    logFirstPosition: number | undefined,
    clusterId: Uint8Array | undefined,
    build: (reader: SnapshotReader) => T,
  ): T | undefined {
    let damage: RankingError | undefined;
    for (const position of this.positions()) {
      if (damage && (logFirstPosition === undefined || logFirstPosition > position + 1)) break;
      const path = join(this.#directory, snapshotName(position, false));
      try {
        return build(this.#open(path, position, clusterId));
      } catch (error) {
        if (!(error instanceof RankingError && error.code === "STORAGE_CORRUPT")) throw error;
        damage = error;
        this.#setAside(path, error);
      }
    }
    if (damage && logFirstPosition !== 1) throw damage;
    return undefined;
  }

  #open(path: string, position: number, clusterId: Uint8Array | undefined): SnapshotReader {
    const reader = new SnapshotReader(this.#disk, path);
    const { header } = reader;
    if (header.position === position && (!clusterId || equalBytes(header.clusterId, clusterId))) return reader;
    reader.close();
    if (header.position !== position) throw corruptSnapshot(path, `its header names position ${header.position}`);
    throw corruptSnapshot(path, `it belongs to the cluster ${toHex(header.clusterId)}`);
  }

  #setAside(path: string, error: RankingError): void {
    const kept = `${path}.damaged`;
    this.#disk.rename(path, kept);
    this.#journal.warn("snapshot.damaged", { path, kept, error });
  }

  #found(): { position: number; isTemporary: boolean }[] {
    try {
      return this.#disk.list(this.#directory).flatMap((name) => parseSnapshotName(name) ?? []);
    } catch (cause) {
      throw ioFailure("list", this.#directory, cause);
    }
  }
}
