import { CHUNK_BYTES, headBytesOf, IN_BLOB } from "../../protocol/volume/index.ts";
import { StoreError } from "../../store/object-store.ts";
import { chunkChecksum } from "../checksums.ts";
import { BLOB_DIRECTORY, blobPath, type Disk, type DiskFile, isAbsent, VOLUME_DIRECTORY, volumePath } from "../disk.ts";
import { isLive } from "../liveness.ts";
import { asBuffer } from "../object-json.ts";
import type { ShardState } from "../shard-state.ts";
import { type ScannedRecord, VolumeScanner } from "../volume-scanner.ts";
import type { Volume } from "../volume-set.ts";
import type { TieredDisk } from "./tiered-disk.ts";

/** Waits until the disk of a tier may be used for so many bytes. */
export type TakeTierIo = (place: string, bytes: number) => Promise<void>;

/** Runs something while no commit is under way. */
export type BetweenCommits = (work: () => Promise<boolean>) => Promise<boolean>;

/** What a move did. */
export interface MoveReport {
  readonly volumeId: number;
  readonly from: string;
  readonly to: string;
  /** With the large bodies. */
  readonly movedBytes: number;
}

/** More than what a disk does on the caller's thread: a slow one may take long to take it. */
const PIECE_BYTES = 16 * CHUNK_BYTES;
/** So much waits for its sync at most. */
const UNSYNCED_BYTES = 8_388_608;

/**
 * Takes a sealed volume and its large bodies to the disk of the tier that it is of.
 *
 * A body goes before the volume, so that a volume on a slow disk has all its bodies there. Each file is copied, synced,
 * read back and checked against its own checksums; then its name is made durable, and only then the old name goes, in the
 * same turn in which memory learns of the new place. Whatever fails before leaves the old file, and a copy that says
 * nothing ({@link TieredDisk}). Who reads meanwhile reads on: the bytes are the same in both places. The index is made
 * durable before, since the disk may not be there when it is replayed.
 *
 * @returns undefined if the volume was removed or has grown meanwhile
 * @throws StoreError CORRUPT if a record or a body is damaged: it stays where it is; DISK_FULL, TIER_MISSING; an error of a disk
 */
export async function moveVolume(
  state: ShardState,
  volume: Volume,
  takeIo: TakeTierIo,
  betweenCommits: BetweenCommits,
): Promise<MoveReport | undefined> {
  const { volumes, disk } = state;
  const { place: from, tier: to, endOffset } = volume;
  const move = new Move(state, { from, to, toDisk: disk.diskOf(to), takeIo });
  volumes.hold(volume);
  try {
    // A start without that disk cannot replay what the index has lost: up to here it must lose nothing.
    await state.index.flush();
    await move.bodiesOf(volume);
    if (volume.isRemoved) return undefined;
    const file = { path: volumePath(volume.id), directory: VOLUME_DIRECTORY, from, sizeBytes: endOffset };
    await move.copy(file, (copied) => move.checkVolume(volume.id, endOffset, copied));
    const isMoved = await betweenCommits(async () => {
      // A volume is sealed by the commit that fills it, which may have been under way when the move began.
      if (volume.isRemoved || volume.endOffset !== endOffset) return false;
      // Without a pause: nobody may open the old name and find neither file.
      disk.unlinkOn(from, volumePath(volume.id));
      volumes.relocated(volume, to);
      // A mark of where it ends stays: a replay that is cut short relies on it to look at the rest of a sealed volume.
      return true;
    });
    if (!isMoved) move.discard(volumePath(volume.id));
    return isMoved ? { volumeId: volume.id, from, to, movedBytes: move.movedBytes } : undefined;
  } finally {
    volumes.release(volume);
  }
}

interface FileToMove {
  readonly path: string;
  readonly directory: string;
  /** The tier whose disk has it. */
  readonly from: string;
  readonly sizeBytes: number;
}

interface MoveWay {
  readonly from: string;
  readonly to: string;
  readonly toDisk: Disk;
  readonly takeIo: TakeTierIo;
}

class Move {
  readonly #state: ShardState;
  readonly #way: MoveWay;
  movedBytes = 0;

  constructor(state: ShardState, way: MoveWay) {
    this.#state = state;
    this.#way = way;
  }

  /**
   * Moves the large bodies that the volume's records own. They may lie elsewhere than the volume: on the disk that they were
   * put for, or that the volume was on before it was divided.
   */
  async bodiesOf(volume: Volume): Promise<void> {
    const scanner = new VolumeScanner({
      volumeId: volume.id,
      readAt: async (offset, bytes, buffer) => {
        await this.#way.takeIo(volume.place, bytes);
        return await this.#state.volumes.file(volume.id).read(offset, bytes, buffer);
      },
      sizeBytes: volume.endOffset,
      syncedEnd: volume.endOffset,
      seed: this.#state.identity.seed,
      checksBodies: false,
    });
    for (let record = await scanner.next(); record !== undefined; record = await scanner.next()) {
      if (volume.isRemoved) return;
      if ((record.head.flags & IN_BLOB) === 0 || !(await isLive(this.#state, record))) continue;
      await this.#moveBody(record);
    }
  }

  async #moveBody(record: ScannedRecord): Promise<void> {
    const { head, volumeId, offset, recordBytes } = record;
    const { disk } = this.#state;
    const path = blobPath(head.blobId);
    const from = disk.placeOf(path);
    if (from === undefined || disk.rankOf(from) >= disk.rankOf(this.#way.to)) return;
    const headBytes = headBytesOf(head);
    const table = asBuffer(await this.#state.volumes.file(volumeId).read(offset + headBytes, recordBytes - headBytes));
    const file = { path, directory: BLOB_DIRECTORY, from, sizeBytes: head.bodyBytes };
    try {
      await this.copy(file, (copied) => this.#checkBody(file, table, copied));
    } catch (error) {
      if (isAbsent(error) && !(await isLive(this.#state, record))) return;
      throw error;
    }
    // It may have lost its owner meanwhile, and then both names.
    if (!removeIfThere(disk, from, path)) this.discard(path);
  }

  /** Makes a checked copy whose bytes and name are durable. */
  async copy(
    { path, directory, from, sizeBytes }: FileToMove,
    check: (copied: DiskFile) => Promise<void>,
  ): Promise<void> {
    const { to, toDisk, takeIo } = this.#way;
    if (toDisk.freeBytes() < sizeBytes + this.#state.options.reserveBytes) {
      throw new StoreError("DISK_FULL", `Cannot move ${path}: tier "${to}" has no room for ${sizeBytes} bytes`);
    }
    this.discard(path);
    const source = this.#state.disk.diskOf(from).open(path);
    const target = createOn(toDisk, path, source);
    try {
      const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
      let unsyncedBytes = 0;
      for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
        const length = Math.min(PIECE_BYTES, sizeBytes - at);
        await takeIo(from, length);
        const bytes = await source.read(at, length, buffer);
        if (bytes.length !== length) throw damaged(path, from, at);
        await takeIo(to, length);
        await target.append([bytes]);
        unsyncedBytes += length;
        if (unsyncedBytes < UNSYNCED_BYTES) continue;
        await target.sync();
        unsyncedBytes = 0;
      }
      await target.sync();
      await check(target);
      await toDisk.syncNames(directory);
      this.movedBytes += sizeBytes;
    } catch (error) {
      this.discard(path);
      throw error;
    } finally {
      source.close();
      target.close();
    }
  }

  /** Removes the copy. */
  discard(path: string): void {
    try {
      removeIfThere(this.#state.disk, this.#way.to, path);
    } catch {
      // It says nothing while the old file is there; the next start removes it.
    }
  }

  /** Reads what was written: it shows damage of the old file as well as of the new one. */
  async checkVolume(id: number, sizeBytes: number, file: DiskFile): Promise<void> {
    const scanner = new VolumeScanner({
      volumeId: id,
      readAt: async (offset, bytes, buffer) => {
        await this.#way.takeIo(this.#way.to, bytes);
        return await file.read(offset, bytes, buffer);
      },
      sizeBytes,
      syncedEnd: sizeBytes,
      seed: this.#state.identity.seed,
      checksBodies: true,
    });
    while ((await scanner.next()) !== undefined);
    if (scanner.damaged.length > 0 || scanner.endOffset !== sizeBytes) {
      throw damaged(volumePath(id), this.#way.from, scanner.damaged[0]?.start ?? scanner.endOffset);
    }
  }

  async #checkBody({ path, from, sizeBytes }: FileToMove, table: Buffer, copied: DiskFile): Promise<void> {
    for (let at = 0, i = 0; at < sizeBytes; at += CHUNK_BYTES, i++) {
      const length = Math.min(CHUNK_BYTES, sizeBytes - at);
      await this.#way.takeIo(this.#way.to, length);
      const chunk = await copied.read(at, length);
      if (chunk.length !== length || chunkChecksum(chunk) !== table.readUInt32LE(4 * i)) {
        throw damaged(path, from, at);
      }
    }
  }
}

function createOn(disk: Disk, path: string, source: DiskFile): DiskFile {
  try {
    return disk.create(path);
  } catch (error) {
    source.close();
    throw error;
  }
}

/** Whether it was there. @throws the system's error */
function removeIfThere(disk: TieredDisk, place: string, path: string): boolean {
  try {
    disk.unlinkOn(place, path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

function damaged(path: string, from: string, at: number): StoreError {
  const where = from === "" ? "the first disk" : `tier "${from}"`;
  return new StoreError(
    "CORRUPT",
    `Cannot move ${path} from ${where}: byte ${at} or what follows fails its checksum. Restore it from a replica`,
  );
}
