import {
  close,
  closeSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncate,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readSync,
  statfsSync,
  unlinkSync,
  writev,
  writevSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { BLOB_DIRECTORY, type Disk, type DiskFile, VOLUME_DIRECTORY } from "./disk.ts";
import { ReadPace } from "./read-pace.ts";

const fdatasyncAsync = promisify(fdatasync);
const fsyncAsync = promisify(fsync);
const ftruncateAsync = promisify(ftruncate);

/** More than this goes through another thread: copying it into the page cache would hold up everybody. */
const WRITE_HERE_BYTES = 524_288;
/** The system takes at most so many parts in one call. */
const MAX_PARTS = 1_024;
/** So much is read on this thread while reads are answered from the page cache. */
const READ_HERE_BYTES = 1_048_576;
/** How long the system's answer counts: asking costs as much as a small write. The reserve is larger than what comes in. */
const FREE_BYTES_AGE_MS = 20;

/** How a disk is used. */
export interface NodeDiskOptions {
  /** With `read` nothing is made, and files are opened for reading. */
  readonly access?: "read" | "write";
  /** Nothing is read or written on the caller's thread, as the disk may take long for it. */
  readonly isSlow?: boolean;
}

/** The machine's file system below a directory, which is made if need be. Files are readable by their owner alone. */
export class NodeDisk implements Disk {
  readonly #root: string;
  readonly #access: "read" | "write";
  readonly #pace: ReadPace;
  #freeBytes = 0;
  #freeAtMs = Number.NEGATIVE_INFINITY;

  constructor(root: string, { access = "write", isSlow = false }: NodeDiskOptions = {}) {
    this.#root = root;
    this.#access = access;
    this.#pace = new ReadPace(isSlow);
    if (access === "read") return;
    for (const directory of [VOLUME_DIRECTORY, BLOB_DIRECTORY]) {
      mkdirSync(join(root, directory), { recursive: true, mode: 0o700 });
    }
  }

  create(path: string): DiskFile {
    return new NodeFile(openSync(join(this.#root, path), "wx+", 0o600), this.#pace);
  }

  open(path: string): DiskFile {
    return new NodeFile(openSync(join(this.#root, path), this.#access === "read" ? "r" : "r+"), this.#pace);
  }

  /** Giving back the blocks of a large file takes tens of milliseconds: another thread does it, by closing it last. */
  unlink(path: string): void {
    const fd = openSync(join(this.#root, path), "r");
    try {
      unlinkSync(join(this.#root, path));
    } finally {
      // Nothing was written through it, so nothing can be lost when closing fails.
      close(fd, () => undefined);
    }
  }

  async list(directory: string): Promise<string[]> {
    return readdirSync(join(this.#root, directory)).sort();
  }

  async syncNames(directory: string): Promise<void> {
    const fd = openSync(join(this.#root, directory), "r");
    try {
      // Not fdatasync: that may leave out a change of names.
      await fsyncAsync(fd);
    } finally {
      closeSync(fd);
    }
  }

  freeBytes(): number {
    const nowMs = performance.now();
    if (nowMs - this.#freeAtMs > FREE_BYTES_AGE_MS) {
      const { bavail, bsize } = statfsSync(this.#root);
      this.#freeBytes = bavail * bsize;
      this.#freeAtMs = nowMs;
    }
    return this.#freeBytes;
  }
}

class NodeFile implements DiskFile {
  readonly #fd: number;
  readonly #pace: ReadPace;
  #sizeBytes: number;
  #pendingCount = 0;
  #isClosed = false;

  constructor(fd: number, pace: ReadPace) {
    this.#fd = fd;
    this.#pace = pace;
    this.#sizeBytes = fstatSync(fd).size;
  }

  append(parts: readonly Uint8Array[]): Promise<void> | void {
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    if (bytes > WRITE_HERE_BYTES || this.#pace.isSlow) return this.#appendElsewhere(parts);
    let rest = parts;
    while (rest.length > 0) rest = this.#advance(rest, writevSync(this.#fd, rest.slice(0, MAX_PARTS), this.#sizeBytes));
  }

  async #appendElsewhere(parts: readonly Uint8Array[]): Promise<void> {
    let rest = parts;
    while (rest.length > 0) {
      const batch = rest.slice(0, MAX_PARTS);
      const written = await this.#during(
        () =>
          new Promise<number>((resolve, reject) => {
            writev(this.#fd, batch, this.#sizeBytes, (error, count) => (error ? reject(error) : resolve(count)));
          }),
      );
      rest = this.#advance(rest, written);
    }
  }

  /** What is left to write after so many bytes were taken. */
  #advance(parts: readonly Uint8Array[], writtenBytes: number): readonly Uint8Array[] {
    this.#sizeBytes += writtenBytes;
    let left = writtenBytes;
    let index = 0;
    for (const part of parts) {
      if (left < part.length) break;
      left -= part.length;
      index++;
    }
    const first = parts[index];
    if (first === undefined) return [];
    // A file system at its end may take nothing and say nothing; asking again would never end.
    if (writtenBytes === 0) throw Object.assign(new Error("ENOSPC: the write took nothing"), { code: "ENOSPC" });
    return left === 0 ? parts.slice(index) : [first.subarray(left), ...parts.slice(index + 1)];
  }

  read(offset: number, lengthBytes: number, buffer?: Uint8Array): Promise<Uint8Array> | Uint8Array {
    const bytes = buffer?.subarray(0, lengthBytes) ?? Buffer.allocUnsafeSlow(lengthBytes);
    if (lengthBytes > READ_HERE_BYTES || !this.#pace.isHere()) return this.#readElsewhere(bytes, offset);
    const startedMs = performance.now();
    let count = 0;
    while (count < lengthBytes) {
      const got = readSync(this.#fd, bytes, count, lengthBytes - count, offset + count);
      if (got === 0) break;
      count += got;
    }
    this.#pace.onRead(performance.now() - startedMs);
    return count === lengthBytes ? bytes : bytes.subarray(0, count);
  }

  #readElsewhere(bytes: Uint8Array, offset: number): Promise<Uint8Array> {
    return this.#during(async () => {
      let count = 0;
      while (count < bytes.length) {
        const got = await new Promise<number>((resolve, reject) => {
          read(this.#fd, bytes, count, bytes.length - count, offset + count, (error, n) =>
            error ? reject(error) : resolve(n),
          );
        });
        if (got === 0) break;
        count += got;
      }
      return count === bytes.length ? bytes : bytes.subarray(0, count);
    });
  }

  sizeBytes(): number {
    return this.#sizeBytes;
  }

  sync(): Promise<void> {
    return this.#during(() => fdatasyncAsync(this.#fd));
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#during(() => ftruncateAsync(this.#fd, sizeBytes));
    this.#sizeBytes = sizeBytes;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#pendingCount === 0) closeSync(this.#fd);
  }

  /** A number that was closed may soon be another file's, so closing waits for what is under way. */
  async #during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw Object.assign(new Error("EBADF: the file is closed"), { code: "EBADF" });
    this.#pendingCount++;
    try {
      return await work();
    } finally {
      this.#pendingCount--;
      if (this.#isClosed && this.#pendingCount === 0) closeSync(this.#fd);
    }
  }
}
