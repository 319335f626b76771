import {
  CHUNK_BYTES,
  encodeHead,
  FIRST_OF_COMMIT,
  type GroupInfo,
  headBytesOf,
  RECORD_KINDS,
  type RecordHead,
  recordBytesOf,
  VOLUME_HEADER_BYTES,
} from "../protocol/volume/index.ts";
import { type ApplyContext, applyRecord } from "./apply.ts";
import { NO_GROUP } from "./catalog.ts";
import { chunkChecksums } from "./checksums.ts";
import { isFull } from "./disk.ts";
import type { Entry, Place } from "./entry.ts";
import { groupKey } from "./index/keys.ts";
import { jsonBytes } from "./object-json.ts";
import type { ShardState } from "./shard-state.ts";
import { Transaction } from "./transaction.ts";
import type { Volume } from "./volume-set.ts";

/** What a caller gives of a record; the rest is the commit's. */
export interface NewRecord {
  readonly kind: number;
  readonly flags?: number;
  readonly bucketId: number;
  readonly group: number;
  readonly expiresMs?: number;
  readonly target?: number;
  readonly bodyBytes?: number;
  readonly partNumber?: number;
  readonly blobId?: number;
  readonly key: Uint8Array;
  readonly metadata: Uint8Array;
  /** The body, or the checksums of a blob's. */
  readonly stored?: Uint8Array;
  /** Where it belongs; absent for the first tier. */
  readonly tier?: string | undefined;
}

interface Appended {
  readonly volume: Volume;
  readonly parts: Uint8Array[];
}

/** One group of operations that is written, synced and indexed together. */
export class Commit {
  readonly nowMs: number;
  readonly tx: Transaction;
  readonly context: ApplyContext;
  readonly #state: ShardState;
  #phase = new Map<number, Appended>();
  /** Where each volume ended before this commit: a failure cuts it there. */
  readonly #baselines = new Map<Volume, number>();
  readonly #addedBytes = new Map<number, number>();
  readonly #undos: (() => void)[] = [];
  #recordCount = 0;

  constructor(state: ShardState, nowMs: number) {
    this.#state = state;
    this.nowMs = nowMs;
    this.tx = new Transaction(state.index, state.volumes);
    this.context = { tx: this.tx, catalog: state.catalog, volumes: state.volumes };
    for (const id of state.takeUnsavedVolumes()) this.tx.touchVolume(id);
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  /** Adds a record and applies it. */
  async add(
    record: NewRecord,
    current?: { readonly entry: Entry | undefined },
  ): Promise<{ head: RecordHead; place: Place }> {
    const stored = record.stored ?? EMPTY;
    const volume = await this.#volumeFor(record.group, headBytesOf(record) + stored.length, record.tier);
    const isFirst = !this.#phase.has(volume.id);
    const head: RecordHead = {
      kind: record.kind,
      flags: (record.flags ?? 0) | (isFirst ? FIRST_OF_COMMIT : 0),
      fencingEpoch: this.#state.identity.fencingEpoch,
      bucketId: record.bucketId,
      group: record.group,
      sequence: this.#state.nextSequence(),
      createdMs: this.nowMs,
      expiresMs: record.expiresMs ?? 0,
      target: record.target ?? 0,
      bodyBytes: record.bodyBytes ?? stored.length,
      storedBytes: stored.length,
      partNumber: record.partNumber ?? 0,
      blobId: record.blobId ?? 0,
      key: record.key,
      metadata: record.metadata,
    };
    const place = { volumeId: volume.id, offset: this.#append(volume, head, stored) };
    await applyRecord(this.context, head, place, current);
    return { head, place };
  }

  /** Adds a record of another store, whose copy this is: its sequence and times stay. */
  async addCopy(original: RecordHead, group: GroupInfo, rest: Uint8Array): Promise<void> {
    const { catalog } = this.#state;
    if (catalog.group(group.id) === undefined) {
      catalog.addGroup(group, true);
      this.#undos.push(() => catalog.removeGroup(group.id));
      this.tx.put(groupKey(group.id), jsonBytes(group));
    }
    const volume = await this.#volumeFor(original.group, headBytesOf(original) + rest.length);
    const isFirst = !this.#phase.has(volume.id);
    const flags = (original.flags & ~FIRST_OF_COMMIT) | (isFirst ? FIRST_OF_COMMIT : 0);
    const head = { ...original, flags };
    this.#state.note(head, 0, head.kind === RECORD_KINDS.groupMade ? head.target : 0);
    const place = {
      volumeId: volume.id,
      offset: this.#appendParts(volume, head, [rest], headBytesOf(head) + rest.length),
    };
    await applyRecord(this.context, head, place);
  }

  /** The group that takes what a rule lets expire then, made if need be. */
  async groupFor(bucketId: number, ruleKey: string, expiresMs: number, retentionMs: number): Promise<number> {
    const { catalog } = this.#state;
    const found = catalog.groupFor(bucketId, ruleKey, expiresMs, retentionMs);
    if (found.id !== 0 || found.endsMs === 0) return found.id;
    const group: GroupInfo = { ...found, id: this.#state.nextGroupId() };
    this.#undos.push(() => catalog.removeGroup(group.id));
    const record = { kind: RECORD_KINDS.groupMade, bucketId, group: 0, key: EMPTY, metadata: jsonBytes(group) };
    await this.add({ ...record, target: group.id });
    return group.id;
  }

  /**
   * Writes, syncs and indexes. Records that say to an older group that something of it is overwritten come second: if the
   * put is lost, nothing may say that it happened.
   *
   * @throws the system's error; then nothing has happened, in the files neither
   */
  async write(): Promise<void> {
    await this.writeVolumes();
    if (this.tx.hasChanges) await this.#state.writeIndex(this.tx);
  }

  /** The first half: the volumes have it. */
  async writeVolumes(ownsDebts = true): Promise<void> {
    await this.#writePhase();
    if (ownsDebts && this.tx.debts.length > 0) {
      this.#phase = new Map();
      for (const { bucketId, group, key, bySequence } of this.tx.debts) {
        const record = { kind: RECORD_KINDS.supersede, bucketId, group, key, metadata: EMPTY, target: bySequence };
        await this.add(record);
      }
      await this.#writePhase();
    }
  }

  /**
   * Cuts what was written. A file that cannot be cut, or whose sync failed, is never written to again, and a mark on disk
   * says where it ends; without that mark a start would bring back what was refused, so then nothing is written any more.
   */
  async undo(): Promise<void> {
    for (const undo of this.#undos) undo();
    const { volumes } = this.#state;
    for (const [volume, endOffset] of this.#baselines) {
      try {
        const file = volumes.file(volume.id);
        if (file.sizeBytes() > endOffset) await file.truncate(endOffset);
        if (!volume.isSealed) await file.sync();
      } catch {
        this.#state.seal(volume);
      }
      if (volume.isSealed) await this.#state.markEnd(volume);
    }
  }

  async #writePhase(): Promise<void> {
    const { volumes } = this.#state;
    const results = await Promise.allSettled(
      [...this.#phase.values()].map(async ({ volume, parts }) => {
        const file = volumes.file(volume.id);
        try {
          const written = file.append(parts);
          if (written instanceof Promise) await written;
        } catch (error) {
          // One that was only full can be written to again once it is cut.
          if (!isFull(error)) this.#state.seal(volume);
          throw error;
        }
        try {
          await file.sync();
        } catch (error) {
          // After a failed sync nobody knows what the file holds: its pages may be dropped though they were never written.
          this.#state.seal(volume);
          throw error;
        }
      }),
    );
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async #volumeFor(group: number, bytes: number, tier?: string): Promise<Volume> {
    const state = this.#state;
    const active = state.activeVolume(group, tier);
    if (active !== undefined) {
      const endOffset = active.endOffset + (this.#addedBytes.get(active.id) ?? 0);
      if (endOffset + bytes <= state.options.volumeBytes || endOffset === VOLUME_HEADER_BYTES) return active;
      state.retire(active);
      this.tx.touchVolume(active.id);
    }
    return await state.createVolume(state.catalog.group(group) ?? NO_GROUP, this.nowMs, tier);
  }

  #append(volume: Volume, head: RecordHead, stored: Uint8Array): number {
    const headBytes = headBytesOf(head);
    const bytes = recordBytesOf(headBytes, stored.length);
    const fillBytes = bytes - headBytes - stored.length - 4 * Math.ceil(stored.length / CHUNK_BYTES);
    const parts: Uint8Array[] = [];
    if (stored.length > 0) parts.push(stored, chunkChecksums(stored));
    if (fillBytes > 0) parts.push(FILL.subarray(0, fillBytes));
    return this.#appendParts(volume, head, parts, bytes);
  }

  #appendParts(volume: Volume, head: RecordHead, rest: readonly Uint8Array[], bytes: number): number {
    const encoded = Buffer.allocUnsafe(headBytesOf(head));
    encodeHead(head, encoded, 0, this.#state.identity.seed);
    let appended = this.#phase.get(volume.id);
    if (appended === undefined) {
      appended = { volume, parts: [] };
      this.#phase.set(volume.id, appended);
      if (!this.#baselines.has(volume)) this.#baselines.set(volume, volume.endOffset);
    }
    appended.parts.push(encoded, ...rest);
    const before = this.#addedBytes.get(volume.id) ?? 0;
    this.#addedBytes.set(volume.id, before + bytes);
    this.tx.added(volume.id, bytes, head);
    this.#recordCount++;
    return volume.endOffset + before;
  }
}

const EMPTY = new Uint8Array();
const FILL = new Uint8Array(8);
