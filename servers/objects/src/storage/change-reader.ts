import {
  type GroupInfo,
  headBytesOf,
  type RecordHead,
  recordBytesOf,
  VOLUME_HEADER_BYTES,
} from "../protocol/volume/index.ts";
import { StoreError } from "../store/object-store.ts";
import { BatchMemory } from "./batch-memory.ts";
import { NO_GROUP } from "./catalog.ts";
import { areChecksumsGood } from "./checksums.ts";
import { type RecordSource, SequenceMerge } from "./sequence-merge.ts";
import type { ShardState } from "./shard-state.ts";
import type { ScannedRecord, VolumeScanner } from "./volume-scanner.ts";
import type { Volume } from "./volume-set.ts";

/** A record of the shard, as a follower needs it. */
export interface Change {
  readonly head: RecordHead;
  /** Where it belongs; group 0 has no end. */
  readonly group: GroupInfo;
  /** What stands behind the head: stored bytes, their checksums, and what fills up. */
  readonly rest: Uint8Array;
}

/** Changes in rising order of their sequence. */
export interface ChangeBatch {
  readonly changes: readonly Change[];
  /** Give it as `after` next: everything up to it was in this batch or before, or is gone for good. */
  readonly nextAfter: number;
  /** Nothing is left at this moment. */
  readonly isEnd: boolean;
  /** Up to where tombstones may be gone: what they spoke of before the first batch, the follower never had. */
  readonly horizon: number;
  /** Give it with the next read. */
  readonly drops: number;
  /** Records whose bytes are damaged here; they were left out, and must be had from elsewhere. */
  readonly damagedSequences: readonly number[];
  /** Bytes in which not even a head can be read, so that nobody knows what was left out. */
  readonly damagedBytes: number;
}

type Gathered = Pick<ChangeBatch, "changes" | "nextAfter" | "isEnd" | "damagedSequences">;

/** How a shard's changes are read beside its clients. */
export interface ChangeReaderOptions {
  /**
   * Called after each few records with what they have cost, and the tier they lie on ("" is the first): whoever else waits
   * has a turn before it resolves.
   */
  readonly pay?: (bytes: number, place: string) => Promise<void>;
}

const MIN_RECORD_COST_BYTES = 4_096;
/** What a read holds of all volumes, in windows of these sizes; of very many volumes it is the smallest for each. */
const WINDOWS_BYTES = 8 << 20;
const MAX_WINDOW_BYTES = 1 << 20;
const MIN_WINDOW_BYTES = 16_384;
/** What records may cost between two payments: some tenths of a millisecond in which no client is answered. */
const TURN_BYTES = 65_536;
/** Volumes whose position is remembered. */
const MAX_POSITIONS = 4_096;

/**
 * Reads a shard's records in order from any sequence. It holds no file between two reads: what it remembers of each volume
 * is where it stood, and volumes that compaction has removed meanwhile are simply not there any more; their records come
 * from the ones that took them.
 */
export class ChangeReader {
  readonly #state: ShardState;
  readonly #pay: NonNullable<ChangeReaderOptions["pay"]>;
  readonly #positions = new Map<number, { readonly sequence: number; readonly offset: number }>();
  readonly #memory = new BatchMemory();

  constructor(state: ShardState, options: ChangeReaderOptions = {}) {
    this.#state = state;
    this.#pay = options.pay ?? (async () => undefined);
  }

  /**
   * The changes after a sequence; 0 is from nothing. Small bodies among them are good until the next read: their memory is
   * used again.
   *
   * @param maxBytes The batch ends when its records have so many bytes; one record may be more.
   * @param knownDrops What the last batch said: a follower may stand before the horizon if nothing behind it was dropped
   *   since then.
   * @throws StoreError CHANGES_TRIMMED if a tombstone behind `after` was dropped: the follower must start from nothing.
   */
  async read(after: number, maxBytes: number, knownDrops = 0): Promise<ChangeBatch> {
    this.#checkHorizon(after, knownDrops);
    this.#memory.reuse();
    const { volumes, horizon } = this.#state;
    const drops = this.#state.drops.last;
    const open = [...volumes.all()].filter(({ maxSequence }) => maxSequence > after);
    for (const volume of open) volumes.hold(volume);
    const windowBytes = Math.min(MAX_WINDOW_BYTES, Math.max(MIN_WINDOW_BYTES, WINDOWS_BYTES / (open.length + 1)));
    const sources = open.map((volume) => this.#sourceOf(volume, after, Math.floor(windowBytes)));
    try {
      const batch = await this.#gather(new SequenceMerge(sources), after, maxBytes);
      // A tombstone may have been dropped while this was read.
      this.#checkHorizon(after, knownDrops);
      for (const source of sources) this.#remember(source, batch.nextAfter);
      return { ...batch, horizon, drops, damagedBytes: sources.reduce((sum, source) => sum + source.damagedBytes, 0) };
    } finally {
      for (const volume of open) volumes.release(volume);
    }
  }

  #checkHorizon(after: number, knownDrops: number): void {
    const { horizon, drops } = this.#state;
    if (after === 0 || after >= horizon || !drops.hasDroppedBehind(after, knownDrops)) return;
    throw new StoreError(
      "CHANGES_TRIMMED",
      `Cannot read changes after ${after}: what was deleted up to ${horizon} is forgotten. Start from nothing`,
    );
  }

  async #gather(merge: SequenceMerge, after: number, maxBytes: number): Promise<Gathered> {
    const changes: Change[] = [];
    const damagedSequences: number[] = [];
    let bytes = 0;
    let nextAfter = after;
    let unpaid = 0;
    let place = "";
    const payOff = async (): Promise<void> => {
      if (unpaid > 0) await this.#pay(unpaid, place);
      unpaid = 0;
    };
    for (;;) {
      const record = await merge.next();
      // Not the shard's last sequence: that may be of a commit that was refused, and be given again after a crash.
      const isEnd = record === undefined;
      if (isEnd || (bytes > 0 && bytes + record.recordBytes > maxBytes)) {
        await payOff();
        return { changes, nextAfter, isEnd, damagedSequences };
      }
      if (record.head.sequence <= after) continue;
      const change = await this.#changeOf(record);
      if (change === undefined) damagedSequences.push(record.head.sequence);
      else changes.push(change);
      bytes += record.recordBytes;
      nextAfter = record.head.sequence;
      const recordPlace = this.#state.volumes.get(record.volumeId)?.place ?? "";
      if (recordPlace !== place) await payOff();
      place = recordPlace;
      // A small record costs the processor more than the disk, and the processor is the clients' too.
      unpaid += Math.max(record.recordBytes, MIN_RECORD_COST_BYTES);
      if (unpaid >= TURN_BYTES) await payOff();
    }
  }

  async #changeOf(record: ScannedRecord): Promise<Change | undefined> {
    const { head } = record;
    const rest = record.rest ?? (await this.#readRest(record));
    if (!areChecksumsGood(rest, head.storedBytes)) return undefined;
    // A group that ended meanwhile: its records may still come, and its end comes after them.
    const group = this.#state.catalog.group(head.group) ?? { ...NO_GROUP, id: head.group };
    return { head, group, rest };
  }

  async #readRest({ head, volumeId, offset, recordBytes }: ScannedRecord): Promise<Uint8Array> {
    const bytes = restBytesOf(head);
    const memory = Buffer.allocUnsafeSlow(bytes);
    return await this.#state.volumes.file(volumeId).read(offset + recordBytes - bytes, bytes, memory);
  }

  #sourceOf(volume: Volume, after: number, windowBytes: number): PositionedSource {
    const known = this.#positions.get(volume.id);
    const fromOffset = known !== undefined && known.sequence <= after ? known.offset : VOLUME_HEADER_BYTES;
    const memory = this.#memory;
    return new PositionedSource(this.#state, volume, { fromOffset, after, windowBytes, memory });
  }

  #remember(source: PositionedSource, upTo: number): void {
    const offset = source.offsetAfter(upTo);
    if (offset === undefined) return;
    this.#positions.delete(source.volumeId);
    this.#positions.set(source.volumeId, { sequence: upTo, offset });
    if (this.#positions.size <= MAX_POSITIONS) return;
    for (const oldest of this.#positions.keys()) {
      this.#positions.delete(oldest);
      return;
    }
  }
}

function restBytesOf(head: RecordHead): number {
  return recordBytesOf(headBytesOf(head), head.storedBytes) - headBytesOf(head);
}

interface PositionedOptions {
  readonly fromOffset: number;
  readonly after: number;
  readonly windowBytes: number;
  readonly memory: BatchMemory;
}

/** One volume as it was when the read began. */
class PositionedSource implements RecordSource {
  readonly volumeId: number;
  readonly minSequence: number;
  readonly #scanner: VolumeScanner;
  readonly #after: number;
  /** Records that were given out, to know where one stands after the batch; the merge is at most one ahead. */
  #last: ScannedRecord | undefined;
  #beforeLast: ScannedRecord | undefined;
  #isOpened = false;
  #oldDamageCount = 0;

  constructor(state: ShardState, volume: Volume, options: PositionedOptions) {
    this.volumeId = volume.id;
    const { after, fromOffset, windowBytes, memory } = options;
    this.#after = after;
    this.minSequence = Math.max(volume.minSequence, after);
    const { id, endOffset } = volume;
    this.#scanner = state.volumes.scanner(id, {
      ...{ fromOffset, sizeBytes: endOffset, syncedEnd: endOffset, windowBytes, checksBodies: false },
      windowMemory: (bytes) => memory.window(bytes),
      // What the follower has is only passed over: it may be nearly all of the volume.
      restMemory: (sequence, bytes) => (sequence > after ? memory.body(bytes) : undefined),
    });
  }

  /** Of what may lie behind the position: damage before a record that the follower has hides nothing from it. */
  get damagedBytes(): number {
    return this.#scanner.damaged.slice(this.#oldDamageCount).reduce((sum, { start, end }) => sum + end - start, 0);
  }

  async next(): Promise<ScannedRecord | undefined> {
    this.#isOpened = true;
    for (;;) {
      const record = await this.#scanner.next();
      this.#beforeLast = this.#last;
      this.#last = record;
      if (record === undefined || record.head.sequence > this.#after) return record;
      this.#oldDamageCount = this.#scanner.damaged.length;
    }
  }

  /** Where the first record behind that sequence begins; undefined if it was never looked at. */
  offsetAfter(sequence: number): number | undefined {
    if (!this.#isOpened) return undefined;
    // The record that was too much for the batch was taken already, and the one behind it looked at.
    for (const record of [this.#beforeLast, this.#last]) {
      if (record !== undefined && record.head.sequence > sequence) return record.offset;
    }
    return this.#scanner.endOffset;
  }
}
