import type { GroupInfo, RecordHead } from "../protocol/volume/index.ts";
import type { BlobStore } from "./blob-store.ts";
import type { Catalog } from "./catalog.ts";
import { DropLog } from "./drop-log.ts";
import { writeEndMark } from "./end-mark.ts";
import type { IndexEngine } from "./index/index-engine.ts";
import { STATE_KEY } from "./index/keys.ts";
import { LatencyWindow } from "./latency-window.ts";
import { fromJsonBytes, jsonBytes } from "./object-json.ts";
import { RecentBodies } from "./recent-bodies.ts";
import type { TieredDisk } from "./tiers/tiered-disk.ts";
import type { Transaction } from "./transaction.ts";
import type { StoreIdentity, Volume, VolumeSet } from "./volume-set.ts";

/** Sizes that a shard keeps to. */
export interface ShardOptions {
  /** A volume takes no more records when it would grow beyond this. */
  readonly volumeBytes: number;
  /** A body of so many bytes or more gets a file of its own. */
  readonly blobFromBytes: number;
  /** Entries and small bodies in memory. */
  readonly cacheBytes: number;
  /** A body up to this size is kept in memory when it was read. */
  readonly cachedBodyBytes: number;
  /** Bodies that were written last, in memory; 0 keeps none. */
  readonly recentBytes: number;
  /** Bodies on their way, in memory; a writer beyond it waits. */
  readonly bodyMemoryBytes: number;
  /** Puts are refused when less is free, so that deletes can be recorded. */
  readonly reserveBytes: number;
  readonly maxBuckets: number;
}

interface StateRow {
  readonly applied: number;
  /** Largest sequence of a tombstone that was dropped; absent while an index is being built that cannot know. */
  readonly horizon: number | undefined;
  /** See {@link DropLog.last}; absent in a row of an older version. */
  readonly drops?: number;
  readonly nextBucketId: number;
  readonly nextGroupId: number;
  readonly nextBlobId: number;
  /** Absent in a row of an older version. A slow disk may come back with volumes whose removal it has forgotten. */
  readonly nextVolumeId?: number;
  readonly hasLooseExpiry?: boolean;
}

/** Where the last commit stands and which numbers come next; and the volumes that are written to. */
export class ShardState {
  readonly disk: TieredDisk;
  readonly index: IndexEngine;
  readonly volumes: VolumeSet;
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
  readonly identity: StoreIdentity;
  readonly options: ShardOptions;
  readonly recent: RecentBodies;
  readonly drops = new DropLog();
  /** Tombstones behind this sequence are still wanted, by copies that are being made; asked before any are dropped. */
  tombstonesWanted: () => number = () => Number.POSITIVE_INFINITY;
  /** Reads of current versions by what answered them; for metrics. */
  readonly reads = { recent: 0, cache: 0, disk: 0 };
  /** By group and tier. */
  readonly #active = new Map<number | string, Volume>();
  readonly #readLatencies = new Map<string, LatencyWindow>();
  #unsavedVolumes = new Set<number>();
  #appliedSequence = 0;
  #lastSequence = 0;
  #nextBucketId = 1;
  #nextGroupId = 1;
  /** Undefined until a row says it, or the start has seen all records. */
  #horizon: number | undefined;
  #brokenBy: unknown;

  constructor(parts: {
    readonly disk: TieredDisk;
    readonly index: IndexEngine;
    readonly volumes: VolumeSet;
    readonly blobs: BlobStore;
    readonly catalog: Catalog;
    readonly identity: StoreIdentity;
    readonly options: ShardOptions;
  }) {
    this.disk = parts.disk;
    this.index = parts.index;
    this.volumes = parts.volumes;
    this.blobs = parts.blobs;
    this.catalog = parts.catalog;
    this.identity = parts.identity;
    this.options = parts.options;
    this.recent = new RecentBodies(parts.options.recentBytes);
  }

  /** Everything up to this sequence is in the index. */
  get appliedSequence(): number {
    return this.#appliedSequence;
  }

  /** What made the index refuse a batch, or the disk a mark; nothing is written then until the next start. */
  get brokenBy(): unknown {
    return this.#brokenBy;
  }

  /** A follower that stands before this has missed a tombstone that is gone: it must start from nothing. */
  get horizon(): number {
    return this.#horizon ?? this.#lastSequence;
  }

  /** What S3 calls the tier that a volume is of; undefined for the first. */
  classOf(volumeId: number): string | undefined {
    if (this.disk.tiers.length === 0) return undefined;
    return this.disk.classOfTier(this.volumes.get(volumeId)?.tier ?? "");
  }

  /** How long clients' reads from the disk of a slow tier took. */
  readLatencyOf(place: string): LatencyWindow {
    const known = this.#readLatencies.get(place);
    if (known !== undefined) return known;
    const made = new LatencyWindow();
    this.#readLatencies.set(place, made);
    return made;
  }

  /** Tombstones up to this sequence are gone. */
  raiseHorizon(sequence: number): void {
    this.#horizon = Math.max(this.horizon, sequence);
    this.drops.note(sequence);
  }

  /**
   * All records are in the index, the last has this sequence. Where no row has said what was dropped before, anything may
   * have been that lies below.
   */
  settleHorizon(lastSequence: number): void {
    if (this.#horizon !== undefined) return;
    this.#horizon = lastSequence;
    this.drops.load(undefined);
  }

  nextSequence(): number {
    return ++this.#lastSequence;
  }

  nextBucketId(): number {
    return this.#nextBucketId++;
  }

  nextGroupId(): number {
    return this.#nextGroupId++;
  }

  /** Takes up the row of the index, at the start. */
  load(value: Uint8Array | undefined): void {
    if (value === undefined) return;
    const row: StateRow = fromJsonBytes(value);
    this.#appliedSequence = row.applied;
    this.#lastSequence = row.applied;
    this.#horizon = row.horizon;
    this.drops.load(row.drops);
    this.catalog.hasLooseExpiry = row.hasLooseExpiry ?? false;
    this.#nextBucketId = row.nextBucketId;
    this.#nextGroupId = row.nextGroupId;
    this.blobs.reserveId(row.nextBlobId - 1);
    if (row.nextVolumeId !== undefined) this.volumes.reserveId(row.nextVolumeId - 1);
  }

  /** A record that was read, not made here: no number that it holds is given again. */
  note(head: RecordHead, bucketId = 0, groupId = 0): void {
    this.#lastSequence = Math.max(this.#lastSequence, head.sequence);
    this.#nextBucketId = Math.max(this.#nextBucketId, bucketId + 1, head.bucketId + 1);
    this.#nextGroupId = Math.max(this.#nextGroupId, groupId + 1, head.group + 1);
    this.blobs.reserveId(head.blobId);
  }

  /** A group that a volume names: its number is not given again. */
  reserveGroupId(groupId: number): void {
    this.#nextGroupId = Math.max(this.#nextGroupId, groupId + 1);
  }

  /** Whether a group of this number was made once: without a row it is gone. */
  wasGroupMade(groupId: number): boolean {
    return groupId < this.#nextGroupId;
  }

  /**
   * Writes what a transaction changed, with the watermark, and then brings memory up to it.
   *
   * @param appliedSequence Up to where the index has everything with it.
   */
  async writeIndex(tx: Transaction, appliedSequence = this.#lastSequence): Promise<void> {
    const row: StateRow = {
      applied: appliedSequence,
      horizon: this.#horizon,
      drops: this.drops.last,
      nextBucketId: this.#nextBucketId,
      nextGroupId: this.#nextGroupId,
      nextBlobId: this.blobs.nextId,
      nextVolumeId: this.volumes.nextId,
      hasLooseExpiry: this.catalog.hasLooseExpiry,
    };
    const changes = tx.changes();
    changes.push({ kind: "put", key: STATE_KEY, value: jsonBytes(row) });
    try {
      await this.index.write(changes);
    } catch (error) {
      // The records are durable and the index may or may not have them: only a replay can tell.
      this.#brokenBy = error;
      throw error;
    }
    this.#appliedSequence = appliedSequence;
    tx.applied();
  }

  /** The volume that a group's records of a tier go to now; it lies on the first disk until it is sealed. */
  activeVolume(group: number, tier = ""): Volume | undefined {
    const volume = this.#active.get(activeKey(group, tier));
    return volume === undefined || volume.isSealed || volume.isRemoved ? undefined : volume;
  }

  async createVolume(group: GroupInfo, nowMs: number, tier = ""): Promise<Volume> {
    const volume = await this.volumes.create(group, nowMs, { tier });
    this.#active.set(activeKey(group.id, tier), volume);
    return volume;
  }

  /** Goes on writing to a volume of an earlier run. */
  resume(volume: Volume): void {
    this.#active.set(activeKey(volume.group, volume.tier), volume);
  }

  /** It is full; nothing is wrong. */
  retire(volume: Volume): void {
    volume.isSealed = true;
    const key = activeKey(volume.group, volume.tier);
    if (this.#active.get(key) === volume) this.#active.delete(key);
  }

  /** Its file failed: nothing is ever added to it. */
  seal(volume: Volume): void {
    this.retire(volume);
    this.#unsavedVolumes.add(volume.id);
  }

  /** Writes down where a sealed volume ends, whatever stands behind. If that fails too, nothing is written any more. */
  async markEnd(volume: Volume): Promise<void> {
    try {
      await writeEndMark(this.disk, volume.id, volume.endOffset);
    } catch (error) {
      this.#brokenBy = error;
    }
  }

  /** A group is gone. */
  forgetGroup(group: number): void {
    for (const [key, volume] of this.#active) if (volume.group === group) this.#active.delete(key);
  }

  /** Volumes whose rows must be written with the next commit. */
  takeUnsavedVolumes(): Iterable<number> {
    const ids = this.#unsavedVolumes;
    this.#unsavedVolumes = new Set();
    return ids;
  }
}

/** A number for the first tier, which is nearly always asked for. */
function activeKey(group: number, tier: string): number | string {
  return tier === "" ? group : `${group}/${tier}`;
}
