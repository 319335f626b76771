import { CHUNK_BYTES } from "../protocol/volume/index.ts";
import { chunkChecksum } from "./checksums.ts";
import { BLOB_DIRECTORY, blobPath, type Disk, type DiskFile, idOfName } from "./disk.ts";
import type { TieredDisk } from "./tiers/tiered-disk.ts";

/** So much is gathered before it is written. */
const BUFFER_BYTES = 4 * CHUNK_BYTES;
/** While more arrives the disk takes so much at a time, so that little is left to wait for at the end. */
const SYNC_BYTES = 8 << 20;

interface OpenBlob {
  readonly file: DiskFile;
  readerCount: number;
  isOrphan: boolean;
}

/** The large bodies: a file each, named by a number that is never used twice. */
export class BlobStore {
  readonly #disk: TieredDisk;
  readonly #open = new Map<number, OpenBlob>();
  #nextId = 1;
  #unlinkFailureCount = 0;

  constructor(disk: TieredDisk) {
    this.#disk = disk;
  }

  get nextId(): number {
    return this.#nextId;
  }

  /** Files that could not be removed; the next start tries again. */
  get unlinkFailureCount(): number {
    return this.#unlinkFailureCount;
  }

  /** No new blob gets this number or one below. */
  reserveId(id: number): void {
    this.#nextId = Math.max(this.#nextId, id + 1);
  }

  /** A new file to write to, on the disk of a tier. @throws the system's error; StoreError TIER_MISSING */
  create(tier = ""): BlobWriter {
    const id = this.#nextId;
    const disk = this.#disk.diskOf(tier);
    this.reserveId(id);
    return new BlobWriter(id, disk, disk.create(blobPath(id)));
  }

  /** The same with a number that another store gave, whose copy this is. */
  createAs(id: number): BlobWriter {
    this.reserveId(id);
    return new BlobWriter(id, this.#disk, this.#disk.create(blobPath(id)));
  }

  /** Opens a blob for a reader, which must {@link BlobStore.release} it. @throws the system's error, ENOENT if it is gone */
  hold(id: number): DiskFile {
    const known = this.#open.get(id);
    if (known !== undefined) {
      known.readerCount++;
      return known.file;
    }
    const file = this.#disk.open(blobPath(id));
    this.#open.set(id, { file, readerCount: 1, isOrphan: false });
    return file;
  }

  /** The file of a blob that is held. */
  file(id: number): DiskFile {
    const blob = this.#open.get(id);
    if (blob === undefined) throw new Error(`Cannot read blob ${id}: nobody holds it`);
    return blob.file;
  }

  release(id: number): void {
    const blob = this.#open.get(id);
    if (blob === undefined || --blob.readerCount > 0) return;
    this.#open.delete(id);
    blob.file.close();
    if (blob.isOrphan) this.#unlink(id);
  }

  /** Nobody owns it any more: its file goes with its last reader. */
  orphan(id: number): void {
    const blob = this.#open.get(id);
    if (blob === undefined) this.#unlink(id);
    else blob.isOrphan = true;
  }

  /** Removes files that are not owned, at a start; how many there were. */
  async sweep(ownedIds: ReadonlySet<number>): Promise<number> {
    let count = 0;
    for (const name of await this.#disk.list(BLOB_DIRECTORY)) {
      const id = idOfName(name);
      if (id === undefined) continue;
      this.reserveId(id);
      if (ownedIds.has(id)) continue;
      this.#unlink(id);
      count++;
    }
    return count;
  }

  close(): void {
    for (const { file } of this.#open.values()) file.close();
    this.#open.clear();
  }

  #unlink(id: number): void {
    try {
      this.#disk.unlink(blobPath(id));
    } catch {
      // The next start finds that nobody owns it and tries again; until then it only takes room.
      this.#unlinkFailureCount++;
    }
  }
}

/**
 * Writes one blob. Bytes are gathered in one buffer while another is on its way to the disk; when both are full, `write`
 * waits: that is the back-pressure.
 */
export class BlobWriter {
  readonly id: number;
  readonly #disk: Disk;
  readonly #file: DiskFile;
  readonly #checksums: number[] = [];
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #spare: Buffer | undefined = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filledBytes = 0;
  #writtenBytes = 0;
  #underWay: Promise<void> = Promise.resolve();
  #unsyncedBytes = 0;
  #isSyncing = false;
  /** Syncs of what is written so far, and first of the name. After one has failed nothing of the file can be believed. */
  #syncs: Promise<void>;

  constructor(id: number, disk: Disk, file: DiskFile) {
    this.id = id;
    this.#disk = disk;
    this.#file = file;
    this.#syncs = disk.syncNames(BLOB_DIRECTORY);
    this.#syncs.catch(() => undefined);
  }

  get sizeBytes(): number {
    return this.#writtenBytes + this.#filledBytes;
  }

  /** Takes the bytes. @throws the system's error, of this write or of one before */
  async write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      const count = Math.min(bytes.length - at, BUFFER_BYTES - this.#filledBytes);
      this.#buffer.set(bytes.subarray(at, at + count), this.#filledBytes);
      this.#filledBytes += count;
      at += count;
      if (this.#filledBytes === BUFFER_BYTES) await this.#flush();
    }
  }

  /** Makes all of it durable, name included, and gives the checksums of its chunks as they stand in a record. */
  async finish(): Promise<Buffer> {
    if (this.#filledBytes > 0) await this.#flush();
    await this.#underWay;
    await this.#syncs;
    await this.#file.sync();
    this.#file.close();
    const out = Buffer.allocUnsafe(4 * this.#checksums.length);
    for (const [i, checksum] of this.#checksums.entries()) out.writeUInt32LE(checksum, 4 * i);
    return out;
  }

  /** Leaves nothing behind. */
  async abort(): Promise<void> {
    await this.#underWay.catch(() => undefined);
    await this.#syncs.catch(() => undefined);
    this.#file.close();
    try {
      this.#disk.unlink(blobPath(this.id));
    } catch {
      // The next start removes it: no record owns it.
    }
  }

  async #flush(): Promise<void> {
    const full = this.#buffer;
    const bytes = full.subarray(0, this.#filledBytes);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      this.#checksums.push(chunkChecksum(bytes.subarray(at, at + CHUNK_BYTES)));
    }
    await this.#underWay;
    this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#spare = full;
    this.#filledBytes = 0;
    this.#writtenBytes += bytes.length;
    const writing = (async () => await this.#file.append([bytes]))();
    // Who waits for it next is told of its failure.
    writing.catch(() => undefined);
    this.#underWay = writing;
    this.#unsyncedBytes += bytes.length;
    if (this.#unsyncedBytes >= SYNC_BYTES && !this.#isSyncing) this.#beginSync(writing);
  }

  #beginSync(written: Promise<void>): void {
    this.#unsyncedBytes = 0;
    this.#isSyncing = true;
    const before = this.#syncs;
    const syncing = (async () => {
      await written;
      await before;
      await this.#file.sync();
      this.#isSyncing = false;
    })();
    // A failure is found at the end, or nobody wants the file any more.
    syncing.catch(() => undefined);
    this.#syncs = syncing;
  }
}
