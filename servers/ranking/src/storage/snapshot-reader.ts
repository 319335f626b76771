import { equalBytes, readU32, readU64 } from "@kagami/bytes";
import { type Disk, type DiskFile, readFully } from "./disk.ts";
import {
  addToTotal,
  CHUNK_HEADER_BYTES,
  CHUNK_LIMIT_BYTES,
  decodeSnapshotHeader,
  encodeFooter,
  FOOTER_BYTES,
  FOOTER_MARK,
  SNAPSHOT_HEADER_BYTES,
  type SnapshotHeader,
  sealChunk,
  snapshotHeaderBytes,
} from "./snapshot-format.ts";
import { corruptSnapshot, ioFailure } from "./storage-errors.ts";

/** Bytes read in one call. */
const READ_BYTES = 4 * 1_048_576;

/**
 * Reads one snapshot: its header at once, its chunks as they are asked for. What was built from chunks is only to be used
 * when `chunks` has come to its end without a throw.
 */
export class SnapshotReader {
  readonly path: string;
  readonly header: SnapshotHeader;
  readonly #file: DiskFile;
  readonly #sizeBytes: number;
  #buffer = new Uint8Array(0);
  #bufferOffset = 0;
  #filledBytes = 0;
  #offset: number;
  #total: number;
  #isClosed = false;

  /** @throws RankingError `STORAGE_CORRUPT`, `STORAGE_FAILED` */
  constructor(disk: Disk, path: string) {
    this.path = path;
    try {
      this.#file = disk.open(path, "read");
    } catch (cause) {
      throw ioFailure("read the snapshot", path, cause);
    }
    try {
      this.#sizeBytes = this.#file.sizeBytes();
      const bytes = this.#readHeader();
      const header = decodeSnapshotHeader(bytes);
      if (typeof header === "string") throw corruptSnapshot(path, header);
      this.header = header;
      this.#offset = bytes.length;
      this.#total = addToTotal(0, readU32(bytes, bytes.length - 4));
    } catch (cause) {
      this.#file.close();
      throw ioFailure("read the snapshot", path, cause);
    }
  }

  /**
   * The chunks in order, once. Each is a view of a buffer that the next step reuses. Closes the file at its end, however
   * that comes.
   *
   * @throws RankingError `STORAGE_CORRUPT`, `STORAGE_FAILED`
   */
  *chunks(): Generator<Uint8Array, void, undefined> {
    let chunkCount = 0;
    let payloadBytes = 0;
    try {
      for (;;) {
        const headerAt = this.#load(CHUNK_HEADER_BYTES);
        const lengthBytes = readU32(this.#buffer, headerAt + 4);
        if (lengthBytes === FOOTER_MARK) return this.#checkFooter(chunkCount, payloadBytes);
        yield this.#readChunk(lengthBytes, chunkCount);
        chunkCount++;
        payloadBytes += lengthBytes;
      }
    } catch (cause) {
      throw ioFailure("read the snapshot", this.path, cause);
    } finally {
      this.close();
    }
  }

  /** Gives the file back without reading the chunks. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#file.close();
  }

  #readHeader(): Uint8Array {
    const beginning = new Uint8Array(Math.min(SNAPSHOT_HEADER_BYTES, this.#sizeBytes));
    readFully(this.#file, beginning, 0, beginning.length, 0);
    const headerBytes = snapshotHeaderBytes(beginning);
    if (typeof headerBytes === "string") throw corruptSnapshot(this.path, headerBytes);
    if (headerBytes > this.#sizeBytes) throw corruptSnapshot(this.path, "its header is cut off");
    const bytes = new Uint8Array(headerBytes);
    readFully(this.#file, bytes, 0, headerBytes, 0);
    return bytes;
  }

  #readChunk(lengthBytes: number, index: number): Uint8Array {
    if (lengthBytes < 1 || lengthBytes > CHUNK_LIMIT_BYTES) throw this.#damaged("has an impossible length");
    const at = this.#load(CHUNK_HEADER_BYTES + lengthBytes);
    const crc = readU32(this.#buffer, at);
    if (readU64(this.#buffer, at + 8) !== index) throw this.#damaged(`is not number ${index}`);
    // Sealing it again writes the same bytes, and the checksum that it must have.
    if (sealChunk(this.#buffer, at, lengthBytes, index) !== crc) throw this.#damaged("fails its checksum");
    this.#total = addToTotal(this.#total, crc);
    this.#offset += CHUNK_HEADER_BYTES + lengthBytes;
    return this.#buffer.subarray(at + CHUNK_HEADER_BYTES, at + CHUNK_HEADER_BYTES + lengthBytes);
  }

  #checkFooter(chunkCount: number, payloadBytes: number): void {
    const at = this.#load(FOOTER_BYTES);
    const footer = this.#buffer.subarray(at, at + FOOTER_BYTES);
    if (!equalBytes(footer, encodeFooter(chunkCount, payloadBytes, this.#total))) {
      throw this.#damaged("does not match the footer that it must be");
    }
    if (this.#offset + FOOTER_BYTES !== this.#sizeBytes) throw this.#damaged("is the footer, and more lies behind it");
  }

  /** Has `sizeBytes` from `#offset` on in the buffer and returns where. */
  #load(sizeBytes: number): number {
    const at = this.#offset - this.#bufferOffset;
    if (at + sizeBytes <= this.#filledBytes) return at;
    if (this.#offset + sizeBytes > this.#sizeBytes) throw this.#damaged("is cut off");
    if (sizeBytes > this.#buffer.length) {
      this.#buffer = new Uint8Array(Math.max(sizeBytes, Math.min(READ_BYTES, this.#sizeBytes - this.#offset)));
    }
    this.#bufferOffset = this.#offset;
    this.#filledBytes = readFully(this.#file, this.#buffer, 0, this.#buffer.length, this.#offset);
    if (this.#filledBytes < sizeBytes) throw this.#damaged("is cut off");
    return 0;
  }

  #damaged(what: string): Error {
    return corruptSnapshot(this.path, `what is at byte ${this.#offset} ${what}`);
  }
}
