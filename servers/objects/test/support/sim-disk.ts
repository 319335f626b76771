import type { Random } from "@kagami/clock";
import type { Disk, DiskFile } from "../../src/storage/disk.ts";

/** What goes wrong, as chances per operation. */
export interface SimFaults {
  /** An append fails with EIO after a part of it. */
  readonly appendError?: number;
  /** A sync fails with EIO; a crash then loses what it should have synced, whatever a later sync says. */
  readonly syncError?: number;
  readonly readError?: number;
  readonly truncateError?: number;
}

interface Inode {
  bytes: Buffer;
  length: number;
  syncedLength: number;
  /** Ranges that a failed sync left behind: gone after a crash. */
  lost: { start: number; end: number }[];
}

/** An error as Node's file system makes them. `CRASHED` has no twin there: the machine is down. */
function fault(code: "ENOENT" | "EEXIST" | "ENOSPC" | "EIO" | "CRASHED", path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

const SECTOR_BYTES = 512;

/**
 * A disk in memory that loses what was not synced: of the rest a crash keeps a beginning, or any of its sectors, some of
 * them as garbage. Names made or removed since the last sync of their directory come back as they were, in part.
 */
export class SimDisk implements Disk {
  readonly #random: Random;
  faults: SimFaults = {};
  capacityBytes = Number.POSITIVE_INFINITY;
  #names = new Map<string, Inode>();
  readonly #durable = new Map<string, Inode>();
  #pending: { path: string; inode: Inode | undefined }[] = [];
  #isDown = false;
  #generation = 0;
  #operationCount = 0;
  #crashAt = Number.POSITIVE_INFINITY;
  /** The machine has other disks, which fail with it. */
  onCrash: () => void = () => undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  get operationCount(): number {
    return this.#operationCount;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  /** The machine fails at the start of that operation, counted over the disk's life. */
  crashAt(operation: number): void {
    this.#crashAt = operation;
  }

  crash(): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#generation++;
    this.onCrash();
    const kept = this.#random.int(0, this.#pending.length);
    for (const { path, inode } of this.#pending.slice(0, kept)) {
      if (inode === undefined) this.#durable.delete(path);
      else this.#durable.set(path, inode);
    }
    this.#pending = [];
    this.#names = new Map(this.#durable);
    for (const inode of this.#names.values()) this.#lose(inode);
  }

  restart(): void {
    this.crash();
    this.#isDown = false;
    this.#crashAt = Number.POSITIVE_INFINITY;
  }

  create(path: string): DiskFile {
    this.#step(path);
    if (this.#names.has(path)) throw fault("EEXIST", path);
    const inode: Inode = { bytes: Buffer.alloc(8_192), length: 0, syncedLength: 0, lost: [] };
    this.#names.set(path, inode);
    this.#pending.push({ path, inode });
    return this.#handle(path, inode);
  }

  open(path: string): DiskFile {
    this.#step(path);
    const inode = this.#names.get(path);
    if (inode === undefined) throw fault("ENOENT", path);
    return this.#handle(path, inode);
  }

  unlink(path: string): void {
    this.#step(path);
    if (!this.#names.delete(path)) throw fault("ENOENT", path);
    this.#pending.push({ path, inode: undefined });
  }

  async list(directory: string): Promise<string[]> {
    this.#step(directory);
    const start = `${directory}/`;
    return [...this.#names.keys()]
      .filter((path) => path.startsWith(start))
      .map((path) => path.slice(start.length))
      .sort();
  }

  async syncNames(directory: string): Promise<void> {
    this.#step(directory);
    if (this.#random.chance(this.faults.syncError ?? 0)) throw fault("EIO", directory);
    for (const { path, inode } of this.#pending) {
      if (inode === undefined) this.#durable.delete(path);
      else this.#durable.set(path, inode);
    }
    this.#pending = [];
  }

  freeBytes(): number {
    return this.capacityBytes - this.#usedBytes();
  }

  /** Turns one bit of what was synced; the path and place, or undefined if there is nothing. */
  flip(prefix: string): { path: string; offset: number } | undefined {
    const paths = [...this.#names.keys()].filter((path) => path.startsWith(prefix));
    if (paths.length === 0) return undefined;
    const path = this.#random.pick(paths);
    const inode = this.#names.get(path);
    if (inode === undefined || inode.syncedLength === 0) return undefined;
    const offset = this.#random.int(0, inode.syncedLength - 1);
    inode.bytes.writeUInt8((inode.bytes[offset] ?? 0) ^ (1 << this.#random.int(0, 7)), offset);
    return { path, offset };
  }

  /** Turns a byte of a file. */
  damage(path: string, offset: number): void {
    const inode = this.#names.get(path);
    if (inode === undefined || offset >= inode.length) throw fault("ENOENT", path);
    inode.bytes.writeUInt8((inode.bytes[offset] ?? 0) ^ 1, offset);
  }

  /** Bytes of all files. */
  usedBytes(): number {
    return this.#usedBytes();
  }

  #step(path: string): void {
    this.#operationCount++;
    if (this.#operationCount >= this.#crashAt) this.crash();
    if (this.#isDown) throw fault("CRASHED", path);
  }

  #usedBytes(): number {
    let used = 0;
    for (const { length } of this.#names.values()) used += length;
    return used;
  }

  #handle(path: string, inode: Inode): DiskFile {
    const generation = this.#generation;
    const step = (): void => {
      this.#step(path);
      // A handle of before the crash reaches nothing after it.
      if (generation !== this.#generation) throw fault("CRASHED", path);
    };
    return {
      append: async (parts) => {
        step();
        const bytes = Buffer.concat(parts);
        const hasError = this.#random.chance(this.faults.appendError ?? 0);
        const room = Math.max(0, this.freeBytes());
        if (!hasError && bytes.length <= room) return extend(inode, bytes);
        extend(inode, bytes.subarray(0, this.#random.int(0, Math.max(0, Math.min(room, bytes.length - 1)))));
        throw fault(hasError ? "EIO" : "ENOSPC", path);
      },
      read: async (offset, lengthBytes, buffer) => {
        step();
        if (this.#random.chance(this.faults.readError ?? 0)) throw fault("EIO", path);
        const bytes = inode.bytes.subarray(offset, Math.min(inode.length, offset + lengthBytes));
        if (buffer === undefined) return Buffer.from(bytes);
        buffer.set(bytes);
        return buffer.subarray(0, bytes.length);
      },
      sizeBytes: () => inode.length,
      sync: async () => {
        step();
        if (this.#random.chance(this.faults.syncError ?? 0)) {
          inode.lost.push({ start: inode.syncedLength, end: inode.length });
          throw fault("EIO", path);
        }
        inode.syncedLength = inode.length;
      },
      truncate: async (sizeBytes) => {
        step();
        if (this.#random.chance(this.faults.truncateError ?? 0)) throw fault("EIO", path);
        inode.length = sizeBytes;
        inode.syncedLength = Math.min(inode.syncedLength, sizeBytes);
        inode.lost = inode.lost.map(({ start, end }) => ({ start, end: Math.max(start, Math.min(end, sizeBytes)) }));
      },
      close: () => undefined,
    };
  }

  #lose(inode: Inode): void {
    for (const { start, end } of inode.lost) inode.bytes.fill(0, start, end);
    inode.lost = [];
    const kept = this.#random.int(inode.syncedLength, inode.length);
    if (this.#random.chance(0.5)) {
      for (let at = inode.syncedLength; at < kept; at += SECTOR_BYTES) {
        const end = Math.min(kept, at + SECTOR_BYTES);
        if (this.#random.chance(0.3)) inode.bytes.fill(0, at, end);
        else if (this.#random.chance(0.1)) inode.bytes.set(this.#random.bytes(end - at), at);
      }
    }
    inode.length = kept;
    inode.syncedLength = kept;
  }
}

function extend(inode: Inode, bytes: Uint8Array): void {
  const length = inode.length + bytes.length;
  if (length > inode.bytes.length) {
    const grown = Buffer.alloc(Math.max(length, 2 * inode.bytes.length));
    inode.bytes.copy(grown, 0, 0, inode.length);
    inode.bytes = grown;
  }
  inode.bytes.set(bytes, inode.length);
  inode.length = length;
}
