import { blobPath, type Disk, volumePath } from "../storage/disk.ts";
import { decodeEntry, type Entry, entryRecordBytes, versionIdOf } from "../storage/entry.ts";
import type { IndexEngine } from "../storage/index/index-engine.ts";
import {
  bucketIdOfObjectKey,
  nameOfObjectKey,
  numberOfPartKey,
  partsOfUploadKey,
  partsOfVersionKey,
} from "../storage/index/keys.ts";
import { fromJsonBytes } from "../storage/object-json.ts";
import type { ShardState } from "../storage/shard-state.ts";
import { liveBytes } from "../storage/volume-set.ts";
import type { CheckTotals } from "./check-store.ts";
import type { Findings } from "./findings.ts";
import { compareIndexes, isSameVersion, type RowDifference, rowsOf } from "./index-compare.ts";
import { blobProblem, recordState } from "./record-check.ts";
import type { VolumeCheck } from "./volume-check.ts";

/** Checks what entries point at, and that an index says what the volumes say. */
export class EntryCheck {
  readonly #disk: Disk;
  readonly #seed: number;
  readonly #findings: Findings;
  readonly #totals: CheckTotals;
  readonly #hiddenVolumes: ReadonlySet<number>;
  readonly #hasDamage: boolean;
  readonly #bucketNames = new Map<number, string>();
  /** Uploads of which a part cannot be read, and why. */
  readonly #hurtUploads = new Map<number, string>();
  /** Volumes of which something wanted is lost. */
  readonly lostVolumes = new Set<number>();
  /** The index says something that no damage explains. */
  isIndexWrong = false;

  constructor(parts: {
    readonly disk: Disk;
    readonly seed: number;
    readonly findings: Findings;
    readonly totals: CheckTotals;
    /** They were left out when the index was built from the volumes. */
    readonly hiddenVolumes: ReadonlySet<number>;
    /** Whether records may be missing for other reasons than the index. */
    readonly hasDamage: boolean;
  }) {
    this.#disk = parts.disk;
    this.#seed = parts.seed;
    this.#findings = parts.findings;
    this.#totals = parts.totals;
    this.#hiddenVolumes = parts.hiddenVolumes;
    this.#hasDamage = parts.hasDamage;
  }

  /** Every row of the index against the volumes. @throws an error of an index or of the disk */
  async compare(index: IndexEngine, built: IndexEngine): Promise<void> {
    await this.#readBucketNames(index);
    for await (const difference of compareIndexes(index, built)) await this.#judge(difference);
  }

  /** Large bodies, counts of bytes, and the objects that lost parts belong to. @throws an error of the index or the disk */
  async look(index: IndexEngine, state: ShardState, volumes: ReadonlyMap<number, VolumeCheck>): Promise<void> {
    await this.#readBucketNames(index);
    const pointed = new Map<number, number>();
    const add = (volumeId: number, bytes: number): void => {
      pointed.set(volumeId, (pointed.get(volumeId) ?? 0) + bytes);
    };
    for (const letter of ["o", "v", "p"]) {
      for await (const { key, value } of rowsOf(index, letter)) {
        const entry = decodeEntry(value);
        if (letter !== "p") this.#totals.objects++;
        add(entry.volumeId, entryRecordBytes(entry));
        if (entry.tagsSequence !== 0) add(entry.tagsVolumeId, entry.tagsBytes);
        if (entry.blobId === 0) continue;
        this.#totals.blobs++;
        const problem = await blobProblem(this.#disk, entry);
        if (problem === undefined) continue;
        this.#findings.error(problem.code, blobPath(entry.blobId), problem.what);
        this.#lose(letter, key, entry, `${blobPath(entry.blobId)}: ${problem.what}`);
      }
    }
    for (const letter of ["u", "b"]) {
      for await (const { value } of rowsOf(index, letter)) {
        const row: { volumeId: number; recordBytes: number } = fromJsonBytes(value);
        add(row.volumeId, row.recordBytes);
      }
    }
    this.#checkCounts(state, volumes, pointed);
    if (this.#hurtUploads.size > 0) await this.#findOwnersOfParts(index);
  }

  #checkCounts(state: ShardState, checks: ReadonlyMap<number, VolumeCheck>, live: ReadonlyMap<number, number>): void {
    for (const volume of state.volumes.all()) {
      const { id, deadBytes, tombstoneBytes } = volume;
      if (!checks.has(id)) continue;
      const counted = liveBytes(volume);
      const found = live.get(id) ?? 0;
      if (counted === found && deadBytes >= 0 && tombstoneBytes >= 0) continue;
      this.isIndexWrong = true;
      const what = `its row says that ${counted} bytes are wanted (${deadBytes} dead), entries point at ${found}`;
      this.#findings.error("count-wrong", volumePath(id), what);
    }
    for (const [id, bytes] of live) {
      if (!checks.has(id) || this.#hiddenVolumes.has(id) || state.volumes.get(id) !== undefined) continue;
      this.isIndexWrong = true;
      const what = `entries point at ${bytes} bytes of it, and the index has no row for it: a start would remove it`;
      this.#findings.error("index-wrong", volumePath(id), what);
    }
  }

  async #judge({ letter, key, inIndex, inVolumes }: RowDifference): Promise<void> {
    if (letter === "o" || letter === "v" || letter === "p") {
      return await this.#judgeEntry({ letter, key, inIndex, inVolumes });
    }
    // They go with the entries that were judged; alone, and without damage, they are wrong.
    if (!this.#hasDamage) this.#blame(letter, key, "it is not what the volumes say");
    else if (letter === "b" || letter === "u") {
      if (inIndex === undefined) this.#tellReturn(letter, key);
      else {
        const { volumeId } = fromJsonBytes<{ volumeId: number }>(inIndex);
        if (this.#hiddenVolumes.has(volumeId)) return;
        this.lostVolumes.add(volumeId);
        const what = `the record of ${this.#show(letter, key)} cannot be read; only the index has it`;
        this.#findings.error("object-lost", volumePath(volumeId), what);
      }
    }
  }

  async #judgeEntry({ letter, key, inIndex, inVolumes }: RowDifference): Promise<void> {
    if (inIndex === undefined) {
      if (this.#hasDamage) this.#tellReturn(letter, key);
      else this.#blame(letter, key, "a record says it, and the index does not have it");
      return;
    }
    const entry = decodeEntry(inIndex);
    const state = await recordState(this.#disk, this.#seed, entry);
    const where = volumePath(entry.volumeId);
    if (state !== "good") this.lostVolumes.add(entry.volumeId);
    if (state === "head-damaged") {
      const what = `${this.#show(letter, key)} can be read only as long as there is this index; copy it onto itself`;
      return this.#findings.error("head-damaged", where, what);
    }
    if (state === "lost") {
      const why = `its record at byte ${entry.offset} of ${where} cannot be read`;
      this.#findings.error("object-lost", where, `${this.#show(letter, key)}: ${why}`);
      this.#lose(letter, key, entry, why);
      return;
    }
    if (inVolumes !== undefined && isSameVersion(entry, decodeEntry(inVolumes))) return;
    if (this.#hiddenVolumes.has(entry.volumeId) || this.#hiddenVolumes.has(entry.tagsVolumeId)) return;
    if (this.#hasDamage) {
      this.lostVolumes.add(entry.tagsVolumeId);
      const what = `${this.#show(letter, key)} would be another one if the index were lost`;
      return this.#findings.note("would-return", where, what);
    }
    this.#blame(letter, key, "it is not what the records say");
  }

  #tellReturn(letter: string, key: Uint8Array): void {
    const what = `${this.#show(letter, key)} would come back if the index were lost: what says that it is gone is damaged`;
    this.#findings.note("would-return", "volumes", what);
  }

  #blame(letter: string, key: Uint8Array, what: string): void {
    this.isIndexWrong = true;
    this.#findings.error("index-wrong", "index", `${this.#show(letter, key)}: ${what}`);
  }

  #lose(letter: string, key: Uint8Array, entry: Entry, why: string): void {
    if (letter === "p") {
      const upload = Number(Buffer.from(key).readBigUInt64BE(1));
      this.#hurtUploads.set(upload, `part ${numberOfPartKey(key)}: ${why}`);
      return;
    }
    const { bucket, name } = this.#nameOf(letter, key);
    this.#findings.lose({ bucket, key: name, versionId: versionIdOf(entry), why });
  }

  async #findOwnersOfParts(index: IndexEngine): Promise<void> {
    for (const letter of ["o", "v"]) {
      for await (const { key, value } of rowsOf(index, letter)) {
        const entry = decodeEntry(value);
        const why = entry.upload === 0 ? undefined : this.#hurtUploads.get(entry.upload);
        if (why !== undefined) this.#lose(letter, key, entry, why);
      }
    }
    for await (const { key, value } of rowsOf(index, "u")) {
      const why = this.#hurtUploads.get(fromJsonBytes<{ sequence: number }>(value).sequence);
      const { bucket, name } = this.#nameOf("u", key);
      if (why !== undefined) this.#findings.lose({ bucket, key: name, versionId: "", why: `upload under way, ${why}` });
    }
  }

  async #readBucketNames(index: IndexEngine): Promise<void> {
    for await (const { value } of rowsOf(index, "b")) {
      const { bucket } = fromJsonBytes<{ bucket: { id: number; name: string } }>(value);
      this.#bucketNames.set(bucket.id, bucket.name);
    }
  }

  #show(letter: string, key: Uint8Array): string {
    switch (letter) {
      case "o":
      case "v":
      case "u": {
        const { bucket, name } = this.#nameOf(letter, key);
        const what = letter === "u" ? "upload of " : letter === "v" ? "an older version of " : "";
        return `${what}${JSON.stringify(`${bucket}/${name}`)}`;
      }
      case "b":
        return `bucket ${JSON.stringify(Buffer.from(key.subarray(1)).toString())}`;
      case "p":
        return `part ${numberOfPartKey(key)} of upload ${Number(Buffer.from(key).readBigUInt64BE(1))}`;
      default:
        return `row ${Buffer.from(key).toString("hex")}`;
    }
  }

  #nameOf(letter: string, key: Uint8Array): { bucket: string; name: string } {
    const bucketId = letter === "o" ? bucketIdOfObjectKey(key) : Buffer.from(key).readUInt32BE(1);
    const bytes =
      letter === "o" ? nameOfObjectKey(key) : letter === "v" ? partsOfVersionKey(key).name : partsOfUploadKey(key).name;
    return { bucket: this.#bucketNames.get(bucketId) ?? `bucket ${bucketId}`, name: Buffer.from(bytes).toString() };
  }
}
