import { join } from "node:path";
import { readU32 } from "@kagami/bytes";
import { type Disk, type DiskFile, writeFully } from "./disk.ts";
import {
  addToTotal,
  CHUNK_HEADER_BYTES,
  CHUNK_LIMIT_BYTES,
  encodeFooter,
  encodeSnapshotHeader,
  METADATA_LIMIT_BYTES,
  type SnapshotHeader,
  sealChunk,
  snapshotName,
} from "./snapshot-format.ts";
import { ioFailure } from "./storage-errors.ts";

/** Chunks are gathered up to this before they are written. */
const BUFFER_BYTES = 1_048_576;

/**
 * Writes one snapshot. It does not exist for anybody before `finish` has returned. Blocks its thread at every write, and
 * long in `finish`, so it belongs into a background process. After a throw it is aborted.
 */
export class SnapshotWriter {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #position: number;
  readonly #path: string;
  readonly #file: DiskFile;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #bufferedBytes = 0;
  #writtenBytes = 0;
  #chunkCount = 0;
  #payloadBytes = 0;
  #total: number;
  #isOpen = true;

  /** @throws RankingError `STORAGE_FULL`, `STORAGE_FAILED` */
  constructor(disk: Disk, directory: string, header: SnapshotHeader) {
    if (header.metadata.length > METADATA_LIMIT_BYTES) {
      throw new RangeError(
        `Cannot write metadata of ${header.metadata.length} bytes: give up to ${METADATA_LIMIT_BYTES}`,
      );
    }
    this.#disk = disk;
    this.#directory = directory;
    this.#position = header.position;
    this.#path = join(directory, snapshotName(header.position, true));
    const bytes = encodeSnapshotHeader(header);
    this.#total = addToTotal(0, readU32(bytes, bytes.length - 4));
    try {
      this.#file = disk.open(this.#path, "create");
    } catch (cause) {
      throw ioFailure("write the snapshot", this.#path, cause);
    }
    this.#attempt(() => this.#writeOut(bytes, bytes.length));
  }

  /** Adds a chunk, `bytes[start, end)`, which is copied. Chunks of 64 KiB to 1 MiB suit readers best. */
  write(bytes: Uint8Array, start: number, end: number): void {
    const lengthBytes = end - start;
    if (!(lengthBytes >= 1 && lengthBytes <= CHUNK_LIMIT_BYTES) || start < 0 || end > bytes.length) {
      throw new RangeError(`Cannot write bytes ${start} to ${end} of ${bytes.length}: give 1 to ${CHUNK_LIMIT_BYTES}`);
    }
    const sizeBytes = CHUNK_HEADER_BYTES + lengthBytes;
    if (this.#bufferedBytes + sizeBytes > this.#buffer.length) this.#attempt(() => this.#writeBuffered());
    if (sizeBytes > this.#buffer.length) this.#buffer = new Uint8Array(sizeBytes);
    const offset = this.#bufferedBytes;
    this.#buffer.set(bytes.subarray(start, end), offset + CHUNK_HEADER_BYTES);
    this.#total = addToTotal(this.#total, sealChunk(this.#buffer, offset, lengthBytes, this.#chunkCount));
    this.#bufferedBytes += sizeBytes;
    this.#chunkCount++;
    this.#payloadBytes += lengthBytes;
  }

  /** Writes the end, syncs, and gives the snapshot its name. Returns its path. */
  finish(): string {
    const path = join(this.#directory, snapshotName(this.#position, false));
    this.#attempt(() => {
      this.#writeBuffered();
      const footer = encodeFooter(this.#chunkCount, this.#payloadBytes, this.#total);
      this.#writeOut(footer, footer.length);
      this.#file.syncNow();
      this.#disk.rename(this.#path, path);
      this.#disk.syncDirectoryNow(this.#directory);
    });
    this.#isOpen = false;
    this.#file.close();
    return path;
  }

  /** Deletes what was written. Harmless after `finish`. */
  abort(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#file.close();
    try {
      this.#disk.unlink(this.#path);
    } catch {
      // The next start deletes it; what led here matters more.
    }
  }

  #attempt(run: () => void): void {
    if (!this.#isOpen) throw new RangeError(`Cannot write ${this.#path}: it is finished or aborted`);
    try {
      run();
    } catch (cause) {
      this.abort();
      throw ioFailure("write the snapshot", this.#path, cause);
    }
  }

  #writeBuffered(): void {
    this.#writeOut(this.#buffer, this.#bufferedBytes);
    this.#bufferedBytes = 0;
  }

  #writeOut(bytes: Uint8Array, sizeBytes: number): void {
    writeFully(this.#file, bytes, 0, sizeBytes, this.#writtenBytes);
    this.#writtenBytes += sizeBytes;
  }
}
