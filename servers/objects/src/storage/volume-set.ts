import type { FencingEpoch } from "../engine/replica/epochs.ts";
import {
  decodeVolumeHeader,
  encodeVolumeHeader,
  type GroupInfo,
  VOLUME_HEADER_BYTES,
  type VolumeHeader,
} from "../protocol/volume/index.ts";
import { StoreError } from "../store/object-store.ts";
import { type DiskFile, endMarkPath, isAbsent, VOLUME_DIRECTORY, volumePath } from "./disk.ts";
import { fromJsonBytes, jsonBytes } from "./object-json.ts";
import type { TieredDisk } from "./tiers/tiered-disk.ts";
import { type ScanOptions, VolumeScanner } from "./volume-scanner.ts";

/** What is known of a volume; the row `w` of the index. Bytes count whole records. */
export interface Volume {
  readonly id: number;
  readonly group: number;
  /** The tier that it is of; "" is the first. Its file may still lie on a faster one, see {@link Volume.place}. */
  tier: string;
  /** The tier whose disk has the file; not in the row, since the disks say it. */
  place: string;
  /** The disk with the file is not there: nothing can be read of it, and nothing of it is forgotten. */
  isAway: boolean;
  /** When its oldest and its newest record were made; 0 if that is not known. */
  oldestMs: number;
  newestMs: number;
  /** Where the next record goes; everything before it is in the index. */
  endOffset: number;
  deadBytes: number;
  /** Of tombstones and their like, that die only by age. */
  tombstoneBytes: number;
  /** Smallest and largest sequence in it; 0 for none. */
  minSequence: number;
  maxSequence: number;
  /** Smallest sequence of a dead record; 0 for none. */
  minDeadSequence: number;
  /** Nothing is ever added again. */
  isSealed: boolean;
  /** Open objects and scans that read it. */
  readerCount: number;
  /** Taken out of the index. */
  isRemoved: boolean;
}

interface VolumeRow {
  readonly g: number;
  readonly e: number;
  readonly d: number;
  readonly t: number;
  readonly a: number;
  readonly z: number;
  readonly m: number;
  readonly s: 0 | 1;
  readonly p?: string;
  readonly o?: number;
  readonly n?: number;
}

/** A new volume, not known yet how full. */
export function freshVolume(id: number, group: number, tier = ""): Volume {
  return {
    id,
    group,
    tier,
    place: "",
    isAway: false,
    oldestMs: 0,
    newestMs: 0,
    endOffset: VOLUME_HEADER_BYTES,
    deadBytes: 0,
    tombstoneBytes: 0,
    minSequence: 0,
    maxSequence: 0,
    minDeadSequence: 0,
    isSealed: false,
    readerCount: 0,
    isRemoved: false,
  };
}

/** Bytes of the records that something points at. */
export function liveBytes({ endOffset, deadBytes, tombstoneBytes }: Volume): number {
  return endOffset - VOLUME_HEADER_BYTES - deadBytes - tombstoneBytes;
}

/** The row of the index. */
export function encodeVolumeRow(volume: Volume): Buffer {
  const row: VolumeRow = {
    g: volume.group,
    e: volume.endOffset,
    d: volume.deadBytes,
    t: volume.tombstoneBytes,
    a: volume.minSequence,
    z: volume.maxSequence,
    m: volume.minDeadSequence,
    s: volume.isSealed ? 1 : 0,
    ...(volume.tier === "" ? {} : { p: volume.tier }),
    ...(volume.oldestMs === 0 ? {} : { o: volume.oldestMs, n: volume.newestMs }),
  };
  return jsonBytes(row);
}

/** What {@link encodeVolumeRow} wrote. */
export function decodeVolumeRow(id: number, value: Uint8Array): Volume {
  const row: VolumeRow = fromJsonBytes(value);
  return {
    ...freshVolume(id, row.g, row.p),
    oldestMs: row.o ?? 0,
    newestMs: row.n ?? 0,
    endOffset: row.e,
    deadBytes: row.d,
    tombstoneBytes: row.t,
    minSequence: row.a,
    maxSequence: row.z,
    minDeadSequence: row.m,
    isSealed: row.s === 1,
  };
}

/** Files open at once; the least recently used is closed. */
const MAX_OPEN_FILES = 512;

/** Who the store is; it stands in every volume. */
export interface StoreIdentity {
  readonly storeId: string;
  readonly shard: number;
  readonly fencingEpoch: number;
  /** When the writer changed. */
  readonly epochs: readonly FencingEpoch[];
  /** What the checksums of heads begin with; made of the store's id. */
  readonly seed: number;
}

/** The volumes of a shard and their files. */
export class VolumeSet {
  readonly #disk: TieredDisk;
  readonly #identity: StoreIdentity;
  /** Volumes whose files lie on a slower disk, before the volumes themselves are known. */
  readonly #places = new Map<number, string>();
  readonly #volumes = new Map<number, Volume>();
  /** In order of use, last used last. */
  readonly #files = new Map<number, DiskFile>();
  /** Of removed volumes that somebody still reads: they cannot be opened again. */
  readonly #pinned = new Map<number, DiskFile>();
  #nextId = 1;
  #unlinkFailureCount = 0;

  constructor(disk: TieredDisk, identity: StoreIdentity) {
    this.#disk = disk;
    this.#identity = identity;
  }

  get(id: number): Volume | undefined {
    return this.#volumes.get(id);
  }

  all(): IterableIterator<Volume> {
    return this.#volumes.values();
  }

  get count(): number {
    return this.#volumes.size;
  }

  /** The number of the next volume that is made. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Files that could not be removed; the next start tries again. */
  get unlinkFailureCount(): number {
    return this.#unlinkFailureCount;
  }

  /** Takes up a volume that is on disk. */
  adopt(volume: Volume): void {
    volume.place = this.#places.get(volume.id) ?? "";
    if (volume.place !== "" && volume.tier === "") volume.tier = volume.place;
    this.#volumes.set(volume.id, volume);
    this.#nextId = Math.max(this.#nextId, volume.id + 1);
  }

  /** No new volume gets this number or one below. */
  reserveId(id: number): void {
    this.#nextId = Math.max(this.#nextId, id + 1);
  }

  /** The start has found the file there. */
  notePlace(id: number, place: string): void {
    this.#places.set(id, place);
  }

  /**
   * Makes a volume's file with its header; name and header are durable when this resolves.
   *
   * @param where What it is made of, the tier that it is of, and the one whose disk gets the file: the first as a rule.
   */
  async create(
    group: GroupInfo,
    nowMs: number,
    where: { readonly sources?: readonly number[]; readonly tier?: string; readonly place?: string } = {},
  ): Promise<Volume> {
    const { sources = [], tier = "", place = "" } = where;
    const id = this.#nextId++;
    const { storeId, shard, fencingEpoch } = this.#identity;
    const told = tier === "" ? {} : { tier };
    const header: VolumeHeader = {
      storeId,
      shard,
      fencingEpoch,
      volumeId: id,
      group,
      createdMs: nowMs,
      sources,
      ...told,
    };
    const disk = this.#disk.diskOf(place);
    const file = disk.create(volumePath(id));
    try {
      await file.append([encodeVolumeHeader(header)]);
      // Before any record: a file that has more than a header has a good one.
      await file.sync();
      await disk.syncNames(VOLUME_DIRECTORY);
    } catch (error) {
      file.close();
      disk.unlink(volumePath(id));
      throw error;
    }
    const volume = { ...freshVolume(id, group.id, tier), place };
    this.#volumes.set(id, volume);
    this.#remember(id, file);
    return volume;
  }

  /** Its file, opened if need be. Do not keep it over a pause: another one's opening may close it. */
  file(id: number): DiskFile {
    const pinned = this.#pinned.get(id);
    if (pinned !== undefined) return pinned;
    const open = this.#files.get(id);
    if (open !== undefined) {
      this.#files.delete(id);
      this.#files.set(id, open);
      return open;
    }
    const file = this.#disk.open(volumePath(id));
    this.#remember(id, file);
    return file;
  }

  /** Its file lies on another disk now, byte for byte the same: who reads goes on there. */
  relocated(volume: Volume, place: string): void {
    this.#files.get(volume.id)?.close();
    this.#files.delete(volume.id);
    volume.place = place;
  }

  /** Whether the file begins with a header. */
  async hasHeader(id: number): Promise<boolean> {
    return decodeVolumeHeader(await this.file(id).read(0, VOLUME_HEADER_BYTES)) !== undefined;
  }

  /**
   * Reads its records.
   *
   * @param options Without a size the whole file.
   */
  scanner(
    id: number,
    options: Omit<ScanOptions, "volumeId" | "readAt" | "seed" | "sizeBytes"> & Partial<Pick<ScanOptions, "sizeBytes">>,
  ): VolumeScanner {
    return new VolumeScanner({
      ...options,
      // Who knows it need not open the file yet.
      sizeBytes: options.sizeBytes ?? this.file(id).sizeBytes(),
      volumeId: id,
      readAt: (offset, bytes, buffer) => this.file(id).read(offset, bytes, buffer),
      seed: this.#identity.seed,
    });
  }

  /** The header of a file. @throws StoreError CORRUPT if it is none of this store's */
  async header(id: number): Promise<VolumeHeader> {
    const bytes = await this.file(id).read(0, VOLUME_HEADER_BYTES);
    const header = decodeVolumeHeader(bytes);
    const { storeId, shard } = this.#identity;
    if (header?.volumeId !== id || header.storeId !== storeId || header.shard !== shard) {
      throw new StoreError("CORRUPT", `Cannot use ${volumePath(id)}: it has no header of this store's. Move it away`);
    }
    return header;
  }

  /** A reader begins. */
  hold(volume: Volume): void {
    volume.readerCount++;
  }

  /** A reader ends. */
  release(volume: Volume): void {
    volume.readerCount--;
    if (!volume.isRemoved || volume.readerCount > 0) return;
    this.#pinned.get(volume.id)?.close();
    this.#pinned.delete(volume.id);
  }

  /** The index does not name it any more: its name goes at once, its bytes when nobody reads them. */
  remove(volume: Volume): void {
    if (volume.isRemoved) return;
    volume.isRemoved = true;
    this.#volumes.delete(volume.id);
    if (volume.readerCount > 0) this.#pin(volume.id);
    this.#unlink(volume.id);
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
    for (const file of this.#pinned.values()) file.close();
    this.#pinned.clear();
  }

  /** Never throws: the index has removed it already. */
  #pin(id: number): void {
    try {
      this.#pinned.set(id, this.file(id));
      this.#files.delete(id);
    } catch {
      // It cannot be opened, so its readers fail, now or here.
    }
  }

  #unlink(id: number): void {
    this.#files.get(id)?.close();
    this.#files.delete(id);
    try {
      this.#disk.unlink(volumePath(id));
    } catch (error) {
      // The next start finds it without a row and tries again; until then it takes room, and no tombstone may be dropped.
      if (!isAbsent(error)) this.#unlinkFailureCount++;
    }
    try {
      this.#disk.unlink(endMarkPath(id));
    } catch {
      // Hardly any volume has one.
    }
  }

  #remember(id: number, file: DiskFile): void {
    this.#files.set(id, file);
    if (this.#files.size <= MAX_OPEN_FILES) return;
    for (const [oldId, old] of this.#files) {
      old.close();
      this.#files.delete(oldId);
      return;
    }
  }
}
