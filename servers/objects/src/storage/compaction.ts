import { setImmediate as nextTurn } from "node:timers/promises";
import {
  encodeHead,
  FIRST_OF_COMMIT,
  headBytesOf,
  RECORD_KINDS,
  VOLUME_HEADER_BYTES,
} from "../protocol/volume/index.ts";
import { NO_GROUP } from "./catalog.ts";
import type { Commit } from "./commit.ts";
import type { CommitLoop, WriteOperation } from "./commit-loop.ts";
import { CompactionOutput } from "./compaction-output.ts";
import { VOLUME_DIRECTORY } from "./disk.ts";
import { movedRow, type OwnedRecord, ownedBy, ownerKeys, pointsAt, roleOf } from "./liveness.ts";
import type { ShardState } from "./shard-state.ts";
import type { ScannedRecord } from "./volume-scanner.ts";
import { liveBytes, type Volume } from "./volume-set.ts";

/** Waits until the disk may be used for so many bytes. */
export type TakeIo = (bytes: number) => Promise<void>;

/** Records whose pointers one commit moves: the writes of clients wait for it. */
const MOVES_PER_COMMIT = 64;
/** Records whose owners one trip to the index finds. Between two trips the clients have their turn. */
const SCAN_RECORDS = 64;
const SCAN_BYTES = 262_144;
/** A small record costs the processor more than the disk, and the processor is the clients' too. */
const MIN_RECORD_COST_BYTES = 4_096;

interface Move {
  readonly record: ScannedRecord;
  readonly offset: number;
  readonly output: CompactionOutput;
}

/** The tiers that records belong to, in their order. */
export type TiersOf = (records: readonly OwnedRecord[]) => Promise<readonly string[]>;

/** What a compaction did. */
export interface CompactionReport {
  readonly sourceId: number;
  /** One for each tier that something of it belongs to; none if nothing was wanted. */
  readonly outputIds: readonly number[];
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** Bytes of a volume that nobody wants, as a part of all its records; tombstones count, since most of them can go. */
export function deadPart(volume: Volume): number {
  const bytes = volume.endOffset - VOLUME_HEADER_BYTES;
  return bytes === 0 ? 1 : (volume.deadBytes + volume.tombstoneBytes) / bytes;
}

/**
 * Rewrites a sealed volume of group 0 without what is dead.
 *
 * The output is written and synced first, with its name. Then commits of their own move the pointers, some at a time, that
 * still point to the old place; writes go on between them. When nothing points to the source, the index is made durable,
 * and only then the source goes: whatever fails before, every pointer leads to a file that is there.
 */
export class Compaction {
  readonly #state: ShardState;
  readonly #loop: CommitLoop;
  readonly #source: Volume;
  readonly #takeIo: TakeIo;
  readonly #nowMs: () => number;
  /** Tombstones up to this sequence may be dropped, if nothing dead is left for them to say. */
  #dropUpTo: number;
  readonly #tiersOf: TiersOf | undefined;
  readonly #outputs = new Map<string, CompactionOutput>();
  /** For one batch of records; larger ones get their own. */
  readonly #memory = Buffer.allocUnsafeSlow(2 * SCAN_BYTES);
  #readBytes = 0;
  #horizon = 0;

  constructor(parts: {
    readonly state: ShardState;
    readonly loop: CommitLoop;
    readonly source: Volume;
    readonly takeIo: TakeIo;
    readonly nowMs: () => number;
    readonly dropUpTo: number;
    /** Divides the source; without it all of it stays on its tier. */
    readonly tiersOf?: TiersOf | undefined;
  }) {
    this.#state = parts.state;
    this.#loop = parts.loop;
    this.#source = parts.source;
    this.#takeIo = parts.takeIo;
    this.#nowMs = parts.nowMs;
    this.#dropUpTo = parts.dropUpTo;
    this.#tiersOf = parts.tiersOf;
  }

  /** Undefined if the volume holds damaged bytes: it is left to be repaired. @throws an error of the disk or the store */
  async run(): Promise<CompactionReport | undefined> {
    const { volumes, disk } = this.#state;
    // The source of the compaction before must not come back after a crash: it holds what that one's output has dropped.
    await disk.syncNames(VOLUME_DIRECTORY);
    // On a slow disk that fails it might, and where it could not be removed: what it could bring back must stay dead.
    const isGone = await disk.syncSlowNames(VOLUME_DIRECTORY);
    if (!isGone || volumes.unlinkFailureCount > 0) this.#dropUpTo = 0;
    volumes.hold(this.#source);
    let moves: Move[];
    try {
      const copied = await this.#copy();
      if (copied === undefined) return undefined;
      moves = copied;
    } catch (error) {
      this.#discard();
      throw error;
    } finally {
      volumes.release(this.#source);
    }
    for (let at = 0; at < moves.length; at += MOVES_PER_COMMIT) {
      try {
        await this.#takeIo(MOVES_PER_COMMIT * MIN_RECORD_COST_BYTES);
        await this.#loop.submit(this.#moveOperation(moves.slice(at, at + MOVES_PER_COMMIT)));
      } catch (error) {
        // The index does not know of it; later it is a volume like others, with copies that count as dead.
        if (at === 0 && this.#state.brokenBy === undefined) this.#discard();
        throw error;
      }
    }
    await this.#loop.submit(this.#endOperation());
    await this.#state.index.flush();
    await this.#loop.submit(this.#removeOperation());
    return {
      sourceId: this.#source.id,
      outputIds: [...this.#outputs.values()].map(({ volume }) => volume.id),
      readBytes: this.#readBytes,
      writtenBytes: [...this.#outputs.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  /** Copies what is wanted, in the order of the source. */
  async #copy(): Promise<Move[] | undefined> {
    const source = this.#source;
    const { endOffset } = source;
    const extent = { sizeBytes: endOffset, syncedEnd: endOffset };
    const scanner = this.#state.volumes.scanner(source.id, { ...extent, checksBodies: true });
    const moves: Move[] = [];
    let batch: ScannedRecord[] = [];
    let batchBytes = 0;
    for (let isEnd = false; !isEnd; ) {
      const record = await scanner.next();
      if (record === undefined) isEnd = true;
      else {
        batch.push(record);
        batchBytes += record.recordBytes;
      }
      if (!isEnd && batch.length < SCAN_RECORDS && batchBytes < SCAN_BYTES) continue;
      this.#readBytes += batchBytes;
      await this.#takeIo(Math.max(batchBytes, batch.length * MIN_RECORD_COST_BYTES));
      await this.#copyBatch(batch, moves);
      await nextTurn();
      batch = [];
      batchBytes = 0;
    }
    if (scanner.damaged.length > 0 || scanner.endOffset !== endOffset) {
      this.#discard();
      return undefined;
    }
    for (const output of this.#outputs.values()) await output.finish(this.#state);
    return moves;
  }

  async #copyBatch(batch: readonly ScannedRecord[], moves: Move[]): Promise<void> {
    const keys: Buffer[] = [];
    const counts: number[] = [];
    for (const { head } of batch) {
      const own = roleOf(head) === "owned" ? ownerKeys(this.#state.catalog, head) : [];
      keys.push(...own);
      counts.push(own.length);
    }
    const values = await this.#state.index.get(keys);
    const kept: { readonly record: ScannedRecord; readonly owned: OwnedRecord | undefined }[] = [];
    let at = 0;
    for (const [i, record] of batch.entries()) {
      const own = values.slice(at, at + (counts[i] ?? 0));
      at += counts[i] ?? 0;
      if (this.#isKept(record, own)) kept.push({ record, owned: ownedBy(record, own) });
    }
    for (const [tier, records] of await this.#byTier(kept)) await this.#copyTo(tier, records, moves);
  }

  /** What is kept by the tier that it belongs to. Tags, buckets and tombstones stay where they are. */
  async #byTier(
    kept: readonly { readonly record: ScannedRecord; readonly owned: OwnedRecord | undefined }[],
  ): Promise<ReadonlyMap<string, readonly ScannedRecord[]>> {
    const byTier = new Map<string, ScannedRecord[]>();
    const owned = kept.flatMap((one) => one.owned ?? []);
    const tiers = await this.#tiersOf?.(owned);
    let at = 0;
    for (const { record, owned: isOwned } of kept) {
      const tier = (isOwned === undefined ? undefined : tiers?.[at++]) ?? this.#source.tier;
      const records = byTier.get(tier);
      if (records === undefined) byTier.set(tier, [record]);
      else records.push(record);
    }
    return byTier;
  }

  async #copyTo(tier: string, records: readonly ScannedRecord[], moves: Move[]): Promise<void> {
    const output = await this.#outputFor(tier);
    let bytes = 0;
    for (const record of records) {
      moves.push({ record, offset: output.bytes + bytes, output });
      bytes += record.recordBytes;
    }
    const memory = bytes <= this.#memory.length ? this.#memory.subarray(0, bytes) : Buffer.allocUnsafeSlow(bytes);
    let filled = 0;
    for (const record of records) {
      await this.#readTo(record, memory.subarray(filled, filled + record.recordBytes));
      filled += record.recordBytes;
    }
    await this.#takeIo(bytes);
    await output.append(this.#state, memory, records[0]?.head.sequence ?? 0);
  }

  async #outputFor(tier: string): Promise<CompactionOutput> {
    const known = this.#outputs.get(tier);
    if (known !== undefined) return known;
    const source = this.#source;
    // What changes its tier is moved later, with its large bodies, as any volume is.
    const place = tier === source.tier ? source.place : "";
    const where = { sources: [source.id], tier, place };
    const output = new CompactionOutput(await this.#state.volumes.create(NO_GROUP, this.#nowMs(), where));
    this.#outputs.set(tier, output);
    return output;
  }

  /** A new head, since all of the output is synced before anything counts on it; the body as it is. */
  async #readTo({ head, offset, recordBytes }: ScannedRecord, memory: Uint8Array): Promise<void> {
    const headBytes = headBytesOf(head);
    encodeHead({ ...head, flags: head.flags | FIRST_OF_COMMIT }, memory, 0, this.#state.identity.seed);
    if (recordBytes === headBytes) return;
    const rest = memory.subarray(headBytes);
    const read = await this.#state.volumes.file(this.#source.id).read(offset + headBytes, rest.length, rest);
    // The scan has read it all: the file was cut meanwhile, which nobody does.
    if (read.length !== rest.length) throw new Error(`Cannot copy record ${head.sequence}: its volume ends in it`);
  }

  #isKept(record: ScannedRecord, owners: readonly (Uint8Array | undefined)[]): boolean {
    const { head } = record;
    const role = roleOf(head);
    if (role === "bucket-removal") return true;
    if (role === "owned") {
      if (owners.some((value) => pointsAt(value, record))) return true;
      // What completed an upload ended it too: it is a tombstone of the record that began it.
      if (head.kind !== RECORD_KINDS.completed) return false;
    }
    return !this.#isDroppable(head.sequence);
  }

  /**
   * Whether a tombstone has nothing left to say: no record that it could concern is left in any other volume, and it is not
   * the shard's last record, which alone would tell an index that is built anew which sequences were given.
   */
  #isDroppable(sequence: number): boolean {
    if (sequence > this.#dropUpTo) return false;
    let isLast = true;
    for (const { id, minDeadSequence, maxSequence } of this.#state.volumes.all()) {
      if (id !== this.#source.id && minDeadSequence !== 0 && minDeadSequence < sequence) return false;
      if (maxSequence > sequence) isLast = false;
    }
    if (isLast) return false;
    this.#horizon = Math.max(this.#horizon, sequence);
    return true;
  }

  #discard(): void {
    for (const { volume } of this.#outputs.values()) this.#state.volumes.remove(volume);
    this.#outputs.clear();
  }

  /** Moves the pointers that still point to the source. */
  #moveOperation(moves: readonly Move[]): WriteOperation<void> {
    const { catalog } = this.#state;
    const source = this.#source;
    return {
      bytes: 0,
      isAlone: true,
      prefetch: () =>
        moves.flatMap(({ record }) => (roleOf(record.head) === "owned" ? ownerKeys(catalog, record.head) : [])),
      run: async ({ tx }) => {
        for (const { record, offset, output } of moves) {
          const { head, recordBytes } = record;
          const { id } = output.volume;
          tx.moved(id, head);
          if (roleOf(head) !== "owned") {
            tx.tombstone(source.id, -recordBytes);
            tx.bury(source.id, recordBytes);
            tx.tombstone(id, recordBytes);
            tx.bury(id, -recordBytes);
            continue;
          }
          let isMoved = false;
          for (const key of ownerKeys(catalog, head)) {
            const value = await tx.get(key);
            const from = { volumeId: source.id, offset: record.offset };
            const to = { volumeId: id, offset };
            const moved = value === undefined ? undefined : movedRow(head, from, to, value);
            if (moved === undefined) continue;
            tx.put(key, moved);
            tx.relocate({ bucketId: head.bucketId, key: head.key, from, to });
            isMoved = true;
          }
          if (isMoved) {
            tx.bury(source.id, recordBytes);
            tx.bury(id, -recordBytes);
          } else if (output.minDeadSequence === 0) output.minDeadSequence = head.sequence;
        }
      },
    };
  }

  /** Everything that is left in the source is dead; the stream begins behind what was dropped. */
  #endOperation(): WriteOperation<void> {
    const source = this.#source;
    return {
      bytes: 0,
      isAlone: true,
      run: async ({ tx }) => {
        const left = liveBytes(source);
        if (left !== 0)
          throw new Error(`Cannot end the compaction of volume ${source.id}: ${left} bytes are still pointed at`);
        if (this.#horizon > 0) this.#state.raiseHorizon(this.#horizon);
        for (const { volume, minDeadSequence } of this.#outputs.values()) tx.resetMinDead(volume.id, minDeadSequence);
        tx.bury(source.id, source.tombstoneBytes);
        tx.tombstone(source.id, -source.tombstoneBytes);
      },
    };
  }

  #removeOperation(): WriteOperation<void> {
    return {
      bytes: 0,
      isAlone: true,
      run: async (commit: Commit) => commit.tx.removeVolume(this.#source.id),
    };
  }
}
