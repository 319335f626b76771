import {
  decodeVolumeHeader,
  encodeVolumeHeader,
  type GroupInfo,
  NULL_VERSION,
  RECORD_KINDS,
  VOLUME_HEADER_BYTES,
} from "../protocol/volume/index.ts";
import { BLOB_DIRECTORY, type Disk, idOfEndMark, idOfName, VOLUME_DIRECTORY, volumePath } from "../storage/disk.ts";
import { readEndMark } from "../storage/end-mark.ts";
import { sequenceOfValue, versionIdOfSequence } from "../storage/entry.ts";
import type { IndexEngine } from "../storage/index/index-engine.ts";
import { sequenceOf } from "../storage/index/keys.ts";
import { fromJsonBytes } from "../storage/object-json.ts";
import { makeShardState, storeIdentity } from "../storage/open-store.ts";
import { Recovery } from "../storage/recovery.ts";
import type { ShardState } from "../storage/shard-state.ts";
import { currentKeys } from "../storage/versions.ts";
import { decodeVolumeRow, type StoreIdentity, type Volume } from "../storage/volume-set.ts";
import { EntryCheck } from "./entry-check.ts";
import { Findings } from "./findings.ts";
import { rowsOf } from "./index-compare.ts";
import { ViewDisk } from "./view-disk.ts";
import { checkVolume, headerFromRecords, type VolumeCheck } from "./volume-check.ts";

/** What a check is made on. */
export interface CheckParts {
  /** Only read. */
  readonly disk: Disk;
  /** A copy that is the check's own; undefined if the store has none. */
  readonly index: IndexEngine | undefined;
  /** An empty one, which is built from the volumes. */
  readonly built: IndexEngine;
  readonly storeId: string;
  readonly nowMs: number;
  /** Of a copy that follows another store, see {@link Recovery}. */
  readonly followedUpTo?: number | undefined;
}

/** What was looked at. */
export interface CheckTotals {
  volumes: number;
  volumeBytes: number;
  records: number;
  objects: number;
  blobs: number;
}

/** What was found, and what a repair must know. */
export interface CheckResult {
  readonly findings: Findings;
  readonly totals: CheckTotals;
  readonly volumes: ReadonlyMap<number, VolumeCheck>;
  /** Volumes that a server cannot take up as they are. */
  readonly unusableVolumes: ReadonlySet<number>;
  /** What the index says of volumes, before any replay. */
  readonly volumeRows: ReadonlyMap<number, Volume>;
  /** Marks that can be read. */
  readonly endMarks: ReadonlyMap<number, number>;
  readonly tornEndMarks: readonly number[];
  /** Groups by what the index and the records say. */
  readonly groups: ReadonlyMap<number, GroupInfo>;
  /** Whether the index is there, can be used, and says what the volumes say where they can be read. */
  readonly isIndexGood: boolean;
}

/**
 * Checks a store that nobody has open, and changes nothing but the two indexes given. The index is brought up to date as
 * a start would do it; another is built from the volumes; and every row of the one must follow from the other or from
 * damage that was found.
 *
 * @throws an error of the disk
 */
export async function checkStore(parts: CheckParts): Promise<CheckResult> {
  return await new StoreCheck(parts).run();
}

class StoreCheck {
  readonly #parts: CheckParts;
  readonly #identity: StoreIdentity;
  readonly #findings = new Findings();
  readonly #totals: CheckTotals = { volumes: 0, volumeBytes: 0, records: 0, objects: 0, blobs: 0 };
  readonly #volumes = new Map<number, VolumeCheck>();
  readonly #unusable = new Set<number>();
  readonly #rows = new Map<number, Volume>();
  readonly #endMarks = new Map<number, number>();
  readonly #tornEndMarks: number[] = [];
  readonly #groups = new Map<number, GroupInfo>();
  #isIndexGood: boolean;

  constructor(parts: CheckParts) {
    this.#parts = parts;
    const { storeId } = parts;
    this.#identity = storeIdentity(storeId);
    this.#isIndexGood = parts.index !== undefined;
  }

  async run(): Promise<CheckResult> {
    await this.#readRows();
    await this.#checkFiles();
    const { index, built } = this.#parts;
    const headers = this.#madeHeaders();
    const hidden = new Set([...this.#unusable].filter((id) => !headers.has(volumePath(id))));
    const view = () => new ViewDisk(this.#parts.disk, [...hidden].map(volumePath), headers);
    const builtState = await this.#replay(built, view());
    let state = index === undefined || !this.#isIndexGood ? undefined : await this.#replayIndex(index, view());
    const hasDamage = hidden.size > 0 || [...this.#volumes.values()].some((check) => this.#isHurt(check));
    const check = new EntryCheck({
      ...{ disk: this.#parts.disk, seed: this.#identity.seed, findings: this.#findings, totals: this.#totals },
      ...{ hiddenVolumes: hidden, hasDamage: hasDamage || this.#findings.has("volume-missing") },
    });
    if (state !== undefined && index !== undefined) {
      try {
        await check.compare(index, built);
        await check.look(index, state, this.#volumes);
      } catch (error) {
        this.#blameIndex(error);
        state = undefined;
      }
      if (check.isIndexWrong) this.#isIndexGood = false;
    }
    if (state === undefined) await check.look(built, builtState, this.#volumes);
    this.#tellDamage(state === undefined ? undefined : check.lostVolumes);
    if (state === undefined) await this.#nameLost(builtState);
    await this.#checkBlobNames(state === undefined ? built : (index ?? built));
    this.#tellGroups(state ?? builtState);
    state?.volumes.close();
    builtState.volumes.close();
    return {
      findings: this.#findings,
      totals: this.#totals,
      volumes: this.#volumes,
      unusableVolumes: this.#unusable,
      volumeRows: this.#rows,
      endMarks: this.#endMarks,
      tornEndMarks: this.#tornEndMarks,
      groups: this.#groups,
      isIndexGood: this.#isIndexGood,
    };
  }

  async #readRows(): Promise<void> {
    const { index } = this.#parts;
    if (index === undefined) return;
    try {
      for await (const { key, value } of rowsOf(index, "w")) {
        const id = Buffer.from(key).readUInt32BE(1);
        this.#rows.set(id, decodeVolumeRow(id, value));
      }
      for await (const { value } of rowsOf(index, "g")) {
        const group: GroupInfo = fromJsonBytes(value);
        this.#groups.set(group.id, group);
      }
    } catch (error) {
      this.#blameIndex(error);
    }
  }

  async #checkFiles(): Promise<void> {
    const { disk } = this.#parts;
    const names = await disk.list(VOLUME_DIRECTORY);
    for (const name of names) {
      const id = idOfEndMark(name);
      const endOffset = id === undefined ? undefined : await readEndMark(disk, id);
      if (id === undefined) continue;
      if (endOffset !== undefined) this.#endMarks.set(id, endOffset);
      else {
        this.#tornEndMarks.push(id);
        this.#findings.note("end-mark", `volumes/${name}`, "the mark was not finished, and says nothing");
      }
    }
    for (const name of names) {
      const id = idOfName(name);
      if (id !== undefined) await this.#checkVolume(id);
      else if (idOfEndMark(name) === undefined && !/^position\.[ab]$/.test(name)) {
        this.#findings.note("unknown-file", `volumes/${name}`, "no file of the store's; it is passed over");
      }
    }
  }

  async #checkVolume(id: number): Promise<void> {
    const row = this.#rows.get(id);
    const endMark = this.#endMarks.get(id);
    const check = await checkVolume(this.#parts.disk, this.#identity, id, { syncedEnd: row?.endOffset, endMark });
    this.#volumes.set(id, check);
    this.#totals.volumes++;
    this.#totals.volumeBytes += check.sizeBytes;
    this.#totals.records += check.recordCount;
    for (const group of check.madeGroups) if (!this.#groups.has(group.id)) this.#groups.set(group.id, group);
    const { storeId, shard } = this.#identity;
    const { header } = check;
    const where = volumePath(id);
    if (header === undefined) {
      // Made and not finished: the next start removes it.
      if (row === undefined && check.sizeBytes <= VOLUME_HEADER_BYTES) {
        this.#findings.note("commit-torn", where, "it was being made when the machine failed, and holds nothing");
        return;
      }
      this.#unusable.add(id);
      const good = `${check.recordCount} records behind it are whole`;
      this.#findings.error("volume-header", where, `the header is damaged; ${good}`);
    } else if (header.storeId !== storeId || header.shard !== shard || header.volumeId !== id) {
      this.#unusable.add(id);
      const whose = header.storeId === storeId ? `volume ${header.volumeId} of this store` : "another store's";
      this.#findings.error("volume-foreign", where, `by its header it is ${whose}`);
    } else {
      if (header.group.id !== 0 && !this.#groups.has(header.group.id)) this.#groups.set(header.group.id, header.group);
    }
    if (row !== undefined && check.sizeBytes < row.endOffset) {
      const lack = row.endOffset - check.sizeBytes;
      this.#findings.error("volume-short", where, `its last ${lack} of ${row.endOffset} bytes are gone`);
    }
    const isMarkMissing = row?.isSealed === true && check.sizeBytes > row.endOffset && endMark === undefined;
    if (isMarkMissing) {
      const what = `no mark that can be read says that it ends at byte ${row.endOffset}; what stands behind would be taken for records`;
      this.#findings.error("end-mark", where, what);
    }
  }

  #isHurt({ id, damaged, sizeBytes }: VolumeCheck): boolean {
    return damaged.length > 0 || sizeBytes < (this.#rows.get(id)?.endOffset ?? 0);
  }

  /** Headers of volumes that have lost theirs, by path: a repair writes the same. */
  #madeHeaders(): Map<string, Uint8Array> {
    const headers = new Map<string, Uint8Array>();
    for (const id of this.#unusable) {
      const check = this.#volumes.get(id);
      if (check === undefined || check.header !== undefined) continue;
      const header = headerFromRecords(check, this.#identity.storeId, this.#groups);
      if (header !== undefined) headers.set(volumePath(id), encodeVolumeHeader(header));
    }
    return headers;
  }

  #stateOn(index: IndexEngine, disk: Disk): ShardState {
    return makeShardState({ disk, index, storeId: this.#parts.storeId, options: {} });
  }

  async #replay(index: IndexEngine, disk: Disk): Promise<ShardState> {
    const state = this.#stateOn(index, disk);
    await new Recovery(state, this.#parts.followedUpTo).run();
    return state;
  }

  async #replayIndex(index: IndexEngine, disk: ViewDisk): Promise<ShardState | undefined> {
    const state = this.#stateOn(index, disk);
    try {
      const report = await new Recovery(state, this.#parts.followedUpTo).run();
      for (const id of report.missingVolumes) {
        if (!this.#unusable.has(id)) this.#findings.error("volume-missing", volumePath(id), "the file is gone");
      }
      for (const id of report.restoredVolumes) {
        this.#isIndexGood = false;
        const what = "entries point into it, and the index has no row for it; the next start counts it anew";
        this.#findings.error("index-wrong", volumePath(id), what);
      }
      for (const path of disk.removed) {
        const what = "the index knows that it was removed; the next start removes it again";
        if (path.endsWith(".vol")) this.#findings.note("volume-forgotten", path, what);
      }
      if (report.replayedCount > 0) {
        const what = `${report.replayedCount} records are not in it yet; the next start adds them`;
        this.#findings.note("not-replayed", "index", what);
      }
      if (report.cutBytes > 0) {
        const what = `${report.cutBytes} bytes of commits that were never acknowledged; the next start cuts them`;
        this.#findings.note("commit-torn", VOLUME_DIRECTORY, what);
      }
      return state;
    } catch (error) {
      this.#blameIndex(error);
      return undefined;
    }
  }

  #blameIndex(error: unknown): void {
    this.#isIndexGood = false;
    this.#findings.error("index-unusable", "index", `it cannot be read: ${(error as Error).message}`);
  }

  /** @param lostVolumes Volumes of which something wanted cannot be read; undefined if no index says what is wanted. */
  #tellDamage(lostVolumes: ReadonlySet<number> | undefined): void {
    for (const { id, damaged } of this.#volumes.values()) {
      for (const { start, end, heads } of damaged) {
        const keys = heads.map(({ key }) => JSON.stringify(Buffer.from(key).toString()));
        const named = keys.length === 0 ? "no head in it can be read" : `of ${keys.join(", ")}`;
        const what = `bytes ${start} to ${end} cannot be read, ${named}`;
        if (lostVolumes === undefined || lostVolumes.has(id)) {
          this.#findings.error("volume-damaged", volumePath(id), what);
        } else this.#findings.note("volume-damaged", volumePath(id), `${what}; nothing in it is wanted`);
      }
    }
  }

  /** Without an index only the heads in damaged ranges tell what there was; a newer version of the key makes up for it. */
  async #nameLost({ catalog, index }: ShardState): Promise<void> {
    const names = new Map(catalog.buckets().map(({ id, name }) => [id, name]));
    for (const { id, damaged } of this.#volumes.values()) {
      for (const head of damaged.flatMap(({ heads }) => heads)) {
        if (head.kind !== RECORD_KINDS.put && head.kind !== RECORD_KINDS.completed) continue;
        const values = await index.get(currentKeys(catalog, head.bucketId, head.key));
        if (values.some((value) => value !== undefined && sequenceOfValue(value) > head.sequence)) continue;
        const bucket = names.get(head.bucketId) ?? `bucket ${head.bucketId}`;
        const versionId = (head.flags & NULL_VERSION) === 0 ? versionIdOfSequence(head.sequence) : "null";
        const why = `its body in ${volumePath(id)} is damaged, unless it was removed later`;
        this.#findings.lose({ bucket, key: Buffer.from(head.key).toString(), versionId, why });
      }
    }
  }

  async #checkBlobNames(index: IndexEngine): Promise<void> {
    const owned = new Set<number>();
    for await (const { key } of rowsOf(index, "l")) owned.add(sequenceOf(key));
    for (const name of await this.#parts.disk.list(BLOB_DIRECTORY)) {
      const id = idOfName(name);
      const where = `${BLOB_DIRECTORY}/${name}`;
      if (id === undefined) this.#findings.note("unknown-file", where, "no file of the store's; it is passed over");
      else if (!owned.has(id))
        this.#findings.note("blob-orphan", where, "no object owns it; the next start removes it");
    }
  }

  #tellGroups({ catalog, volumes }: ShardState): void {
    for (const { id, endsMs } of catalog.groups()) {
      if (endsMs > this.#parts.nowMs) continue;
      const ids = [...volumes.all()].flatMap((volume) => (volume.group === id ? [volumePath(volume.id)] : []));
      const what = `group ${id} ended ${new Date(endsMs).toISOString()}; a running server removes it`;
      this.#findings.note("group-ended", ids.join(" ") || "index", what);
    }
  }
}

/** The store that a volume's header names; undefined if the header cannot be read. @throws the system's error */
export async function storeIdOfVolume(disk: Disk, id: number): Promise<string | undefined> {
  const file = disk.open(volumePath(id));
  try {
    return decodeVolumeHeader(await file.read(0, VOLUME_HEADER_BYTES))?.storeId;
  } finally {
    file.close();
  }
}
