import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32c } from "@node-rs/crc32";
import { currentEpoch, type FencingEpoch } from "../engine/replica/epochs.ts";
import { StoreError } from "../store/object-store.ts";
import { BlobStore } from "./blob-store.ts";
import { Catalog } from "./catalog.ts";
import type { Disk } from "./disk.ts";
import { Follower, NO_PAST, type SourcePast } from "./follower.ts";
import type { IndexEngine } from "./index/index-engine.ts";
import { NodeDisk } from "./node-disk.ts";
import { type ShardOptions, ShardState } from "./shard-state.ts";
import { ShardStore } from "./shard-store.ts";
import { openTiers, type TierPlace } from "./tiers/open-tiers.ts";
import { type SlowTier, TieredDisk } from "./tiers/tiered-disk.ts";
import { type StoreIdentity, VolumeSet } from "./volume-set.ts";
import { writeDurably } from "./write-durably.ts";

/** Which engine keeps the index. */
export type IndexEngineName = "rocksdb-native" | "classic-level";

export interface StoreOptions extends Partial<ShardOptions> {
  /** Made if need be. One process at a time. */
  readonly directory: string;
  /** `rocksdb-native` if absent. A store keeps the engine it was made with. */
  readonly engine?: IndexEngineName;
  /** Of the machine, if absent. */
  readonly nowMs?: () => number;
  /** Slower disks, fastest first. What was given once is remembered. */
  readonly tiers?: readonly TierPlace[];
  /** Do not open the store while one of them is not there. */
  readonly requireTiers?: boolean;
}

const MIB = 1_048_576;

/** Sizes of a store that was told none. */
const DEFAULT_SHARD_OPTIONS: ShardOptions = {
  volumeBytes: 256 * MIB,
  blobFromBytes: 8 * MIB,
  cacheBytes: 256 * MIB,
  cachedBodyBytes: 65_536,
  recentBytes: 64 * MIB,
  bodyMemoryBytes: 256 * MIB,
  reserveBytes: 64 * MIB,
  maxBuckets: 1_000,
};

/** What a store says of itself, in {@link STORE_FILE}. */
export interface StoreFile {
  readonly storeId: string;
  readonly engine: IndexEngineName;
  /** Tiers that were given once, fastest first: files may lie there. */
  readonly tiers?: readonly TierPlace[];
  /** Absent of a store that was never promoted. */
  readonly epochs?: readonly FencingEpoch[];
}

/** Beside the volumes. */
export const STORE_FILE = "store.json";
/** The directory of the index, beside the volumes. */
export const INDEX_DIRECTORY = "index";

/**
 * Opens a store, or makes one, and brings its index up to its volumes.
 *
 * @throws StoreError CORRUPT where a volume is not this store's; an error of the index if another process has it open
 */
export async function openStore(options: StoreOptions): Promise<ShardStore> {
  const { directory, engine, nowMs, tiers: given = [], requireTiers = false, ...sizes } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = await readStoreFile(directory, engine);
  const tiers = await openStoreTiers(directory, file, given, requireTiers);
  const disk = new NodeDisk(directory);
  const index = await openIndex(file.engine, join(directory, INDEX_DIRECTORY));
  try {
    return await startShard({ ...file, disk, index, nowMs: nowMs ?? Date.now, options: sizes, tiers });
  } catch (error) {
    await index.close();
    throw error;
  }
}

/** What a copy is opened with. */
export interface FollowerOptions extends Omit<StoreOptions, "tiers" | "requireTiers"> {
  /** Of the store that is followed; it must be the one that the copy is of, if there is one already. */
  readonly storeId: string;
  readonly epochs: readonly FencingEpoch[];
  /** See {@link Follower.start}. */
  readonly past: SourcePast;
}

/** Opens a copy of a store, or begins one. @throws StoreError CORRUPT where it is of another store; as {@link openStore} */
export async function openFollower(options: FollowerOptions): Promise<Follower> {
  const { directory, engine, nowMs, storeId, epochs, past, ...sizes } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const made = { storeId, engine: engine ?? "rocksdb-native", epochs };
  const file = await readStoreFile(directory, engine, made);
  if (file.storeId !== storeId) {
    throw new StoreError("CORRUPT", `Cannot follow store ${storeId} in ${directory}: its copy is of ${file.storeId}`);
  }
  const disk = new NodeDisk(directory);
  const index = await openIndex(file.engine, join(directory, INDEX_DIRECTORY));
  try {
    const parts = { ...file, disk, index, nowMs: nowMs ?? Date.now, options: sizes, tiers: [] };
    return await startFollower(parts, past);
  } catch (error) {
    await index.close();
    throw error;
  }
}

async function openStoreTiers(
  directory: string,
  file: StoreFile,
  given: readonly TierPlace[],
  requireTiers: boolean,
): Promise<readonly SlowTier[]> {
  const { tiers, places } = await openTiers(file.storeId, given, file.tiers ?? []);
  for (const { name, missingBecause } of tiers) {
    if (!requireTiers || missingBecause === undefined) continue;
    throw new StoreError("TIER_MISSING", `Cannot open ${directory}: tier "${name}" is required, and ${missingBecause}`);
  }
  if (JSON.stringify(places) !== JSON.stringify(file.tiers ?? [])) {
    await writeStoreFile(join(directory, STORE_FILE), { ...file, tiers: places });
  }
  return tiers;
}

/** What a shard is started on. */
export interface ShardParts {
  readonly disk: Disk;
  readonly index: IndexEngine;
  readonly storeId: string;
  readonly epochs?: readonly FencingEpoch[];
  readonly nowMs: () => number;
  readonly options: Partial<ShardOptions>;
  /** Disks behind the first one, fastest first. */
  readonly tiers?: readonly SlowTier[];
}

/** Starts a shard on a disk and an index of the caller's; {@link openStore} is this on the machine's own. */
export async function startShard(parts: ShardParts): Promise<ShardStore> {
  return await ShardStore.start(makeShardState(parts), parts.nowMs);
}

/** Starts a copy of a shard, see {@link Follower}; `storeId` is that of the store that is followed. */
export async function startFollower(parts: ShardParts, past = NO_PAST): Promise<Follower> {
  return await Follower.start(makeShardState(parts), parts.nowMs, past);
}

/** A shard's state of which nothing was read yet. */
export function makeShardState(parts: Omit<ShardParts, "nowMs">): ShardState {
  const { index, storeId, epochs, options } = parts;
  const disk = new TieredDisk(parts.disk, parts.tiers ?? []);
  const identity = storeIdentity(storeId, epochs);
  return new ShardState({
    disk,
    index,
    volumes: new VolumeSet(disk, identity),
    blobs: new BlobStore(disk),
    catalog: new Catalog(),
    identity,
    options: { ...DEFAULT_SHARD_OPTIONS, ...options },
  });
}

/** Who the store with that id is. */
export function storeIdentity(storeId: string, epochs: readonly FencingEpoch[] = []): StoreIdentity {
  return { storeId, shard: 0, fencingEpoch: currentEpoch(epochs), epochs, seed: seedOf(storeId) };
}

/** What the checksums of the store's heads begin with. */
export function seedOf(storeId: string): number {
  return crc32c(storeId);
}

/** The index in a directory, which is made if need be. @throws the engine's error if it is in use or damaged */
export async function openIndex(engine: IndexEngineName, path: string): Promise<IndexEngine> {
  // Loaded when chosen: the other one's binary need not run on this machine.
  if (engine === "classic-level") return await (await import("./index/level-index.ts")).LevelIndex.open(path);
  return await (await import("./index/rocks-index.ts")).RocksIndex.open(path);
}

async function readStoreFile(
  directory: string,
  engine: IndexEngineName | undefined,
  made: StoreFile = { storeId: randomUUID(), engine: engine ?? "rocksdb-native" },
): Promise<StoreFile> {
  const path = join(directory, STORE_FILE);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    return await writeStoreFile(path, made);
  }
  const file: StoreFile = JSON.parse(text);
  if (engine !== undefined && engine !== file.engine) {
    throw new StoreError(
      "CORRUPT",
      `Cannot open ${directory} with ${engine}: its index is ${file.engine}'s. ` +
        `Choose that one, or remove ${join(directory, INDEX_DIRECTORY)} and change ${path}: the index is built anew`,
    );
  }
  return file;
}

/** Makes the file, durable and at once. @throws the system's error */
export async function writeStoreFile(path: string, file: StoreFile): Promise<StoreFile> {
  // The name too: an epoch that is forgotten would be written in again.
  await writeDurably(path, JSON.stringify(file));
  return file;
}
