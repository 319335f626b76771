import { decodeVolumeHeader, VOLUME_HEADER_BYTES } from "../../protocol/volume/index.ts";
import { StoreError } from "../../store/object-store.ts";
import { type Disk, type DiskFile, idOfName, isAbsent, VOLUME_DIRECTORY } from "../disk.ts";

/** A slower disk. */
export interface SlowTier {
  /** As the operator calls it; it stands in rows and headers. */
  readonly name: string;
  /** What S3 calls it. */
  readonly storageClass: string;
  /** Undefined while it is not there. */
  readonly disk: Disk | undefined;
  /** Why it is not there, for people. */
  readonly missingBecause: string | undefined;
}

/**
 * The first disk and the slower ones behind it as one: a file is where the fastest disk that has its name says.
 *
 * That rule alone makes moves safe. A copy on a slower disk says nothing while the file is still on a faster one, so it may
 * be torn; the file goes from the faster one only when the copy is whole, synced, and its name too. Whenever the machine
 * fails the name leads to one whole file; at most a copy is left over, which the next start removes. Nothing is written
 * down elsewhere, so nothing can contradict the disks.
 *
 * New files are made on the first disk, and its free room is what writes ask for: a slow disk that is full, slow or gone is
 * no matter of theirs.
 */
export class TieredDisk implements Disk {
  readonly #first: Disk;
  /** Fastest first. */
  readonly tiers: readonly SlowTier[];
  readonly #slow: readonly { readonly name: string; readonly disk: Disk }[];
  /** Slow tiers in which a name may have been removed since the last sync of names; by the process before, too. */
  readonly #unsynced: Set<string>;

  constructor(first: Disk, tiers: readonly SlowTier[]) {
    this.#first = first;
    this.tiers = tiers;
    this.#slow = tiers.flatMap(({ name, disk }) => (disk === undefined ? [] : [{ name, disk }]));
    this.#unsynced = new Set(this.#slow.map(({ name }) => name));
  }

  /** Whether a tier is not there: then a file that is nowhere may be on it. */
  get isIncomplete(): boolean {
    return this.#slow.length < this.tiers.length;
  }

  /** The tiers that are not there, for people. */
  get missingNames(): string {
    return this.tiers.flatMap(({ name, disk }) => (disk === undefined ? [name] : [])).join(", ");
  }

  /** The disk of a tier; "" is the first. @throws StoreError TIER_MISSING */
  diskOf(place: string): Disk {
    if (place === "") return this.#first;
    const found = this.#slow.find(({ name }) => name === place);
    if (found === undefined) throw new StoreError("TIER_MISSING", `Cannot use tier "${place}": ${this.#why(place)}`);
    return found.disk;
  }

  /** The tier of a storage class; "" is the first, undefined none. */
  tierOfClass(storageClass: string | undefined): string | undefined {
    if (storageClass === undefined || storageClass === "STANDARD") return "";
    return this.tiers.find((tier) => tier.storageClass === storageClass)?.name;
  }

  /** The storage class of a tier; undefined for the first, and for one that is not known any more. */
  classOfTier(name: string): string | undefined {
    return name === "" ? undefined : this.tiers.find((tier) => tier.name === name)?.storageClass;
  }

  /** How far a tier is from the first; the first is 0, one that is not known is behind all. */
  rankOf(name: string): number {
    if (name === "") return 0;
    const at = this.tiers.findIndex((tier) => tier.name === name);
    return at === -1 ? this.tiers.length + 1 : at + 1;
  }

  /** The tier whose disk has a file; undefined if none that is there has it. @throws the system's error */
  placeOf(path: string): string | undefined {
    if (isThere(this.#first, path)) return "";
    return this.#slow.find(({ disk }) => isThere(disk, path))?.name;
  }

  create(path: string): DiskFile {
    return this.#first.create(path);
  }

  /** @throws the system's error; StoreError TIER_MISSING if it may be on a disk that is not there */
  open(path: string): DiskFile {
    try {
      return this.#first.open(path);
    } catch (error) {
      if (this.tiers.length === 0 || !isAbsent(error)) throw error;
      return this.#openSlow(path, error);
    }
  }

  /** Removes the name from all disks, from the slowest on: what is left when this ends halfway is the whole file. */
  unlink(path: string): void {
    let isFound = false;
    let failure: unknown;
    for (let i = this.#slow.length - 1; i >= 0; i--) {
      const { name, disk } = this.#slow[i] as { name: string; disk: Disk };
      try {
        disk.unlink(path);
        this.#unsynced.add(name);
        isFound = true;
      } catch (error) {
        // A slow disk that fails does not keep the room on a good one.
        if (!isAbsent(error)) failure = error;
      }
    }
    try {
      this.#first.unlink(path);
    } catch (error) {
      if (!isFound || !isAbsent(error)) throw failure ?? error;
    }
    if (failure !== undefined) throw failure;
  }

  /** Removes the name from the disk of one tier. @throws the system's error; StoreError TIER_MISSING */
  unlinkOn(place: string, path: string): void {
    this.diskOf(place).unlink(path);
    if (place !== "") this.#unsynced.add(place);
  }

  async list(directory: string): Promise<string[]> {
    const names = await this.#first.list(directory);
    if (this.#slow.length === 0) return names;
    const all = new Set(names);
    for (const { disk } of this.#slow) for (const name of await disk.list(directory)) all.add(name);
    return [...all].sort();
  }

  /** Of the first disk, where new names are made. */
  async syncNames(directory: string): Promise<void> {
    await this.#first.syncNames(directory);
  }

  /**
   * Makes what was removed from slow disks stay removed.
   *
   * @returns false if one of them failed, or is not there
   */
  async syncSlowNames(directory: string): Promise<boolean> {
    for (const { name, disk } of this.#slow) {
      if (!this.#unsynced.has(name)) continue;
      try {
        await disk.syncNames(directory);
        this.#unsynced.delete(name);
      } catch {
        return false;
      }
    }
    return !this.isIncomplete;
  }

  freeBytes(): number {
    return this.#first.freeBytes();
  }

  /**
   * Removes what a move left over: copies on a slower disk of files that a faster one has.
   *
   * @returns the files that lie on a slow disk, and where
   * @throws StoreError CORRUPT if two volumes of one number are not the same
   */
  async settle(directory: string): Promise<ReadonlyMap<string, string>> {
    const places = new Map<string, string>();
    if (this.#slow.length === 0) return places;
    const taken = new Map((await this.#first.list(directory)).map((name) => [name, ""]));
    for (const { name: tier, disk } of this.#slow) {
      for (const name of await disk.list(directory)) {
        const faster = taken.get(name);
        if (faster === undefined) {
          taken.set(name, tier);
          places.set(name, tier);
          continue;
        }
        const path = `${directory}/${name}`;
        if (directory === VOLUME_DIRECTORY && idOfName(name) !== undefined) {
          await checkIsCopy(path, this.diskOf(faster), disk, tier);
        }
        disk.unlink(path);
        this.#unsynced.add(tier);
      }
    }
    return places;
  }

  #openSlow(path: string, absent: unknown): DiskFile {
    for (const { disk } of this.#slow) {
      try {
        return disk.open(path);
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    }
    if (!this.isIncomplete) throw absent;
    const missing = this.tiers.find(({ disk }) => disk === undefined)?.name ?? "";
    const where = `Cannot open ${path}: it may lie on tier "${missing}", which is not there: ${this.#why(missing)}`;
    throw new StoreError("TIER_MISSING", where, { cause: absent });
  }

  #why(name: string): string {
    const tier = this.tiers.find((one) => one.name === name);
    return `${tier?.missingBecause ?? "the store is not told of it"}. Give it back with --tiers and start again`;
  }
}

function isThere(disk: Disk, path: string): boolean {
  try {
    disk.open(path).close();
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** A copy that is torn has no header, or the same. @throws StoreError CORRUPT */
async function checkIsCopy(path: string, faster: Disk, slower: Disk, tier: string): Promise<void> {
  const [one, other] = [await headerOf(faster, path), await headerOf(slower, path)];
  if (decodeVolumeHeader(other) === undefined || Buffer.compare(one, other) === 0) return;
  throw new StoreError(
    "CORRUPT",
    `Cannot use ${path}: tier "${tier}" has another volume of that number than a faster disk. Move one of them away`,
  );
}

async function headerOf(disk: Disk, path: string): Promise<Uint8Array> {
  const file = disk.open(path);
  try {
    return await file.read(0, VOLUME_HEADER_BYTES);
  } finally {
    file.close();
  }
}
