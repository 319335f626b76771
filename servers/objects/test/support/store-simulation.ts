import { createRandom, type Random } from "@kagami/clock";
import { VOLUME_DIRECTORY } from "../../src/storage/disk.ts";
import { MemoryIndex } from "../../src/storage/index/memory-index.ts";
import { startShard } from "../../src/storage/open-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { TierWork } from "../../src/storage/tiers/tier-work.ts";
import { type ObjectMetadata, type Retention, StoreError } from "../../src/store/object-store.ts";
import { auditVolumes } from "./audit-volumes.ts";
import { SimDisk } from "./sim-disk.ts";
import {
  BUCKETS,
  expectListed,
  expectSame,
  finishMoves,
  isSame,
  KEYS,
  type KeyModel,
  LIST,
  MARKER,
  METADATA,
  modelOf,
  NO_COUNTS,
  onlyDisk,
  RETENTIONS_MS,
  rulesFor,
  SIMULATION_OPTIONS,
  TIER,
  type Version,
  visibleAt,
  writeBody,
} from "./simulation-model.ts";

/** One run of random writes, faults and crashes against a reference model, all from one seed. */
export class StoreSimulation {
  readonly #random: Random;
  readonly #tierRandom: Random;
  readonly disk: SimDisk;
  readonly slowDisk: SimDisk;
  readonly index = new MemoryIndex();
  #tierWork: TierWork | undefined;
  #isSlowDiskGone = false;
  readonly #models = new Map<string, KeyModel>();
  #store: ShardStore | undefined;
  #nowMs = 1_700_000_000_000;
  #bodyCount = 0;
  /** Counts for the check that the run did something. */
  readonly counts = { ...NO_COUNTS };

  constructor(seed: number) {
    const random = createRandom(seed);
    this.#random = random.fork("steps");
    this.disk = new SimDisk(random.fork("disk"));
    this.#tierRandom = random.fork("tiers");
    this.slowDisk = new SimDisk(random.fork("slow disk"));
    this.disk.onCrash = () => this.slowDisk.crash();
    this.slowDisk.onCrash = () => this.disk.crash();
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get store(): ShardStore {
    if (this.#store === undefined) throw new Error("The store is down");
    return this.#store;
  }

  async run(rounds: number): Promise<void> {
    await this.begin();
    for (let round = 0; round < rounds; round++) await this.round();
    await this.finish();
  }

  async begin(): Promise<void> {
    await this.#start();
    for (const bucket of BUCKETS) await this.store.createBucket({ name: bucket, owner: "o", nowMs: 1 });
    await this.store.updateBucket("kept", { versioning: "enabled" });
  }

  /** Without faults once more from what is on disk. */
  async finish(): Promise<void> {
    for (const disk of [this.disk, this.slowDisk]) {
      disk.faults = {};
      disk.capacityBytes = Number.POSITIVE_INFINITY;
    }
    await this.#restart();
    await this.compare(true);
    await auditVolumes(this.store.state);
    await this.#finishMoves();
    await this.compare(true);
    await auditVolumes(this.store.state);
  }

  /** All that is due goes to where it belongs. */
  async #finishMoves(): Promise<void> {
    this.#nowMs += 30 * 86_400_000;
    this.#renewTierWork();
    if (this.#tierWork !== undefined) await finishMoves(this.#tierWork, this.store, this.disk, this.slowDisk);
  }

  /** Some writes at once, some of them with faults, maybe a crash, and a look at everything. */
  async round(): Promise<void> {
    const random = this.#random;
    const bad = random.chance(0.4);
    this.disk.faults = bad ? { appendError: 0.02, syncError: 0.03, readError: 0.01, truncateError: 0.2 } : {};
    this.disk.capacityBytes = random.chance(0.15) ? 40_000 + random.int(0, 200_000) : Number.POSITIVE_INFINITY;
    const tiers = this.#tierRandom;
    this.slowDisk.faults = tiers.chance(0.4) ? { appendError: 0.05, syncError: 0.05, readError: 0.05 } : {};
    this.slowDisk.capacityBytes = tiers.chance(0.15) ? tiers.int(0, 100_000) : Number.POSITIVE_INFINITY;
    const willCrash = random.chance(0.3);
    if (willCrash) this.disk.crashAt(this.disk.operationCount + random.int(1, 60));
    const targets = random.shuffle(BUCKETS.flatMap((bucket) => KEYS.map((key) => ({ bucket, key }))));
    for (let step = 0; step < 4 && !this.disk.isDown; step++) {
      const chosen = targets.slice(0, random.int(1, 8));
      await Promise.all(chosen.map(({ bucket, key }) => this.#write(bucket, key)));
      if (random.chance(0.2)) this.#nowMs += random.int(0, 1_200_000);
      if (random.chance(0.2)) await this.store.expireGroups().catch(onlyDisk);
      if (random.chance(0.3)) await this.#compact();
      if (tiers.chance(0.5)) await this.#workOnTiers();
      if (random.chance(0.1)) await this.store.sweepExpired(async () => undefined).catch(onlyDisk);
      if (random.chance(0.3)) await this.store.lookThroughGroup(async () => undefined);
    }
    this.disk.faults = {};
    this.slowDisk.faults = {};
    this.slowDisk.crashAt(Number.POSITIVE_INFINITY);
    if (tiers.chance(0.1)) await this.#liveWithoutSlowDisk();
    if (willCrash || this.disk.isDown || random.chance(0.1) || this.store.state.brokenBy !== undefined)
      await this.#restart();
    this.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await this.compare(false);
  }

  /** Some steps of the tiers beside a write, with a crash on the slow disk now and then. */
  async #workOnTiers(): Promise<void> {
    const random = this.#tierRandom;
    if (random.chance(0.3)) this.#renewTierWork();
    if (random.chance(0.1)) this.slowDisk.crashAt(this.slowDisk.operationCount + random.int(1, 20));
    const yieldOnce = () => new Promise<void>((resolve) => setImmediate(resolve));
    const write = random.chance(0.5) ? this.#write(random.pick(BUCKETS), random.pick(KEYS)) : undefined;
    const work = async (): Promise<void> => {
      for (let steps = random.int(1, 8); steps > 0; steps--) {
        const event = await this.#tierWork?.step(yieldOnce, random.chance(0.5) ? Number.POSITIVE_INFINITY : 0);
        if (event === undefined) return;
        this.counts[event.kind]++;
      }
    };
    await Promise.all([work().catch(onlyDisk), write]);
  }

  /** A start without the slow disk: what lies there says so, and nothing of it is forgotten. */
  async #liveWithoutSlowDisk(): Promise<void> {
    const { slowDisk } = this;
    this.slowDisk.capacityBytes = Number.POSITIVE_INFINITY;
    this.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await this.#restart();
    const before = await slowDisk.list(VOLUME_DIRECTORY);
    await this.store.close();
    this.#store = await startShard({ ...this.#parts(), tiers: [{ ...TIER, disk: undefined, missingBecause: "gone" }] });
    this.#isSlowDiskGone = true;
    for (const bucket of BUCKETS) {
      for (const key of KEYS) {
        const expected = this.#visible(this.#model(bucket, key).versions);
        const observed = await this.#observe(bucket, key).catch((error: unknown) => onlyDisk(error, "TIER_MISSING"));
        if (observed === undefined) this.counts.unavailable++;
        else expectSame(observed, expected, `without the slow disk, ${bucket}/${JSON.stringify(key)}`);
      }
    }
    await this.#write(this.#tierRandom.pick(BUCKETS), this.#tierRandom.pick(KEYS));
    await this.#compact();
    const after = await slowDisk.list(VOLUME_DIRECTORY);
    if (after.join() !== before.join()) throw new Error("A disk that is not there was changed");
    this.#isSlowDiskGone = false;
    await this.#restart();
  }

  async #compact(): Promise<void> {
    const { store } = this;
    const source = store.compactionCandidate();
    if (source === undefined) return;
    const writes = this.#random.chance(0.5)
      ? this.#write(this.#random.pick(BUCKETS), this.#random.pick(KEYS))
      : undefined;
    const dropUpTo = this.#random.chance(0.5) ? Number.POSITIVE_INFINITY : 0;
    const yieldOnce = () => new Promise<void>((resolve) => setImmediate(resolve));
    const compaction = store.compact(source, yieldOnce, dropUpTo).catch(onlyDisk);
    const [report] = await Promise.all([compaction, writes]);
    if (report !== undefined) this.counts.compactions++;
  }

  async #restart(): Promise<void> {
    this.counts.crashes++;
    this.disk.crash();
    // What was under way ends in errors before the machine comes back.
    await new Promise((resolve) => setImmediate(resolve));
    this.index.crash(this.#random.int(0, this.index.unflushedCount));
    if (this.#random.chance(0.1)) {
      await this.index.flush();
      await this.index.write([{ kind: "deleteRange", from: Uint8Array.of(0), to: Uint8Array.of(255) }]);
      await this.index.flush();
    }
    this.disk.restart();
    this.slowDisk.restart();
    await this.#start();
    await this.#resolve();
  }

  async #start(): Promise<void> {
    const tiers = [{ ...TIER, disk: this.slowDisk, missingBecause: undefined }];
    this.#store = await startShard({ ...this.#parts(), tiers });
    this.#renewTierWork();
    if (this.#store.recovery.damagedBytes > 0) throw new Error("The start called a torn commit damaged");
  }

  #renewTierWork(): void {
    const random = this.#tierRandom;
    const coldAfterMs = random.pick([0, 3_600_000, 20 * 86_400_000]);
    const options = { coldAfterMs, coldTier: TIER.name, gatherMs: 3_600_000 };
    const rules = rulesFor(random.int(1, 1_000), random.pick(["b", "d", ""]));
    this.#tierWork = new TierWork({ store: this.store, options, rules, nowMs: () => this.#nowMs });
  }

  #parts() {
    const { disk, index } = this;
    return { disk, index, storeId: "sim", nowMs: () => this.#nowMs, options: SIMULATION_OPTIONS };
  }

  async #write(bucket: string, key: string): Promise<void> {
    const model = this.#model(bucket, key);
    const before = this.#visible(model.versions);
    const random = this.#random;
    const action = random.int(0, 9);
    const isKept = bucket === "kept";
    if (action < 5) return await this.#put(bucket, key, model, before);
    if (action === 5) {
      const after = isKept ? [{ ...MARKER }, ...model.versions] : [];
      return await this.#attempt(model, after, () => this.store.delete({ bucket, key, conditions: {} }));
    }
    if (action === 6 && before.length > 0) return await this.#deleteVersion(bucket, key, model, before);
    if (action === 7 && before[0] !== undefined && before[0].body !== MARKER.body) {
      const tags = { n: String(random.int(0, 99)) };
      const after = [{ ...before[0], tags: JSON.stringify(tags) }, ...before.slice(1)];
      return await this.#attempt(model, after, () => this.store.setTags(bucket, key, undefined, tags));
    }
    if (action === 8) return await this.#multipart(bucket, key, model);
  }

  async #put(bucket: string, key: string, model: KeyModel, before: readonly Version[]): Promise<void> {
    const random = this.#random;
    const body = this.#body(random.pick([0, 10, 300, 3_000, 7_000, 70_000]));
    const retention = random.chance(0.3) ? this.#retention() : undefined;
    const expiresMs = bucket === "plain" ? (retention?.expiresMs ?? 0) : 0;
    const version: Version = { body, tags: "{}", expiresMs };
    const mustBeAbsent = random.chance(0.1);
    if (mustBeAbsent && before.length > 0 && before[0]?.body !== MARKER.body && model.maybe.length === 0) {
      const refused = this.#sendPut(bucket, key, body, retention, true);
      return await refused.then(
        () => Promise.reject(new Error("A put over an object was accepted that must be absent")),
        (error: unknown) => (this.#isSlowDiskGone ? undefined : onlyDisk(error, "PRECONDITION_FAILED")),
      );
    }
    const after = bucket === "kept" ? [version, ...model.versions] : [version];
    await this.#attempt(model, after, () => this.#sendPut(bucket, key, body, retention, false));
  }

  async #sendPut(bucket: string, key: string, body: string, retention: Retention | undefined, absent: boolean) {
    const bytes = Buffer.from(body, "latin1");
    const metadata = this.#metadata();
    const request = { bucket, key, metadata, retention, conditions: absent ? { absent } : {} };
    await writeBody(this.store.put(request, bytes.length), bytes, String(bytes.length));
  }

  async #deleteVersion(bucket: string, key: string, model: KeyModel, before: readonly Version[]): Promise<void> {
    const at = this.#random.int(0, before.length - 1);
    const after = model.versions.filter((version) => version !== before[at]);
    await this.#attempt(model, after, async () => {
      const { entries } = await this.#versions(bucket, key);
      const versionId = entries[at]?.versionId;
      if (versionId === undefined) throw new Error(`Version ${at} of "${key}" is not listed`);
      await this.store.delete({ bucket, key, versionId, conditions: {} });
    });
  }

  async #multipart(bucket: string, key: string, model: KeyModel): Promise<void> {
    const bodies = [this.#body(300), this.#body(7_000), this.#body(10)];
    const version: Version = { body: (bodies[0] ?? "") + (bodies[1] ?? ""), tags: "{}", expiresMs: 0 };
    const after = bucket === "kept" ? [version, ...model.versions] : [version];
    await this.#attempt(model, after, async () => {
      const rest = { checksumAlgorithm: undefined, checksumType: undefined, owner: "o", retention: undefined };
      const metadata = this.#metadata();
      const { storageClass } = metadata;
      const { uploadId } = await this.store.createUpload({ bucket, key, metadata, ...rest });
      for (const [i, body] of bodies.entries()) {
        const part = { bucket, key, uploadId, partNumber: i + 1, storageClass };
        await writeBody(this.store.putPart(part, body.length), Buffer.from(body, "latin1"), `e${i}`);
      }
      const parts = [0, 1].map((i) => ({ partNumber: i + 1, etag: `e${i}` }));
      const request = { bucket, key, uploadId, parts, conditions: {}, checksum: undefined, minPartBytes: 0 };
      if (this.#random.chance(0.2)) await this.store.abortUpload(bucket, key, uploadId);
      await this.store.completeUpload(request);
    });
  }

  async #attempt(model: KeyModel, after: readonly Version[], write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
      model.versions = after;
      model.maybe = [];
      this.counts.acknowledged++;
    } catch (error) {
      this.counts.failed++;
      // Refused before anything was written.
      if (this.#isSlowDiskGone && (error as { code?: unknown }).code === "TIER_MISSING") return;
      onlyDisk(error, "NO_SUCH_UPLOAD");
      // Nothing has happened, unless the files could not be put back: then a restart may bring it.
      if (!(error instanceof StoreError && error.code === "NO_SUCH_UPLOAD")) model.maybe = [...model.maybe, after];
    }
  }

  /** Everything that the store shows is what the model says. */
  async compare(isFinal: boolean): Promise<void> {
    for (const bucket of BUCKETS) {
      for (const key of KEYS) {
        const expected = this.#visible(this.#model(bucket, key).versions);
        expectSame(await this.#observe(bucket, key), expected, `${bucket}/${JSON.stringify(key)}`);
      }
      const listed = (await this.store.list({ ...LIST, bucket, versions: false })).entries.map(({ key }) => key);
      const wanted = KEYS.filter((key) => {
        const [first] = this.#visible(this.#model(bucket, key).versions);
        return first !== undefined && first.body !== MARKER.body;
      });
      expectListed(listed, wanted, bucket);
    }
    this.counts.compared++;
    if (isFinal && this.counts.acknowledged === 0) throw new Error("The run did nothing");
  }

  /** After a restart each key is as it was, or as a write that failed would have left it. */
  async #resolve(): Promise<void> {
    for (const [name, model] of this.#models) {
      const [bucket, key] = JSON.parse(name);
      const observed = await this.#observe(bucket, key);
      const candidates = [model.versions, ...model.maybe];
      const found = candidates.find((versions) => isSame(observed, this.#visible(versions)));
      if (found === undefined) expectSame(observed, this.#visible(model.versions), `after a restart, ${name}`);
      else model.versions = found;
      model.maybe = [];
    }
  }

  async #observe(bucket: string, key: string): Promise<Version[]> {
    const { entries } = await this.#versions(bucket, key);
    const versions: Version[] = [];
    for (const entry of entries) {
      const opened = entry.isDeleteMarker ? undefined : await this.store.open(bucket, key, entry.versionId);
      if (opened === undefined) {
        if (!entry.isDeleteMarker) throw new Error(`"${key}" is listed and cannot be opened`);
        versions.push(MARKER);
        continue;
      }
      let body = "";
      for await (const bytes of opened.read(0, entry.sizeBytes)) body += Buffer.from(bytes).toString("latin1");
      opened.close();
      versions.push({ body, tags: JSON.stringify(entry.metadata.tags), expiresMs: entry.expiresMs ?? 0 });
    }
    const current = await this.store.open(bucket, key);
    const isThere = versions[0] !== undefined && versions[0].body !== MARKER.body;
    if ((current !== undefined) !== isThere) throw new Error(`"${key}" opens though the listing says otherwise`);
    current?.close();
    return versions;
  }

  async #versions(bucket: string, key: string) {
    const page = await this.store.list({ ...LIST, bucket, prefix: key, versions: true });
    return { entries: page.entries.filter((entry) => entry.key === key) };
  }

  #visible(versions: readonly Version[]): Version[] {
    return visibleAt(versions, this.#nowMs);
  }

  #retention(): Retention {
    const retentionMs = this.#random.pick(RETENTIONS_MS);
    return { expiresMs: this.#nowMs + retentionMs, ruleKey: `r${retentionMs}`, retentionMs };
  }

  /** Unlike every other one, so that a mix of two is seen. */
  #body(length: number): string {
    this.#bodyCount++;
    return `${this.#bodyCount}:`.padEnd(length, `${this.#bodyCount % 10}`).slice(0, length);
  }

  #metadata(): ObjectMetadata {
    return this.#tierRandom.chance(0.2) ? { ...METADATA, storageClass: TIER.storageClass } : METADATA;
  }

  #model(bucket: string, key: string): KeyModel {
    return modelOf(this.#models, bucket, key);
  }
}
