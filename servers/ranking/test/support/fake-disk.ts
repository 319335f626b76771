import { basename } from "node:path";
import type { Random } from "@kagami/clock";
import type { Disk, DiskDirectory, DiskFile } from "../../src/storage/disk.ts";

/** What the fake disk does wrong. Chances are per call. */
export interface FakeDiskFaults {
  /** A write takes only a part of its bytes. */
  shortWrite?: number;
  writeError?: number;
  syncError?: number;
  /** Bytes of all files together; `ENOSPC` beyond, after a part was written. */
  capacityBytes?: number;
  /** Opening a file to create it fails with `EMFILE`. */
  createError?: number;
}

interface Inode {
  bytes: Uint8Array;
  length: number;
  /** What a crash keeps for sure: the content at the last sync. */
  synced: Uint8Array;
}

type NameChange = readonly (readonly [path: string, inode: Inode | undefined])[];

const SECTOR_BYTES = 64;

/**
 * A synchronous disk in memory. The one of the testkit is a promise at every call, which the hot path cannot wait for.
 *
 * A crash keeps of each file what was synced; of each sector written since it keeps the old or the new content, each for
 * itself, as a kernel writes pages back in any order; and of the names a beginning of their changes. A sync under way
 * takes effect when the test says so.
 */
export class FakeDisk implements Disk {
  readonly #random: Random;
  readonly faults: FakeDiskFaults;
  #names = new Map<string, Inode>();
  readonly #durableNames = new Map<string, Inode>();
  #nameChanges: NameChange[] = [];
  #syncs: (() => void)[] = [];
  #openCount = 0;
  #generation = 0;
  #crashAtCall = Number.POSITIVE_INFINITY;
  callCount = 0;
  writeCount = 0;
  /** Syncs that were waited for, and what happens meanwhile. */
  syncNowCount = 0;
  onSyncNow: () => void = () => undefined;

  constructor(random: Random, faults: FakeDiskFaults = {}) {
    this.#random = random;
    this.faults = faults;
  }

  /** Files that are open; a test ends with none. */
  get openCount(): number {
    return this.#openCount;
  }

  get pendingSyncCount(): number {
    return this.#syncs.length;
  }

  /** Throws `CRASHED` at that call from now on, having lost what a crash loses. */
  crashAtCall(count: number): void {
    this.#crashAtCall = this.callCount + count;
  }

  /** The power goes and comes back: open files are dead. */
  crash(): void {
    this.#generation++;
    this.#crashAtCall = Number.POSITIVE_INFINITY;
    this.#syncs = [];
    this.#openCount = 0;
    for (const change of this.#nameChanges.splice(0, this.#random.int(0, this.#nameChanges.length))) {
      apply(this.#durableNames, change);
    }
    this.#nameChanges = [];
    this.#names = new Map(this.#durableNames);
    for (const inode of new Set(this.#names.values())) this.#loseUnsynced(inode);
  }

  /** The process dies and the machine lives: nothing written is lost, but open files and calls under way are. */
  kill(): void {
    this.#generation++;
    this.#syncs = [];
    this.#openCount = 0;
  }

  /** Ends the oldest sync under way. Returns whether there was one. */
  finishSync(): boolean {
    const sync = this.#syncs.shift();
    sync?.();
    return sync !== undefined;
  }

  finishSyncs(): void {
    while (this.finishSync());
  }

  contents(path: string): Uint8Array {
    const inode = this.#inode(path);
    return inode.bytes.slice(0, inode.length);
  }

  /** Puts a file there, synced. */
  put(path: string, bytes: Uint8Array): void {
    const inode: Inode = { bytes: bytes.slice(), length: bytes.length, synced: bytes.slice() };
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  remove(path: string): void {
    this.#names.delete(path);
    this.#durableNames.delete(path);
  }

  open(path: string, mode: "read" | "write" | "create"): DiskFile {
    this.#begin();
    let inode = this.#names.get(path);
    if (mode === "create") {
      if (this.#random.chance(this.faults.createError ?? 0)) throw fault("EMFILE");
      inode = { bytes: new Uint8Array(64), length: 0, synced: new Uint8Array(0) };
      this.#change([[path, inode]]);
    }
    if (!inode) throw fault("ENOENT", path);
    this.#openCount++;
    return this.#fileOf(inode);
  }

  list(directory: string): string[] {
    this.#begin();
    return [...this.#names.keys()]
      .filter((path) => path.startsWith(`${directory}/`))
      .map((path) => basename(path))
      .sort();
  }

  rename(from: string, to: string): void {
    this.#begin();
    const inode = this.#inode(from);
    this.#change([
      [from, undefined],
      [to, inode],
    ]);
  }

  unlink(path: string): void {
    this.#begin();
    this.#inode(path);
    this.#change([[path, undefined]]);
  }

  openDirectory(): DiskDirectory {
    this.#begin();
    return {
      sync: (onDone) => {
        this.#begin();
        this.#later(onDone, () => this.#syncNames());
      },
      close: () => undefined,
    };
  }

  syncDirectoryNow(): void {
    this.#begin();
    this.#syncNames();
  }

  #fileOf(inode: Inode): DiskFile {
    const generation = this.#generation;
    let isOpen = true;
    const begin = (): void => {
      if (!isOpen || generation !== this.#generation) throw fault("EBADF");
      this.#begin();
    };
    return {
      write: (bytes, start, end, offset) => {
        begin();
        this.writeCount++;
        return this.#write(inode, bytes.subarray(start, end), offset);
      },
      read: (bytes, start, end, offset) => {
        begin();
        const found = inode.bytes.subarray(offset, Math.max(offset, Math.min(inode.length, offset + end - start)));
        bytes.set(found, start);
        return found.length;
      },
      sizeBytes: () => {
        begin();
        return inode.length;
      },
      truncate: (sizeBytes) => {
        begin();
        inode.bytes.fill(0, sizeBytes);
        inode.length = sizeBytes;
      },
      sync: (onDone) => {
        begin();
        const content = inode.bytes.slice(0, inode.length);
        this.#later(onDone, () => {
          if (!isOpen) throw new Error("A file was closed while it was synced");
          inode.synced = content;
        });
      },
      syncNow: () => {
        begin();
        this.syncNowCount++;
        this.onSyncNow();
        if (this.#random.chance(this.faults.syncError ?? 0)) throw fault("EIO");
        inode.synced = inode.bytes.slice(0, inode.length);
      },
      close: () => {
        if (!isOpen) throw fault("EBADF");
        isOpen = false;
        if (generation === this.#generation) this.#openCount--;
      },
    };
  }

  #write(inode: Inode, bytes: Uint8Array, offset: number): number {
    if (this.#random.chance(this.faults.writeError ?? 0)) throw fault("EIO");
    let used = 0;
    for (const { length } of new Set(this.#names.values())) used += length;
    const room = (this.faults.capacityBytes ?? Number.POSITIVE_INFINITY) - used;
    if (room <= 0) throw fault("ENOSPC");
    const isShort = bytes.length > room || this.#random.chance(this.faults.shortWrite ?? 0);
    const count = isShort ? this.#random.int(1, Math.min(room, bytes.length)) : bytes.length;
    if (offset + count > inode.bytes.length) {
      const grown = new Uint8Array(2 * (offset + count));
      grown.set(inode.bytes);
      inode.bytes = grown;
    }
    inode.bytes.set(bytes.subarray(0, count), offset);
    inode.length = Math.max(inode.length, offset + count);
    return count;
  }

  #later(onDone: (error: Error | undefined) => void, takeEffect: () => void): void {
    this.#syncs.push(() => {
      if (this.#random.chance(this.faults.syncError ?? 0)) onDone(fault("EIO"));
      else {
        takeEffect();
        onDone(undefined);
      }
    });
  }

  #begin(): void {
    if (++this.callCount < this.#crashAtCall) return;
    this.crash();
    throw fault("CRASHED");
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (!inode) throw fault("ENOENT", path);
    return inode;
  }

  #change(change: NameChange): void {
    apply(this.#names, change);
    this.#nameChanges.push(change);
  }

  #syncNames(): void {
    for (const change of this.#nameChanges.splice(0)) apply(this.#durableNames, change);
  }

  #loseUnsynced(inode: Inode): void {
    const { synced } = inode;
    // The size is journalled: it is the old one, the new one, or between when the writes were several.
    const [low, high] = [Math.min(synced.length, inode.length), Math.max(synced.length, inode.length)];
    const length = this.#random.int(low, high);
    const left = new Uint8Array(Math.max(64, length));
    const lossChance = this.#random.pick([0, 0.1, 0.5, 1]);
    for (let start = 0; start < length; start += SECTOR_BYTES) {
      const end = Math.min(length, start + SECTOR_BYTES);
      const source = this.#random.chance(lossChance) ? synced : inode.bytes;
      left.set(source.subarray(start, end), start);
    }
    inode.bytes = left;
    inode.length = length;
    inode.synced = left.slice(0, length);
  }
}

function apply(names: Map<string, Inode>, change: NameChange): void {
  for (const [path, inode] of change) {
    if (inode) names.set(path, inode);
    else names.delete(path);
  }
}

function fault(code: string, path = ""): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
