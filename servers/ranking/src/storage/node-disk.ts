import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import type { Disk, DiskFile } from "./disk.ts";

/** The machine's file system. Files are made readable by their owner alone: they hold every user's data. */
export const nodeDisk: Disk = {
  open: (path, mode) => new NodeFile(openSync(path, FLAGS[mode], 0o600)),
  list: (directory) => readdirSync(directory).sort(),
  rename: renameSync,
  unlink: unlinkSync,
  openDirectory: (directory) => {
    const fd = openSync(directory, "r");
    return {
      // Not fdatasync: that may leave out a change of names.
      sync: (onDone) => fsync(fd, (error) => onDone(error ?? undefined)),
      close: () => closeSync(fd),
    };
  },
  syncDirectoryNow: (directory) => {
    const fd = openSync(directory, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
};

const FLAGS = { read: "r", write: "r+", create: "w+" } as const;

class NodeFile implements DiskFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Uint8Array, start: number, end: number, offset: number): number {
    return writeSync(this.#fd, bytes, start, end - start, offset);
  }

  read(bytes: Uint8Array, start: number, end: number, offset: number): number {
    return readSync(this.#fd, bytes, start, end - start, offset);
  }

  sizeBytes(): number {
    return fstatSync(this.#fd).size;
  }

  truncate(sizeBytes: number): void {
    ftruncateSync(this.#fd, sizeBytes);
  }

  sync(onDone: (error: Error | undefined) => void): void {
    fdatasync(this.#fd, (error) => onDone(error ?? undefined));
  }

  syncNow(): void {
    fdatasyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
