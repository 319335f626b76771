import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ObjectsError } from "../errors.ts";
import type { StorePlace } from "../replica/replica-file.ts";
import { type Disk, idOfName, VOLUME_DIRECTORY } from "../storage/disk.ts";
import type { IndexEngine } from "../storage/index/index-engine.ts";
import { NodeDisk } from "../storage/node-disk.ts";
import { INDEX_DIRECTORY, openIndex, STORE_FILE, type StoreFile } from "../storage/open-store.ts";
import { readFollowedPosition } from "../storage/position-file.ts";
import { openTiers, storeIdOfTier, type TierPlace } from "../storage/tiers/open-tiers.ts";
import { type SlowTier, TieredDisk } from "../storage/tiers/tiered-disk.ts";
import { type CheckResult, checkStore, storeIdOfVolume } from "./check-store.ts";
import { engineOfIndex, openIndexCopy } from "./index-copy.ts";
import { lockStore, type StoreLock } from "./store-lock.ts";
import { epochsOfVolumes } from "./volume-epochs.ts";

/** What was found in a directory, and the file that should be there. */
export interface SessionCheck extends CheckResult {
  readonly storeFile: StoreFile;
  /** Whether the file is there and can be read. */
  readonly isStoreFileGood: boolean;
}

/**
 * A store that no server has open and none can open, with room elsewhere for indexes that are thrown away at the end: as
 * much as the index of the store takes, and twice that for a moment.
 */
export class StoreSession {
  readonly #directory: string;
  readonly #isFollower: boolean;
  readonly #scratch: string;
  readonly #given: readonly TierPlace[];
  #lock: StoreLock | undefined;

  private constructor({ directory, isFollower }: StorePlace, scratch: string, given: readonly TierPlace[]) {
    this.#directory = directory;
    this.#isFollower = isFollower;
    this.#scratch = scratch;
    this.#given = given;
  }

  /**
   * @param tiers Where the store's tiers are, as far as that is not what the store remembers.
   * @throws ObjectsError `STORE_IN_USE`, `STORE_UNREADABLE`
   */
  static async begin(place: StorePlace, tiers: readonly TierPlace[] = []): Promise<StoreSession> {
    const { directory } = place;
    if (
      !existsSync(directory) ||
      !statSync(directory).isDirectory() ||
      !existsSync(join(directory, VOLUME_DIRECTORY))
    ) {
      const what = `Cannot use ${directory}: there is no ${VOLUME_DIRECTORY}/ in it`;
      throw new ObjectsError("STORE_UNREADABLE", `${what}. Give the directory of a store with --data`);
    }
    const session = new StoreSession(place, mkdtempSync(join(tmpdir(), "kagami-objects-")), tiers);
    try {
      session.#lock = await lockStore(directory, session.#scratch);
    } catch (error) {
      await session.end();
      throw error;
    }
    return session;
  }

  /** Of a copy that follows: what stands behind it is cut at a start, as others may be missing. Undefined for a store. */
  async followedUpTo(): Promise<number | undefined> {
    return this.#isFollower ? await readFollowedPosition(new NodeDisk(this.#directory, { access: "read" })) : undefined;
  }

  /** Reads all of the store. @throws ObjectsError `STORE_UNREADABLE` */
  async check(nowMs: number): Promise<SessionCheck> {
    const first = new NodeDisk(this.#directory, { access: "read" });
    const { file, isGood } = await this.#storeFile(first);
    const disk = new TieredDisk(first, await this.openTiers(file, "read"));
    const round = mkdtempSync(join(this.#scratch, "check-"));
    const { index, problem } = await this.#openCopy(file, join(round, "copy"));
    const built = await openIndex(file.engine, join(round, "built"));
    try {
      const followedUpTo = await this.followedUpTo();
      const result = await checkStore({ disk, index, built, storeId: file.storeId, nowMs, followedUpTo });
      const { findings } = result;
      if (!isGood) findings.error("store-file", STORE_FILE, "it is gone or cannot be read; a volume says what it said");
      if (problem !== undefined) findings.error("index-unusable", INDEX_DIRECTORY, `it cannot be opened: ${problem}`);
      else if (index === undefined && result.totals.volumes > 0) {
        findings.error("index-missing", INDEX_DIRECTORY, "there is none; the next start builds it from the volumes");
      }
      return { ...result, storeFile: file, isStoreFileGood: isGood };
    } catch (cause) {
      if (cause instanceof ObjectsError) throw cause;
      const what = `Cannot read all of ${this.#directory}: ${(cause as Error).message}`;
      throw new ObjectsError("STORE_UNREADABLE", `${what}. Look at the disk and its cables first`, { cause });
    } finally {
      await index?.close();
      await built.close();
      rmSync(round, { recursive: true, force: true });
    }
  }

  /** The slow disks of the store. @throws ObjectsError `STORE_UNREADABLE` if one is not there */
  async openTiers(file: Pick<StoreFile, "storeId" | "tiers">, access: "read" | "write"): Promise<readonly SlowTier[]> {
    const places = new Map([...(file.tiers ?? []), ...this.#given].map((place) => [place.name, place]));
    const { tiers } = await openTiers(file.storeId, [], [...places.values()], access);
    for (const { name, missingBecause } of tiers) {
      if (missingBecause === undefined) continue;
      const what = `Cannot look at ${this.#directory} without tier "${name}": ${missingBecause}`;
      throw new ObjectsError("STORE_UNREADABLE", `${what}. Mount its disk, or say with --tiers where it is`);
    }
    return tiers;
  }

  /** The directories that files may lie in: the store's own, and those of its slow tiers. */
  rootsOf(file: StoreFile): readonly string[] {
    const places = new Map([...(file.tiers ?? []), ...this.#given].map(({ name, directory }) => [name, directory]));
    return [this.#directory, ...places.values()];
  }

  /** Lets servers in again and removes what was needed. */
  async end(): Promise<void> {
    await this.#lock?.release();
    this.#lock = undefined;
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  async #openCopy(file: StoreFile, place: string): Promise<{ index: IndexEngine | undefined; problem?: string }> {
    const directory = join(this.#directory, INDEX_DIRECTORY);
    try {
      return { index: await openIndexCopy(file.engine, directory, place) };
    } catch (error) {
      const { message, cause } = error as Error;
      return { index: undefined, problem: cause instanceof Error ? cause.message : message };
    }
  }

  async #storeFile(disk: Disk): Promise<{ file: StoreFile; isGood: boolean }> {
    const file = readStoreFile(join(this.#directory, STORE_FILE));
    if (file !== undefined) return { file, isGood: true };
    const storeId = (await this.#storeIdOfVolumes(disk)) ?? this.#storeIdOfTiers();
    if (storeId !== undefined) {
      const engine = engineOfIndex(join(this.#directory, INDEX_DIRECTORY));
      const epochs = await epochsOfVolumes(new TieredDisk(disk, await this.openTiers({ storeId }, "read")), storeId);
      const tiers = this.#given.length === 0 ? {} : { tiers: this.#given };
      return { file: { storeId, engine, ...tiers, ...(epochs.length > 0 ? { epochs } : {}) }, isGood: false };
    }
    const what = `Cannot use ${this.#directory}: ${STORE_FILE} cannot be read, nor the header of any volume`;
    throw new ObjectsError("STORE_UNREADABLE", `${what}. Put ${STORE_FILE} back from a copy`);
  }

  async #storeIdOfVolumes(disk: Disk): Promise<string | undefined> {
    for (const name of await disk.list(VOLUME_DIRECTORY)) {
      const id = name.endsWith(".vol") ? idOfName(name) : undefined;
      const storeId = id === undefined ? undefined : await storeIdOfVolume(disk, id);
      if (storeId !== undefined) return storeId;
    }
    return undefined;
  }

  #storeIdOfTiers(): string | undefined {
    for (const { directory } of this.#given) {
      const storeId = storeIdOfTier(directory);
      if (storeId !== undefined) return storeId;
    }
    return undefined;
  }
}

function readStoreFile(path: string): StoreFile | undefined {
  try {
    const file: Partial<StoreFile> = JSON.parse(readFileSync(path, "utf8"));
    const isKnown = file.engine === "rocksdb-native" || file.engine === "classic-level";
    return isKnown && typeof file.storeId === "string" ? (file as StoreFile) : undefined;
  } catch {
    return undefined;
  }
}
