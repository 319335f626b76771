import type { RecordHead } from "../protocol/volume/index.ts";
import type { Place } from "./entry.ts";
import type { IndexChange, IndexEngine, IndexRow } from "./index/index-engine.ts";
import { blobKey, debtKey, sequenceValue, volumeKey } from "./index/keys.ts";
import { asBuffer } from "./object-json.ts";
import { encodeVolumeRow, type Volume, type VolumeSet } from "./volume-set.ts";

interface Slot {
  readonly key: Uint8Array;
  value: Uint8Array | undefined;
  isChanged: boolean;
}

interface VolumeChange {
  deadBytes: number;
  tombstoneBytes: number;
  minDeadSequence: number;
  resetMinDead: number | undefined;
  addedBytes: number;
  minSequence: number;
  maxSequence: number;
  oldestMs: number;
  newestMs: number;
  tier: string | undefined;
}

/** When and as which a record was made. */
type Made = Pick<RecordHead, "sequence" | "createdMs">;

/** A put whose predecessor lies in volumes that live longer: they need a record that says so. */
export interface Debt {
  readonly bucketId: number;
  readonly group: number;
  readonly key: Uint8Array;
  /** Sequence of the put. */
  readonly bySequence: number;
}

/** A record that lies elsewhere now; what it says has not changed. */
export interface Relocation {
  readonly bucketId: number;
  readonly key: Uint8Array;
  readonly from: Place;
  readonly to: Place;
}

/**
 * What a commit (or a piece of a replay) changes in the index. Its reads see its own writes. Nothing outside changes until
 * {@link Transaction.applied} is called, when the index has taken the batch.
 */
export class Transaction {
  readonly #index: IndexEngine;
  readonly #volumes: VolumeSet;
  readonly #slots = new Map<string, Slot>();
  readonly #ranges: { from: Uint8Array; to: Uint8Array }[] = [];
  readonly #volumeChanges = new Map<number, VolumeChange>();
  readonly #removedVolumes = new Set<number>();
  readonly #afterwards: (() => void)[] = [];
  readonly #debts = new Map<string, Debt>();
  /** Keys whose current version changed, as pairs of bucket and key. */
  readonly touched: { readonly bucketId: number; readonly key: Uint8Array }[] = [];
  /** Records that compaction has moved. */
  readonly relocations: Relocation[] = [];
  /** Blobs that nobody owns any more. */
  readonly orphanBlobs: number[] = [];

  constructor(index: IndexEngine, volumes: VolumeSet) {
    this.#index = index;
    this.#volumes = volumes;
  }

  /** Reads keys in one trip, so that {@link Transaction.get} need not wait for them. */
  async prefetch(keys: readonly Uint8Array[]): Promise<void> {
    const names: string[] = [];
    const missing: Uint8Array[] = [];
    for (const key of keys) {
      const name = nameOf(key);
      if (this.#slots.has(name)) continue;
      names.push(name);
      missing.push(key);
    }
    if (missing.length === 0) return;
    const values = await this.#index.get(missing);
    for (const [i, key] of missing.entries()) {
      this.#slots.set(names[i] as string, { key, value: values[i], isChanged: false });
    }
  }

  /** The value as this transaction leaves it; at once if it is known. */
  get(key: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const slot = this.#slots.get(nameOf(key));
    return slot === undefined ? this.#load(key) : slot.value;
  }

  async #load(key: Uint8Array): Promise<Uint8Array | undefined> {
    await this.prefetch([key]);
    return this.#slots.get(nameOf(key))?.value;
  }

  /** Rows with `from <= key < to` as this transaction leaves them, at most `limit`. */
  async scan(from: Uint8Array, to: Uint8Array, limit: number): Promise<IndexRow[]> {
    const changed: Slot[] = [];
    for (const slot of this.#slots.values()) {
      if (slot.isChanged && Buffer.compare(slot.key, from) >= 0 && Buffer.compare(slot.key, to) < 0) changed.push(slot);
    }
    const rows = await this.#index.scan(from, to, limit + changed.length);
    if (changed.length === 0) return rows;
    const merged = new Map(rows.map((row) => [nameOf(row.key), row]));
    for (const { key, value } of changed) {
      if (value === undefined) merged.delete(nameOf(key));
      else merged.set(nameOf(key), { key, value });
    }
    return [...merged.values()].sort((a, b) => Buffer.compare(a.key, b.key)).slice(0, limit);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#set(key, value);
  }

  delete(key: Uint8Array): void {
    this.#set(key, undefined);
  }

  /** Only when no other change of this transaction lies in the range; {@link Transaction.scan} does not see it. */
  deleteRange(from: Uint8Array, to: Uint8Array): void {
    this.#ranges.push({ from, to });
  }

  /** A record is not wanted any more. */
  die(volumeId: number, bytes: number, sequence: number): void {
    const change = this.#changeOf(volumeId);
    change.deadBytes += bytes;
    if (change.minDeadSequence === 0 || sequence < change.minDeadSequence) change.minDeadSequence = sequence;
  }

  /** Bytes that are dead and no reason to keep a tombstone: a copy of theirs lives. Negative takes it back. */
  bury(volumeId: number, bytes: number): void {
    this.#changeOf(volumeId).deadBytes += bytes;
  }

  /** What was assumed to be dead is not: this is the smallest sequence that is. */
  resetMinDead(volumeId: number, sequence: number): void {
    this.#changeOf(volumeId).resetMinDead = sequence;
  }

  /** A record that a volume was made with. */
  moved(volumeId: number, { sequence, createdMs }: Made): void {
    const change = this.#changeOf(volumeId);
    if (change.minSequence === 0 || sequence < change.minSequence) change.minSequence = sequence;
    change.maxSequence = Math.max(change.maxSequence, sequence);
    noteTime(change, createdMs);
  }

  /** A record says only that others are dead. */
  tombstone(volumeId: number, bytes: number): void {
    this.#changeOf(volumeId).tombstoneBytes += bytes;
  }

  /** A record was added at the end of a volume. */
  added(volumeId: number, bytes: number, { sequence, createdMs }: Made): void {
    const change = this.#changeOf(volumeId);
    change.addedBytes += bytes;
    if (change.minSequence === 0) change.minSequence = sequence;
    change.maxSequence = Math.max(change.maxSequence, sequence);
    noteTime(change, createdMs);
  }

  /** The volume belongs to another tier; its file follows later. */
  assignTier(volumeId: number, tier: string): void {
    this.#changeOf(volumeId).tier = tier;
  }

  /** The row of a volume is written though no record changed. */
  touchVolume(volumeId: number): void {
    this.#changeOf(volumeId);
  }

  removeVolume(volumeId: number): void {
    this.#removedVolumes.add(volumeId);
  }

  orphanBlob(group: number, blobId: number): void {
    this.delete(blobKey(group, blobId));
    this.orphanBlobs.push(blobId);
  }

  touch(bucketId: number, key: Uint8Array): void {
    this.touched.push({ bucketId, key });
  }

  relocate(relocation: Relocation): void {
    this.relocations.push(relocation);
  }

  /** Kept in the index too, until it is settled: a failure may come between. */
  owe(debt: Debt): void {
    this.#debts.set(debtName(debt), debt);
    this.put(debtKey(debt.group, debt.bucketId, debt.key), sequenceValue(debt.bySequence));
  }

  /** The record that was owed is there. */
  settle(debt: Omit<Debt, "bySequence">): void {
    this.#debts.delete(debtName(debt));
    this.delete(debtKey(debt.group, debt.bucketId, debt.key));
  }

  get debts(): readonly Debt[] {
    return [...this.#debts.values()];
  }

  /** Called when the index has the batch. */
  afterwards(callback: () => void): void {
    this.#afterwards.push(callback);
  }

  get hasChanges(): boolean {
    return this.#volumeChanges.size > 0 || this.#ranges.length > 0 || this.#removedVolumes.size > 0 || this.#isDirty();
  }

  /** Number of keys held; a replay ends its piece before it grows without bound. */
  get size(): number {
    return this.#slots.size;
  }

  /** The batch for the index, with the rows of the volumes it changes. */
  changes(): IndexChange[] {
    const changes: IndexChange[] = [];
    for (const { from, to } of this.#ranges) changes.push({ kind: "deleteRange", from, to });
    for (const { key, value, isChanged } of this.#slots.values()) {
      if (isChanged) changes.push(value === undefined ? { kind: "delete", key } : { kind: "put", key, value });
    }
    for (const [id, change] of this.#volumeChanges) {
      const volume = this.#volumes.get(id);
      if (volume === undefined || this.#removedVolumes.has(id)) continue;
      changes.push({ kind: "put", key: volumeKey(id), value: encodeVolumeRow(changedVolume(volume, change)) });
    }
    for (const id of this.#removedVolumes) changes.push({ kind: "delete", key: volumeKey(id) });
    return changes;
  }

  /** The index has the batch: what is known in memory follows. */
  applied(): void {
    for (const [id, change] of this.#volumeChanges) {
      const volume = this.#volumes.get(id);
      if (volume !== undefined) Object.assign(volume, changedVolume(volume, change));
    }
    for (const id of this.#removedVolumes) {
      const volume = this.#volumes.get(id);
      if (volume !== undefined) this.#volumes.remove(volume);
    }
    for (const callback of this.#afterwards) callback();
  }

  #isDirty(): boolean {
    for (const slot of this.#slots.values()) if (slot.isChanged) return true;
    return false;
  }

  #set(key: Uint8Array, value: Uint8Array | undefined): void {
    const name = nameOf(key);
    const slot = this.#slots.get(name);
    if (slot === undefined) this.#slots.set(name, { key, value, isChanged: true });
    else {
      slot.value = value;
      slot.isChanged = true;
    }
  }

  #changeOf(volumeId: number): VolumeChange {
    const known = this.#volumeChanges.get(volumeId);
    if (known !== undefined) return known;
    const change: VolumeChange = {
      deadBytes: 0,
      tombstoneBytes: 0,
      minDeadSequence: 0,
      resetMinDead: undefined,
      addedBytes: 0,
      minSequence: 0,
      maxSequence: 0,
      oldestMs: 0,
      newestMs: 0,
      tier: undefined,
    };
    this.#volumeChanges.set(volumeId, change);
    return change;
  }
}

function changedVolume(volume: Volume, change: VolumeChange): Volume {
  return {
    ...volume,
    tier: change.tier ?? volume.tier,
    oldestMs: smallest(volume.oldestMs, change.oldestMs),
    newestMs: Math.max(volume.newestMs, change.newestMs),
    endOffset: volume.endOffset + change.addedBytes,
    deadBytes: volume.deadBytes + change.deadBytes,
    tombstoneBytes: volume.tombstoneBytes + change.tombstoneBytes,
    minSequence: smallest(volume.minSequence, change.minSequence),
    maxSequence: Math.max(volume.maxSequence, change.maxSequence),
    minDeadSequence: smallest(change.resetMinDead ?? volume.minDeadSequence, change.minDeadSequence),
  };
}

function noteTime(change: VolumeChange, createdMs: number): void {
  change.oldestMs = smallest(change.oldestMs, createdMs);
  change.newestMs = Math.max(change.newestMs, createdMs);
}

/** The smaller of two, where 0 is none. */
function smallest(a: number, b: number): number {
  if (a === 0) return b;
  return b === 0 ? a : Math.min(a, b);
}

function nameOf(key: Uint8Array): string {
  return asBuffer(key).toString("latin1");
}

function debtName(debt: Omit<Debt, "bySequence">): string {
  return `${debt.group}/${debt.bucketId}/${nameOf(debt.key)}`;
}
