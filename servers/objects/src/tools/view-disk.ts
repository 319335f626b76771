import type { Disk, DiskFile } from "../storage/disk.ts";

/**
 * A disk that can be read only, on which some files are not there. Who removes a file does not see it afterwards, and who
 * cuts one is told that it is cut; the disk below never changes. So a recovery can be run to see what it would do.
 */
export class ViewDisk implements Disk {
  readonly #disk: Disk;
  readonly #hidden: Set<string>;
  readonly #starts: ReadonlyMap<string, Uint8Array>;
  /** Paths of files that somebody has removed, as far as he knows. */
  readonly removed: string[] = [];

  /**
   * @param hidden Paths of files that are passed over.
   * @param starts What a read from the first byte of a file gives instead, by path.
   */
  constructor(disk: Disk, hidden: Iterable<string>, starts: ReadonlyMap<string, Uint8Array>) {
    this.#disk = disk;
    this.#hidden = new Set(hidden);
    this.#starts = starts;
  }

  create(path: string): DiskFile {
    throw refusal(path);
  }

  open(path: string): DiskFile {
    if (this.#hidden.has(path)) throw Object.assign(new Error(`ENOENT: ${path} is hidden`), { code: "ENOENT" });
    const file = this.#disk.open(path);
    const start = this.#starts.get(path);
    return {
      append: () => {
        throw refusal(path);
      },
      read: (offset, lengthBytes) => (offset === 0 && start ? start : file.read(offset, lengthBytes)),
      sizeBytes: () => file.sizeBytes(),
      sync: async () => undefined,
      truncate: async () => undefined,
      close: () => file.close(),
    };
  }

  unlink(path: string): void {
    if (!this.#hidden.has(path)) this.removed.push(path);
    this.#hidden.add(path);
  }

  async list(directory: string): Promise<string[]> {
    const names = await this.#disk.list(directory);
    return names.filter((name) => !this.#hidden.has(`${directory}/${name}`));
  }

  async syncNames(): Promise<void> {}

  freeBytes(): number {
    return 0;
  }
}

function refusal(path: string): Error {
  return Object.assign(new Error(`EROFS: ${path} can only be read`), { code: "EROFS" });
}
