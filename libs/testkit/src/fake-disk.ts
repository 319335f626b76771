import type { Random } from "@kagami/clock";

/**
 * What a storage package needs of a disk. Each storage package declares its own interface, as the user of it; this is the
 * largest of them, and {@link FakeDisk} fits any that asks for less, since TypeScript compares structure. Paths are plain
 * names separated by `/`; rejections carry the `code` that Node's file system would: `ENOENT`, `ENOSPC`, `EIO`.
 */
export interface Disk {
  /** Adds bytes at the end of a file, which is made if need be. On `ENOSPC` and `EIO` a part may have been added. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /** A copy of the file's bytes from `offset` on, at most `lengthBytes`. */
  read(path: string, offset?: number, lengthBytes?: number): Promise<Uint8Array>;
  size(path: string): Promise<number>;
  /** Makes the file's bytes outlive a crash; not its name: that is {@link Disk.syncNames}. */
  fdatasync(path: string): Promise<void>;
  /** Makes names outlive a crash: files made, renamed and unlinked (fsync of the directory). */
  syncNames(): Promise<void>;
  /** Cuts the file to `sizeBytes`. */
  truncate(path: string, sizeBytes: number): Promise<void>;
  /** Replaces `to` if it exists. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Paths that begin with `prefix`, sorted. */
  list(prefix?: string): Promise<string[]>;
}

export type DiskFaultCode = "ENOENT" | "ENOSPC" | "EIO" | "CRASHED";

/** A fault of the fake disk. `CRASHED` has no twin in Node: the machine is down until `restart`. */
export class DiskFault extends Error {
  override readonly name = "DiskFault";
  readonly code: DiskFaultCode;

  constructor(code: DiskFaultCode, operation: string, path: string) {
    super(`${code}: ${operation} ${path}`);
    this.code = code;
  }
}

export interface DiskFaults {
  /** Chance that an append, sync or read fails with `EIO`. */
  readonly ioError?: number;
  /** Bytes of all files together; `ENOSPC` beyond. */
  readonly capacityBytes?: number;
  /** Chance that a crash leaves damaged bytes, not only fewer, in what was not synced. */
  readonly tornWrite?: number;
}

interface Inode {
  bytes: Uint8Array;
  length: number;
  /** Bytes from the start that a crash keeps. */
  syncedLength: number;
  /** Ranges whose sync failed: the kernel dropped them, and a later sync that succeeds does not bring them back. */
  lostRanges: readonly { readonly start: number; readonly end: number }[];
}

type NameChange =
  | { readonly kind: "set"; readonly path: string; readonly inode: Inode }
  | { readonly kind: "remove"; readonly path: string };

/**
 * A disk in memory that loses what was not synced.
 *
 * A crash keeps of each file its synced bytes and a random part of the rest, maybe damaged; and of the changes of names
 * since the last `syncNames` a random beginning, in order, as a journalling file system does. A rename is one change: a
 * crash never shows half of it.
 */
export class FakeDisk implements Disk {
  readonly #random: Random;
  readonly #faults: DiskFaults;
  #names = new Map<string, Inode>();
  readonly #durableNames = new Map<string, Inode>();
  #pendingChanges: NameChange[][] = [];
  #isCrashed = false;
  #operationCount = 0;
  #crashAtOperation = Number.POSITIVE_INFINITY;

  constructor(random: Random, faults: DiskFaults = {}) {
    this.#random = random;
    this.#faults = faults;
  }

  /** Operations so far; crashing at each in turn is an exhaustive test. */
  get operationCount(): number {
    return this.#operationCount;
  }

  /** Crashes at the start of that operation, counted from 1 over the disk's life. */
  crashAt(operation: number): void {
    this.#crashAtOperation = operation;
  }

  /** The machine loses its power now: every operation fails with `CRASHED` until `restart`. */
  crash(): void {
    if (this.#isCrashed) return;
    this.#isCrashed = true;
    const keptCount = this.#random.int(0, this.#pendingChanges.length);
    for (const changes of this.#pendingChanges.slice(0, keptCount)) applyChanges(this.#durableNames, changes);
    this.#pendingChanges = [];
    this.#names = new Map(this.#durableNames);
    for (const inode of new Set(this.#names.values())) this.#loseUnsynced(inode);
  }

  /** The machine comes back with what the crash left. */
  restart(): void {
    this.crash();
    this.#isCrashed = false;
    this.#crashAtOperation = Number.POSITIVE_INFINITY;
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    this.#begin("append", path);
    const inode = this.#names.get(path) ?? this.#create(path);
    const room = (this.#faults.capacityBytes ?? Number.POSITIVE_INFINITY) - this.#usedBytes();
    const hasFault = this.#random.chance(this.#faults.ioError ?? 0);
    if (bytes.length <= room && !hasFault) {
      extend(inode, bytes);
      return;
    }
    extend(inode, bytes.subarray(0, this.#random.int(0, Math.max(0, Math.min(room, bytes.length - 1)))));
    throw new DiskFault(hasFault ? "EIO" : "ENOSPC", "append", path);
  }

  async read(path: string, offset = 0, lengthBytes = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    const inode = this.#beginOn("read", path);
    if (this.#random.chance(this.#faults.ioError ?? 0)) throw new DiskFault("EIO", "read", path);
    return inode.bytes.slice(Math.min(offset, inode.length), Math.min(inode.length, offset + lengthBytes));
  }

  async size(path: string): Promise<number> {
    return this.#beginOn("size", path).length;
  }

  async fdatasync(path: string): Promise<void> {
    const inode = this.#beginOn("fdatasync", path);
    if (this.#random.chance(this.#faults.ioError ?? 0)) {
      inode.lostRanges = [...inode.lostRanges, { start: inode.syncedLength, end: inode.length }];
      throw new DiskFault("EIO", "fdatasync", path);
    }
    inode.syncedLength = inode.length;
  }

  async syncNames(): Promise<void> {
    this.#begin("syncNames", "");
    if (this.#random.chance(this.#faults.ioError ?? 0)) throw new DiskFault("EIO", "syncNames", "");
    for (const changes of this.#pendingChanges) applyChanges(this.#durableNames, changes);
    this.#pendingChanges = [];
  }

  async truncate(path: string, sizeBytes: number): Promise<void> {
    const inode = this.#beginOn("truncate", path);
    if (sizeBytes >= inode.length) return;
    // Bytes added later where old ones were cut are new, so none of them counts as synced.
    inode.length = sizeBytes;
    inode.syncedLength = Math.min(inode.syncedLength, sizeBytes);
    inode.lostRanges = inode.lostRanges.map(({ start, end }) => ({
      start,
      end: Math.max(start, Math.min(end, sizeBytes)),
    }));
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#beginOn("rename", from);
    this.#change([
      { kind: "remove", path: from },
      { kind: "set", path: to, inode },
    ]);
  }

  async unlink(path: string): Promise<void> {
    this.#beginOn("unlink", path);
    this.#change([{ kind: "remove", path }]);
  }

  async list(prefix = ""): Promise<string[]> {
    this.#begin("list", prefix);
    return [...this.#names.keys()].filter((path) => path.startsWith(prefix)).sort();
  }

  #begin(operation: string, path: string): void {
    this.#operationCount++;
    if (this.#operationCount >= this.#crashAtOperation) this.crash();
    if (this.#isCrashed) throw new DiskFault("CRASHED", operation, path);
  }

  #beginOn(operation: string, path: string): Inode {
    this.#begin(operation, path);
    const inode = this.#names.get(path);
    if (!inode) throw new DiskFault("ENOENT", operation, path);
    return inode;
  }

  #create(path: string): Inode {
    const inode: Inode = { bytes: new Uint8Array(256), length: 0, syncedLength: 0, lostRanges: [] };
    this.#change([{ kind: "set", path, inode }]);
    return inode;
  }

  #change(changes: NameChange[]): void {
    applyChanges(this.#names, changes);
    this.#pendingChanges.push(changes);
  }

  #usedBytes(): number {
    let used = 0;
    for (const inode of new Set(this.#names.values())) used += inode.length;
    return used;
  }

  #loseUnsynced(inode: Inode): void {
    for (const { start, end } of inode.lostRanges) inode.bytes.fill(0, start, end);
    inode.lostRanges = [];
    const keptLength = this.#random.int(inode.syncedLength, inode.length);
    if (keptLength > inode.syncedLength && this.#random.chance(this.#faults.tornWrite ?? 0)) {
      const damagedFrom = this.#random.int(inode.syncedLength, keptLength - 1);
      // A sector that was never written shows zeros; one half written shows anything.
      if (this.#random.chance(0.5)) inode.bytes.fill(0, damagedFrom, keptLength);
      else inode.bytes.set(this.#random.bytes(keptLength - damagedFrom), damagedFrom);
    }
    inode.length = keptLength;
    inode.syncedLength = keptLength;
  }
}

function applyChanges(names: Map<string, Inode>, changes: readonly NameChange[]): void {
  for (const change of changes) {
    if (change.kind === "set") names.set(change.path, change.inode);
    else names.delete(change.path);
  }
}

function extend(inode: Inode, bytes: Uint8Array): void {
  const length = inode.length + bytes.length;
  if (length > inode.bytes.length) {
    const grown = new Uint8Array(Math.max(length, 2 * inode.bytes.length));
    grown.set(inode.bytes.subarray(0, inode.length));
    inode.bytes = grown;
  }
  inode.bytes.set(bytes, inode.length);
  inode.length = length;
}
