import { createHash } from "node:crypto";
import {
  type BodyDigest,
  type BodyWriter,
  type Bucket,
  type CompleteRequest,
  type DeleteRequest,
  type DeleteResult,
  type ListRequest,
  type ListResult,
  type ObjectEntry,
  type ObjectStore,
  type OpenObject,
  type PutRequest,
  type PutResult,
  StoreError,
  type Upload,
  type UploadPart,
  type UploadRequest,
} from "../store/object-store.ts";
import { type ArrivedBody, makeBodyWriter } from "./body-writer.ts";
import { createBucketOperation, deleteBucketOperation, updateBucketOperation } from "./bucket-writes.ts";
import { CommitLoop, toStoreError } from "./commit-loop.ts";
import { Compaction, type CompactionReport, deadPart, type TakeIo, type TiersOf } from "./compaction.ts";
import { EntryCache } from "./entry-cache.ts";
import { sweepExpired } from "./expiry-sweep.ts";
import { expireGroupOperation, payDebtsOperation } from "./group-writes.ts";
import { bucketIdOfObjectKey, groupRange, nameOfObjectKey, partKey } from "./index/keys.ts";
import { pagesOf } from "./index/pages.ts";
import { listObjects, listUploads } from "./listing.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { ObjectReader } from "./object-reader.ts";
import { bucketOf, deleteOperation, putOperation, tagsOperation } from "./object-writes.ts";
import { Recovery, type RecoveryReport } from "./recovery.ts";
import type { ShardState } from "./shard-state.ts";
import type { Transaction } from "./transaction.ts";
import {
  abortUploadOperation,
  completeUploadOperation,
  createUploadOperation,
  MAX_PARTS,
  putPartOperation,
  rowKeyOf,
  toUploadPart,
  type UploadName,
  uploadFrom,
} from "./uploads.ts";
import type { Volume } from "./volume-set.ts";

/** A volume with less than this dead stays as it is, if the caller names no other part. */
const MIN_DEAD_PART = 0.5;
/** A compaction that frees less is not tried again. */
const MIN_GAIN_PART = 0.25;
/** One that has failed is not tried again sooner. */
const COMPACTION_RETRY_MS = 60_000;

const LOOK_ROWS = 512;
/** About what a row of the index takes. */
const LOOK_ROW_BYTES = 256;

/** The store on one shard. */
export class ShardStore implements ObjectStore {
  readonly #state: ShardState;
  readonly #loop: CommitLoop;
  readonly #cache: EntryCache;
  readonly #budget: MemoryBudget;
  readonly #reader: ObjectReader;
  readonly #nowMs: () => number;
  readonly recovery: RecoveryReport;
  readonly storageClasses: ReadonlySet<string>;
  readonly #notCompacted = new Set<number>();
  /** Volumes whose compaction has failed: a disk that fails or is full must not keep those of the others from theirs. */
  readonly #retryAtMs = new Map<number, number>();
  #isClosed = false;

  private constructor(state: ShardState, nowMs: () => number, recovery: RecoveryReport) {
    this.#state = state;
    this.#nowMs = nowMs;
    this.#cache = new EntryCache(state.options.cacheBytes);
    this.#budget = new MemoryBudget(state.options.bodyMemoryBytes);
    this.#loop = new CommitLoop(state, this.#cache, nowMs);
    this.#reader = new ObjectReader(state, this.#cache, nowMs);
    this.recovery = recovery;
    this.storageClasses = new Set(["STANDARD", ...state.disk.tiers.map(({ storageClass }) => storageClass)]);
  }

  /** Replays what the index lacks. @throws StoreError, or an error of the disk or the index */
  static async start(
    state: ShardState,
    nowMs: () => number,
    options: { readonly followedUpTo?: number } = {},
  ): Promise<ShardStore> {
    const recovery = new Recovery(state, options.followedUpTo);
    const store = new ShardStore(state, nowMs, await recovery.run());
    // A follower is told by the stream.
    if (options.followedUpTo === undefined) await store.#payDebts();
    return store;
  }

  /** The shard below, for maintenance, metrics and followers. */
  get state(): ShardState {
    return this.#state;
  }

  async createBucket(request: { name: string; owner: string; nowMs: number }): Promise<Bucket> {
    return await this.#loop.submit(createBucketOperation(this.#state, request));
  }

  async deleteBucket(name: string): Promise<void> {
    await this.#loop.submit(deleteBucketOperation(this.#state, name));
  }

  bucket(name: string): Bucket | undefined {
    return this.#state.catalog.bucket(name)?.bucket;
  }

  buckets(): readonly Bucket[] {
    return this.#state.catalog.buckets();
  }

  hasExpiringObjects(name: string): boolean {
    const bucket = this.bucket(name);
    const { catalog } = this.#state;
    return bucket !== undefined && (catalog.hasLooseExpiry || catalog.groupsOf(bucket.id).length > 0);
  }

  async updateBucket(name: string, change: Parameters<ObjectStore["updateBucket"]>[1]): Promise<Bucket> {
    return await this.#loop.submit(updateBucketOperation(this.#state, name, change));
  }

  put(request: PutRequest, sizeBytes: number): BodyWriter<PutResult> {
    const commit = async (body: ArrivedBody, digest: BodyDigest): Promise<PutResult> => {
      const { id } = bucketOf(this.#state.catalog, request.bucket);
      return (await this.#loop.submit(putOperation(this.#state, this.#cache, id, request, body, digest))).result;
    };
    return makeBodyWriter(this.#state, this.#budget, sizeBytes, commit, request.metadata.storageClass);
  }

  async copy(request: PutRequest, source: OpenObject, digest: BodyDigest): Promise<PutResult> {
    const { sizeBytes } = source.entry;
    const writer = this.put(request, sizeBytes);
    try {
      for await (const bytes of source.read(0, sizeBytes)) await writer.write(bytes);
      return await writer.commit(digest);
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  async head(bucket: string, key: string, versionId?: string): Promise<ObjectEntry | undefined> {
    return await this.#reader.head(this.#bucketId(bucket), key, versionId);
  }

  openNow(bucket: string, key: string): OpenObject | undefined {
    return this.#reader.openNow(this.#bucketId(bucket), key);
  }

  async open(bucket: string, key: string, versionId?: string): Promise<OpenObject | undefined> {
    return await this.#reader.open(this.#bucketId(bucket), key, versionId);
  }

  async setTags(
    bucket: string,
    key: string,
    versionId: string | undefined,
    tags: Readonly<Record<string, string>>,
  ): Promise<ObjectEntry> {
    const bucketId = this.#bucketId(bucket);
    await this.#loop.submit(tagsOperation(this.#state, { bucket, bucketId, key, versionId }, tags));
    const entry = await this.#reader.head(bucketId, key, versionId);
    if (entry === undefined) throw new StoreError("NO_SUCH_KEY", `Cannot read "${key}": it was removed meanwhile`);
    return entry;
  }

  async delete(request: DeleteRequest): Promise<DeleteResult> {
    return await this.#loop.submit(deleteOperation(this.#state, this.#bucketId(request.bucket), request));
  }

  async list(request: ListRequest): Promise<ListResult> {
    return await listObjects(this.#state, this.#bucketId(request.bucket), request, this.#nowMs());
  }

  async createUpload(request: UploadRequest): Promise<Upload> {
    return await this.#loop.submit(createUploadOperation(this.#state, this.#bucketId(request.bucket), request));
  }

  async upload(bucket: string, key: string, uploadId: string): Promise<Upload> {
    const { rowKey } = rowKeyOf(this.#uploadName(bucket, key, uploadId));
    const [value] = await this.#state.index.get([rowKey]);
    return uploadFrom(value, uploadId);
  }

  putPart(part: Parameters<ObjectStore["putPart"]>[0], sizeBytes: number): BodyWriter<UploadPart> {
    const name = this.#uploadName(part.bucket, part.key, part.uploadId);
    if (!Number.isInteger(part.partNumber) || part.partNumber < 1 || part.partNumber > MAX_PARTS) {
      throw new StoreError("INVALID_PART", `Cannot upload part ${part.partNumber}: numbers are 1 to ${MAX_PARTS}`);
    }
    const { partNumber, storageClass } = part;
    const tier = this.#state.disk.tierOfClass(storageClass);
    const commit = (body: ArrivedBody, digest: BodyDigest): Promise<UploadPart> =>
      this.#loop.submit(putPartOperation(name, { partNumber, tier }, body, digest));
    return makeBodyWriter(this.#state, this.#budget, sizeBytes, commit, storageClass);
  }

  async listParts(
    bucket: string,
    key: string,
    uploadId: string,
    after: number,
    limit: number,
  ): Promise<readonly UploadPart[]> {
    await this.upload(bucket, key, uploadId);
    const { sequence } = rowKeyOf(this.#uploadName(bucket, key, uploadId));
    const from = partKey(sequence, Math.min(after, MAX_PARTS) + 1);
    const rows = await this.#state.index.scan(from, partKey(sequence, MAX_PARTS + 1), limit);
    return rows.map(({ key: row, value }) => toUploadPart(row, value));
  }

  async listUploads(request: Parameters<ObjectStore["listUploads"]>[0]) {
    return await listUploads(this.#state, this.#bucketId(request.bucket), request);
  }

  async completeUpload(request: CompleteRequest): Promise<PutResult> {
    const bucketId = this.#bucketId(request.bucket);
    return await this.#loop.submit(completeUploadOperation(this.#state, bucketId, request, etagOfParts));
  }

  async abortUpload(bucket: string, key: string, uploadId: string): Promise<void> {
    await this.#loop.submit(abortUploadOperation(this.#state, this.#uploadName(bucket, key, uploadId)));
  }

  /** Removes what has expired outside of groups; how many there were. */
  async sweepExpired(takeIo: TakeIo): Promise<number> {
    if (!this.#state.catalog.hasLooseExpiry) return 0;
    return await sweepExpired(this.#state, this.#loop, takeIo, this.#nowMs);
  }

  /** How long commits took since this was asked last, 99th percentile; undefined if there were none. */
  takeWriteP99Ms(): number | undefined {
    return this.#loop.latency.takeP99();
  }

  /**
   * Notes the keys of one group of before the start, so that reads and writes of other keys need not ask for them in it.
   *
   * @returns whether there was one
   */
  async lookThroughGroup(takeIo: TakeIo): Promise<boolean> {
    const { catalog, index } = this.#state;
    const group = catalog.groupToLookThrough();
    if (group === undefined) return false;
    catalog.beginLook(group);
    for await (const rows of pagesOf(index, groupRange("object", group), LOOK_ROWS)) {
      for (const { key } of rows) catalog.noteKey(group, bucketIdOfObjectKey(key), nameOfObjectKey(key));
      if (rows.length === LOOK_ROWS) await takeIo(LOOK_ROWS * LOOK_ROW_BYTES);
    }
    catalog.endLook(group);
    return true;
  }

  /** Memory forgets what a transaction that did not go through the commit loop has changed. */
  forget(tx: Transaction): void {
    this.#loop.publish(tx);
  }

  /** Runs a commit that does not go through the commit loop, between two of it. */
  async betweenCommits<Result>(work: () => Promise<Result>): Promise<Result> {
    return await this.#loop.alone(work);
  }

  /** The sealed volume of group 0 that a compaction frees most of; undefined if none has that part of its bytes dead. */
  compactionCandidate(minDeadPart = MIN_DEAD_PART): Volume | undefined {
    let best: Volume | undefined;
    if (this.#state.brokenBy !== undefined) return undefined;
    const nowMs = this.#nowMs();
    for (const volume of this.#state.volumes.all()) {
      if (volume.group !== 0 || !volume.isSealed || volume.isAway || this.#notCompacted.has(volume.id)) continue;
      if ((this.#retryAtMs.get(volume.id) ?? 0) > nowMs) continue;
      if (deadPart(volume) >= minDeadPart && (best === undefined || deadPart(volume) > deadPart(best))) best = volume;
    }
    return best;
  }

  /**
   * Rewrites a volume without what is dead. One at a time.
   *
   * @param dropUpTo Tombstones up to this sequence may be forgotten; a follower that stands before them starts anew.
   * @param tiersOf Divides it among tiers.
   * @returns undefined if the volume is damaged, or if dropping has freed nothing: it is not a candidate again.
   */
  async compact(
    source: Volume,
    takeIo: TakeIo,
    dropUpTo: number,
    tiersOf?: TiersOf,
  ): Promise<CompactionReport | undefined> {
    const parts = { state: this.#state, loop: this.#loop, source, takeIo, nowMs: this.#nowMs, dropUpTo, tiersOf };
    this.#retryAtMs.set(source.id, this.#nowMs() + COMPACTION_RETRY_MS);
    const report = await new Compaction(parts).run();
    this.#retryAtMs.delete(source.id);
    if (report === undefined) this.#notCompacted.add(source.id);
    // Tombstones that must stay fill it: it would be copied for ever. It is looked at again after the next start.
    else if (report.writtenBytes > (1 - MIN_GAIN_PART) * report.readBytes) {
      for (const id of report.outputIds) this.#notCompacted.add(id);
    }
    return report;
  }

  /** The volume belongs to another tier from now on, and its objects show that; its file is moved later. */
  async assignTier(volume: Volume, tier: string): Promise<void> {
    await this.#loop.submit({
      bytes: 0,
      isAlone: true,
      run: async ({ tx }) => {
        if (!volume.isRemoved) tx.assignTier(volume.id, tier);
      },
    });
  }

  /** Ends the groups whose time has passed; how many there were. */
  async expireGroups(): Promise<number> {
    const nowMs = this.#nowMs();
    let count = 0;
    for (const { id, endsMs } of [...this.#state.catalog.groups()]) {
      if (endsMs <= nowMs && (await this.#loop.submit(expireGroupOperation(this.#state, id)))) count++;
    }
    return count;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#loop.close();
    try {
      await this.#state.index.flush();
    } catch (error) {
      throw toStoreError(error);
    } finally {
      // Also of one that could not be flushed: its lock would keep the next start out.
      await this.#state.index.close();
      this.#state.volumes.close();
      this.#state.blobs.close();
    }
  }

  async #payDebts(): Promise<void> {
    try {
      while ((await this.#loop.submit(payDebtsOperation(this.#state))) > 0);
    } catch (error) {
      // The disk may be full at this moment: they are owed on, and paid at a later start.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  #bucketId(name: string): number {
    return bucketOf(this.#state.catalog, name).id;
  }

  #uploadName(bucket: string, key: string, uploadId: string): UploadName {
    return { bucket, bucketId: this.#bucketId(bucket), key, uploadId };
  }
}

/** S3's etag of a completed upload: MD5 of the parts' MD5s, and their count. */
function etagOfParts(etags: readonly string[]): string {
  const hash = createHash("md5");
  for (const etag of etags) hash.update(Buffer.from(etag, "hex"));
  return `${hash.digest("hex")}-${etags.length}`;
}
