import { type GroupInfo, RECORD_KINDS } from "../protocol/volume/index.ts";
import { StoreError } from "../store/object-store.ts";
import { applyRecord } from "./apply.ts";
import type { BucketState } from "./catalog.ts";
import { BLOB_DIRECTORY, idOfEndMark, idOfName, VOLUME_DIRECTORY } from "./disk.ts";
import { readEndMark } from "./end-mark.ts";
import { groupKey, letterRange, STATE_KEY, sequenceOf } from "./index/keys.ts";
import { pagesOf } from "./index/pages.ts";
import { fromJsonBytes, jsonBytes } from "./object-json.ts";
import { RowlessVolumes } from "./rowless-volumes.ts";
import { type RecordSource, SequenceMerge } from "./sequence-merge.ts";
import type { ShardState } from "./shard-state.ts";
import { Transaction } from "./transaction.ts";
import type { ScannedRecord, VolumeScanner } from "./volume-scanner.ts";
import { decodeVolumeRow, liveBytes, type Volume } from "./volume-set.ts";

/** What the start found and did. */
export interface RecoveryReport {
  readonly replayedCount: number;
  /** Bytes of torn commits, which were never acknowledged. */
  readonly cutBytes: number;
  /** Bytes that were synced once and cannot be read now. */
  readonly damagedBytes: number;
  readonly orphanBlobCount: number;
  readonly missingVolumes: readonly number[];
  /** Volumes whose row the index had lost. */
  readonly restoredVolumes: readonly number[];
  /** Volumes that may lie on a disk that is not there: they wait for it. */
  readonly awayVolumes: readonly number[];
}

const SCAN_ROWS = 1_024;
/** A piece of the replay is written to the index when it holds so many keys. */
const PIECE_KEYS = 2_048;

/** Brings the index up to what the volumes say, and the volumes to their last good record. */
export class Recovery {
  readonly #state: ShardState;
  readonly #upTo: number;
  /** Where each volume ends with what was replayed of it so far. */
  readonly #endOffsets = new Map<number, number>();
  #replayedCount = 0;
  #replayedSequence = 0;
  #cutBytes = 0;
  #damagedBytes = 0;
  readonly #missing: number[] = [];
  readonly #away: number[] = [];
  readonly #removed: Volume[] = [];
  readonly #rowless: RowlessVolumes;

  /** @param upTo Of a follower: what it had told to be whole. Records behind it are cut, as others may be missing. */
  constructor(state: ShardState, upTo = Number.POSITIVE_INFINITY) {
    this.#state = state;
    this.#upTo = upTo;
    this.#rowless = new RowlessVolumes(state);
  }

  async run(): Promise<RecoveryReport> {
    await this.#settleTiers();
    await this.#loadRows();
    const tails = await this.#findTails();
    await this.#replay(tails);
    for (const tail of tails) await this.#endTail(tail);
    this.#resumeVolumes();
    const orphanBlobCount = await this.#sweepBlobs();
    // Numbers of volumes that are gone are given again by a start without the disk that had them: they must stay gone.
    await this.#state.disk.syncSlowNames(VOLUME_DIRECTORY);
    return {
      replayedCount: this.#replayedCount,
      cutBytes: this.#cutBytes,
      damagedBytes: this.#damagedBytes,
      orphanBlobCount,
      missingVolumes: this.#missing,
      restoredVolumes: this.#rowless.restoredIds,
      awayVolumes: this.#away,
    };
  }

  /** Where the files are, before any is opened or removed. */
  async #settleTiers(): Promise<void> {
    const { disk, volumes } = this.#state;
    for (const [name, tier] of await disk.settle(VOLUME_DIRECTORY)) {
      const id = idOfName(name);
      if (id !== undefined) volumes.notePlace(id, tier);
    }
    await disk.settle(BLOB_DIRECTORY);
  }

  async #loadRows(): Promise<void> {
    const { index, catalog, volumes } = this.#state;
    const [value] = await index.get([STATE_KEY]);
    if (value === undefined) this.#checkTiersForBuilding();
    this.#state.load(value);
    await this.#eachRow("b", (_, row) => catalog.setBucket(fromJsonBytes<BucketState>(row)));
    await this.#eachRow("g", (_, row) => catalog.addGroup(fromJsonBytes<GroupInfo>(row)));
    await this.#eachRow("w", (key, row) => {
      volumes.adopt(decodeVolumeRow(Buffer.from(key).readUInt32BE(1), row));
    });
  }

  /** Without rows the numbers of volumes on a disk that is not there would be given again. */
  #checkTiersForBuilding(): void {
    const { disk } = this.#state;
    if (!disk.isIncomplete) return;
    throw new StoreError(
      "TIER_MISSING",
      `Cannot build the index while a tier is not there (${disk.missingNames}): what it holds would be lost. Give its disk back`,
    );
  }

  async #eachRow(letter: string, take: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
    for await (const rows of pagesOf(this.#state.index, letterRange(letter), SCAN_ROWS)) {
      for (const { key, value } of rows) take(key, value);
    }
  }

  /** The end of each volume that may hold what the index does not know. */
  async #findTails(): Promise<Tail[]> {
    const { disk, volumes } = this.#state;
    const tails: Tail[] = [];
    const present = new Set<number>();
    const names = await disk.list(VOLUME_DIRECTORY);
    const endMarks = await this.#readEndMarks(names);
    for (const name of names) {
      const id = idOfName(name);
      if (id === undefined) continue;
      present.add(id);
      const known = volumes.get(id);
      const volume = known ?? (await this.#rowless.take(id));
      if (volume === undefined) continue;
      const mark = endMarks.get(id);
      const sizeBytes = Math.min(volumes.file(id).sizeBytes(), mark ?? Number.POSITIVE_INFINITY);
      if (mark !== undefined) this.#state.seal(volume);
      else if (known?.isSealed === true) continue;
      // Cut by somebody else: what is added would not lie where the index says.
      else if (sizeBytes < volume.endOffset) this.#state.seal(volume);
      if (sizeBytes <= volume.endOffset) continue;
      const scanner = volumes.scanner(id, { fromOffset: volume.endOffset, sizeBytes, checksBodies: true });
      tails.push(new Tail({ scanner, volume, sizeBytes, upTo: this.#upTo }));
    }
    // Only now: while volumes are taken up, a number that was given before says that its group is gone.
    for (const { id } of this.#rowless.foundGroups) this.#state.reserveGroupId(id);
    for (const volume of [...volumes.all()]) {
      if (present.has(volume.id)) continue;
      if (disk.isIncomplete) {
        volume.isAway = true;
        if (!volume.isSealed) this.#state.seal(volume);
        this.#away.push(volume.id);
        continue;
      }
      // A compaction had ended with it, or its group; only the row was left.
      if (liveBytes(volume) === 0) this.#removed.push(volume);
      else this.#missing.push(volume.id);
    }
    return tails;
  }

  async #readEndMarks(names: readonly string[]): Promise<Map<number, number>> {
    const marks = new Map<number, number>();
    for (const name of names) {
      const id = idOfEndMark(name);
      if (id === undefined) continue;
      // The mark of a volume that is gone, whose own removal was not durable, would cut a new one of the same number.
      this.#state.volumes.reserveId(id);
      const endOffset = await readEndMark(this.#state.disk, id);
      if (endOffset !== undefined) marks.set(id, endOffset);
    }
    return marks;
  }

  async #replay(sources: readonly RecordSource[]): Promise<void> {
    this.#replayedSequence = this.#state.appliedSequence;
    let tx = this.#begin();
    const merge = new SequenceMerge(sources, (record) => this.#addDead(tx, record));
    for (const { id } of this.#removed) tx.removeVolume(id);
    for (const group of this.#rowless.foundGroups) tx.put(groupKey(group.id), jsonBytes(group));
    for (let record = await merge.next(); record !== undefined; record = await merge.next()) {
      const { head, volumeId, offset } = record;
      this.#state.note(head, 0, head.kind === RECORD_KINDS.groupMade ? head.target : 0);
      if (head.sequence <= this.#state.appliedSequence) {
        // Of a commit that failed and could not be cut: it was refused then and is refused now.
        this.#addDead(tx, record);
        continue;
      }
      const isAlone = head.kind === RECORD_KINDS.groupExpired;
      if (isAlone || tx.size > PIECE_KEYS) tx = await this.#endPiece(tx);
      // In the same piece as what it changes: a piece that is lost takes both.
      this.#add(tx, record);
      const context = { tx, catalog: this.#state.catalog, volumes: this.#state.volumes };
      await applyRecord(context, head, { volumeId, offset });
      this.#replayedCount++;
      this.#replayedSequence = head.sequence;
      if (isAlone) tx = await this.#endPiece(tx);
    }
    this.#state.settleHorizon(this.#replayedSequence);
    await this.#endPiece(tx);
  }

  /** The volume grows by the record, and by what is damaged before it: whatever comes next lies behind both. */
  #add(tx: Transaction, { volumeId, offset, recordBytes, head }: ScannedRecord): void {
    const endOffset = this.#endOffsets.get(volumeId) ?? this.#state.volumes.get(volumeId)?.endOffset ?? offset;
    this.#endOffsets.set(volumeId, offset + recordBytes);
    tx.added(volumeId, offset - endOffset + recordBytes, head);
    tx.bury(volumeId, offset - endOffset);
  }

  #addDead(tx: Transaction, record: ScannedRecord): void {
    this.#add(tx, record);
    tx.die(record.volumeId, record.recordBytes, record.head.sequence);
  }

  /** The newest of each group is written to again; others are full, though a lost index has not said so. */
  #resumeVolumes(): void {
    for (const volume of this.#state.volumes.all()) {
      if (volume.isSealed) continue;
      // What a move has taken to a slow disk was sealed, though a lost index has not said so.
      if (volume.place !== "") {
        this.#state.seal(volume);
        continue;
      }
      const older = this.#state.activeVolume(volume.group, volume.tier);
      if (older !== undefined) this.#state.retire(older);
      this.#state.resume(volume);
    }
  }

  #begin(): Transaction {
    return new Transaction(this.#state.index, this.#state.volumes);
  }

  async #endPiece(tx: Transaction): Promise<Transaction> {
    const next = this.#begin();
    if (tx.hasChanges) await this.#state.writeIndex(tx, this.#replayedSequence);
    return next;
  }

  async #endTail({ volume, sizeBytes, endOffset, damagedBytes }: Tail): Promise<void> {
    this.#damagedBytes += damagedBytes;
    if (endOffset >= sizeBytes || volume.isRemoved) return;
    this.#cutBytes += sizeBytes - endOffset;
    const { volumes } = this.#state;
    try {
      await volumes.file(volume.id).truncate(endOffset);
      await volumes.file(volume.id).sync();
    } catch {
      // Nothing may follow the garbage then.
      this.#state.seal(volume);
    }
  }

  async #sweepBlobs(): Promise<number> {
    const { blobs } = this.#state;
    const owned = new Set<number>();
    await this.#eachRow("l", (key) => owned.add(sequenceOf(key)));
    return await blobs.sweep(owned);
  }
}

/** The end of a volume as a source of the merge. */
class Tail implements RecordSource {
  readonly minSequence = 0;
  readonly volume: Volume;
  readonly sizeBytes: number;
  readonly #scanner: VolumeScanner;
  readonly #upTo: number;
  #cutOffset: number | undefined;

  constructor(parts: {
    readonly scanner: VolumeScanner;
    readonly volume: Volume;
    readonly sizeBytes: number;
    readonly upTo: number;
  }) {
    this.volume = parts.volume;
    this.sizeBytes = parts.sizeBytes;
    this.#scanner = parts.scanner;
    this.#upTo = parts.upTo;
  }

  /** Behind the last record that is taken. */
  get endOffset(): number {
    return this.#cutOffset ?? this.#scanner.endOffset;
  }

  get damagedBytes(): number {
    return this.#scanner.damaged.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  async next(): Promise<ScannedRecord | undefined> {
    if (this.volume.isRemoved || this.#cutOffset !== undefined) return undefined;
    const record = await this.#scanner.next();
    if (record === undefined || record.head.sequence <= this.#upTo) return record;
    this.#cutOffset = record.offset;
    return undefined;
  }
}
