/**
 * An open file. Calls block the thread, as the hot path wants it (a write of a few kilobytes into the page cache takes a
 * few microseconds, a hop to another thread more), except for {@link DiskFile.sync}, which waits for the device. What
 * fails throws the error of the operating system, with its `code`.
 */
export interface DiskFile {
  /** Writes `bytes[start, end)` at `offset` and returns how many bytes were written, which may be fewer. */
  write(bytes: Uint8Array, start: number, end: number, offset: number): number;
  /** Reads at `offset` into `bytes[start, end)` and returns how many bytes there were; 0 at the end of the file. */
  read(bytes: Uint8Array, start: number, end: number, offset: number): number;
  sizeBytes(): number;
  truncate(sizeBytes: number): void;
  /**
   * Makes the file's bytes outlive a loss of power (fdatasync), on another thread; never calls back within this call. The
   * file must not be closed before.
   */
  sync(onDone: (error: Error | undefined) => void): void;
  /** The same, and waits. For start-up, shutdown and background processes. */
  syncNow(): void;
  close(): void;
}

/**
 * An open directory. It is kept open because making a name durable must not fail for want of a file descriptor.
 */
export interface DiskDirectory {
  /** Makes names outlive a loss of power: files made, renamed and unlinked. As {@link DiskFile.sync} otherwise. */
  sync(onDone: (error: Error | undefined) => void): void;
  /** Not while a sync is under way. */
  close(): void;
}

/** What the storage needs of a file system. Paths are the operating system's. */
export interface Disk {
  /** `create` makes the file, or empties it if it is there; `write` and `read` want it to be there. */
  open(path: string, mode: "read" | "write" | "create"): DiskFile;
  /** Names of the files in a directory, sorted. */
  list(directory: string): string[];
  /** Replaces `to` if it is there. */
  rename(from: string, to: string): void;
  unlink(path: string): void;
  openDirectory(directory: string): DiskDirectory;
  /** Makes the names in a directory durable, and waits. */
  syncDirectoryNow(directory: string): void;
}

/**
 * Writes all of `bytes[start, end)` at `offset`, in as many calls as the system wants.
 *
 * @throws the system's error; a part may have been written then.
 */
export function writeFully(file: DiskFile, bytes: Uint8Array, start: number, end: number, offset: number): void {
  let from = start;
  while (from < end) {
    const written = file.write(bytes, from, end, offset + from - start);
    // A file system at its end may take nothing and say nothing; asking again would never end.
    if (written <= 0) throw Object.assign(new Error("ENOSPC: the write took nothing"), { code: "ENOSPC" });
    from += written;
  }
}

/** Reads until `bytes[start, end)` is full or the file ends, and returns the number of bytes read. */
export function readFully(file: DiskFile, bytes: Uint8Array, start: number, end: number, offset: number): number {
  let from = start;
  while (from < end) {
    const count = file.read(bytes, from, end, offset + from - start);
    if (count <= 0) break;
    from += count;
  }
  return from - start;
}

/** Whether the error says that there is no room: the disk or a quota is full, or the file may not grow. */
export function isFull(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
}

/** The operating system's name of an error, or "unknown". */
export function errorCode(error: unknown): string {
  const code: unknown = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "unknown";
}
