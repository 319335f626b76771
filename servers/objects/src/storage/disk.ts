/**
 * An open file that grows at its end. Errors are the operating system's, with its `code`. What returns a promise or not
 * may answer at once: the real disk writes little things into the page cache on the caller's thread, which costs less than
 * the way to another one.
 */
export interface DiskFile {
  /** Adds all parts at the end. When it fails a part of them may have been added. */
  append(parts: readonly Uint8Array[]): Promise<void> | void;
  /** At most `lengthBytes` from `offset` on, fewer only where the file ends; into the beginning of `buffer` if one is given. */
  read(offset: number, lengthBytes: number, buffer?: Uint8Array): Promise<Uint8Array> | Uint8Array;
  sizeBytes(): number;
  /** Makes the bytes outlive a loss of power (fdatasync), not the name. */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): void;
}

/** What the storage needs of a file system. Paths are relative to the store's directory, with `/`. */
export interface Disk {
  /** A new file. @throws the system's error if it is there */
  create(path: string): DiskFile;
  open(path: string): DiskFile;
  unlink(path: string): void;
  /** Names of the files in a directory, sorted. */
  list(directory: string): Promise<string[]>;
  /** Makes the names in a directory outlive a loss of power. */
  syncNames(directory: string): Promise<void>;
  /** How many bytes may still be written. */
  freeBytes(): number;
}

/** Whether the error says that there is no room: the disk or a quota is full, or the file may not grow. */
export function isFull(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
}

/** Whether the error says that there is no such file. */
export function isAbsent(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === "ENOENT";
}

/** Where volumes and blobs lie. */
export const VOLUME_DIRECTORY = "volumes";
export const BLOB_DIRECTORY = "blobs";

/** The file of a volume. */
export function volumePath(volumeId: number): string {
  return `${VOLUME_DIRECTORY}/${volumeId.toString(16).padStart(8, "0")}.vol`;
}

/** The mark of where a volume ends that could not be cut there. */
export function endMarkPath(volumeId: number): string {
  return `${VOLUME_DIRECTORY}/${volumeId.toString(16).padStart(8, "0")}.end`;
}

/** The volume that a name which {@link endMarkPath} made belongs to; undefined for others. */
export function idOfEndMark(name: string): number | undefined {
  const hex = /^([0-9a-f]{8})\.end$/.exec(name)?.[1];
  return hex === undefined ? undefined : Number.parseInt(hex, 16);
}

/** The file of a blob. */
export function blobPath(blobId: number): string {
  return `${BLOB_DIRECTORY}/${blobId.toString(16).padStart(14, "0")}.blob`;
}

/** The number in a name that {@link volumePath} or {@link blobPath} made; undefined for others. */
export function idOfName(name: string): number | undefined {
  const hex = /^([0-9a-f]{8,14})\.(?:vol|blob)$/.exec(name)?.[1];
  return hex === undefined ? undefined : Number.parseInt(hex, 16);
}
