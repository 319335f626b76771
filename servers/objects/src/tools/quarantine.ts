import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Disk, DiskFile } from "../storage/disk.ts";

/** Beside the volumes; the server passes it over. */
const QUARANTINE_DIRECTORY = "quarantine";

/**
 * Where a repair puts what it takes out of a store. Nothing that is there is ever overwritten or removed. A file of a slow
 * tier goes to a quarantine on its own disk.
 */
export class Quarantine {
  #roots: readonly string[];
  readonly #beforeStep: () => void;

  /** @param beforeStep Called before each change; what it throws ends the repair there. */
  constructor(directory: string, beforeStep: () => void) {
    this.#roots = [directory];
    this.#beforeStep = beforeStep;
  }

  /** Directories that files may lie in, the store's own first. */
  setRoots(roots: readonly string[]): void {
    this.#roots = roots;
  }

  /** The directory that a file lies in; the store's own if it is nowhere. */
  rootOf(path: string): string {
    return this.#roots.find((root) => existsSync(join(root, path))) ?? (this.#roots[0] as string);
  }

  /** Moves a file or directory of the store there, durable when it returns. @throws the system's error */
  move(path: string): string {
    const root = this.rootOf(path);
    const name = freeName(root, path);
    this.#beforeStep();
    renameSync(join(root, path), join(root, name));
    syncDirectory(join(root, QUARANTINE_DIRECTORY));
    syncDirectory(dirname(join(root, path)));
    return root === this.#roots[0] ? name : join(root, name);
  }

  /** The same for all copies that a move between tiers may have left; the name of the first. */
  moveAll(path: string): string {
    const name = this.move(path);
    while (this.#roots.some((root) => existsSync(join(root, path)))) this.move(path);
    return name;
  }

  /** Keeps bytes that are about to be overwritten or cut, durable when it returns. @throws the system's error */
  keep(path: string, bytes: Uint8Array): string {
    const root = this.#roots[0] as string;
    const name = freeName(root, path);
    this.#beforeStep();
    writeFileSync(join(root, name), bytes, { flag: "wx", mode: 0o600, flush: true });
    syncDirectory(join(root, QUARANTINE_DIRECTORY));
    return name;
  }
}

function freeName(root: string, path: string): string {
  mkdirSync(join(root, QUARANTINE_DIRECTORY), { recursive: true, mode: 0o700 });
  const name = `${QUARANTINE_DIRECTORY}/${path.replaceAll("/", "-")}`;
  for (let count = 0; ; count++) {
    const free = count === 0 ? name : `${name}.${count}`;
    if (!existsSync(join(root, free))) return free;
  }
}

/** A disk on which nothing is lost: what is removed goes into quarantine, and what is cut off is kept there first. */
export class KeepingDisk implements Disk {
  readonly #disk: Disk;
  readonly #quarantine: Quarantine;
  readonly #onKept: (path: string, name: string) => void;

  /** @param onKept Told of each file, or part of one, that went into quarantine, and its name there. */
  constructor(disk: Disk, quarantine: Quarantine, onKept: (path: string, name: string) => void) {
    this.#disk = disk;
    this.#quarantine = quarantine;
    this.#onKept = onKept;
  }

  create(path: string): DiskFile {
    return this.#disk.create(path);
  }

  open(path: string): DiskFile {
    const file = this.#disk.open(path);
    return {
      append: (parts) => file.append(parts),
      read: (offset, lengthBytes) => file.read(offset, lengthBytes),
      sizeBytes: () => file.sizeBytes(),
      sync: () => file.sync(),
      truncate: async (sizeBytes) => {
        const rest = await file.read(sizeBytes, file.sizeBytes() - sizeBytes);
        this.#onKept(path, this.#quarantine.keep(`${path}.from-${sizeBytes}`, rest));
        await file.truncate(sizeBytes);
      },
      close: () => file.close(),
    };
  }

  unlink(path: string): void {
    this.#onKept(path, this.#quarantine.moveAll(path));
  }

  list(directory: string): Promise<string[]> {
    return this.#disk.list(directory);
  }

  syncNames(directory: string): Promise<void> {
    return this.#disk.syncNames(directory);
  }

  freeBytes(): number {
    return this.#disk.freeBytes();
  }
}

/** Makes the names in a directory outlive a loss of power. @throws the system's error */
export function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
