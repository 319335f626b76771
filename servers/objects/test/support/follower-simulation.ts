import { createRandom, type Random } from "@kagami/clock";
import { type ChangeBatch, ChangeReader } from "../../src/storage/change-reader.ts";
import { blobPath, type DiskFile } from "../../src/storage/disk.ts";
import type { Follower } from "../../src/storage/follower.ts";
import { MemoryIndex } from "../../src/storage/index/memory-index.ts";
import { startFollower } from "../../src/storage/open-store.ts";
import type { ShardState } from "../../src/storage/shard-state.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { SimDisk } from "./sim-disk.ts";
import { wireBatches } from "./sim-wire.ts";
import { SIMULATION_OPTIONS } from "./simulation-model.ts";
import { StoreSimulation } from "./store-simulation.ts";

/** Of one time of following: a network that lets nothing through is no network's fault. */
const MAX_CUTS = 300;

/** A store under faults, and a follower that is sometimes near, sometimes far behind, and fails as well. */
export class FollowerSimulation {
  readonly #random: Random;
  readonly #isWired: boolean;
  readonly primary: StoreSimulation;
  #disk: SimDisk;
  #index = new MemoryIndex();
  #follower: Follower | undefined;
  readonly counts = { batches: 0, changes: 0, crashes: 0, restartsFromNothing: 0, compactions: 0, cuts: 0 };

  /** @param options `isWired` has the changes come as the bytes of a network that cuts and garbles them. */
  constructor(seed: number, { isWired = false }: { readonly isWired?: boolean } = {}) {
    this.#isWired = isWired;
    const random = createRandom(seed);
    this.#random = random.fork("follower");
    this.primary = new StoreSimulation(seed);
    this.#disk = new SimDisk(random.fork("follower disk"));
  }

  async run(rounds: number): Promise<void> {
    await this.primary.begin();
    await this.#start();
    for (let round = 0; round < rounds; round++) {
      await this.primary.round();
      if (this.#random.chance(0.5)) await this.#follow(this.#random.int(1, 6));
    }
    await this.primary.finish();
    // A crash may have come in a removal, whose failure nobody is told of.
    if (this.#disk.isDown) await this.#restart();
    this.#disk.crashAt(Number.POSITIVE_INFINITY);
    await this.#follow(Number.POSITIVE_INFINITY);
    expectSame(await describe(this.follower.store), await describe(this.primary.store));
  }

  get follower(): Follower {
    if (this.#follower === undefined) throw new Error("The follower is down");
    return this.#follower;
  }

  async #follow(batchCount: number): Promise<void> {
    let batches = this.#connect();
    let cuts = 0;
    const mayCrash = batchCount !== Number.POSITIVE_INFINITY;
    for (let i = 0; i < batchCount; i++) {
      if (this.#random.chance(0.2)) batches = this.#connect();
      if (mayCrash && this.#random.chance(0.1)) {
        this.#disk.crashAt(this.#disk.operationCount + this.#random.int(1, 20));
      }
      try {
        const { value: batch } = await batches.next();
        if (batch === undefined) {
          batches = this.#connect();
          continue;
        }
        if (batch.damagedSequences.length > 0) throw new Error("A record is damaged that nothing damaged");
        const compacting = this.#random.chance(0.3) ? this.#compact(this.follower.store) : undefined;
        // If applying fails it is of no interest any more.
        compacting?.catch(() => undefined);
        await this.follower.apply(batch, (blobId) => this.#fetchBlob(blobId));
        await compacting;
        this.counts.batches++;
        this.counts.changes += batch.changes.length;
        if (batch.isEnd) return;
      } catch (error) {
        const { code } = error as { code?: unknown };
        if (code === "CHANGES_TRIMMED") await this.#startFromNothing();
        else if (this.#disk.isDown) await this.#restart();
        else if (this.#isWired && (code === "STREAM_INVALID" || code === "CUT") && cuts++ < MAX_CUTS)
          this.counts.cuts++;
        else throw error;
        batches = this.#connect();
      }
    }
  }

  /** Changes behind where the follower stands at this moment. */
  #connect(): AsyncGenerator<ChangeBatch> {
    const { state } = this.primary.store;
    const { after, past } = this.follower;
    return this.#isWired ? wireBatches(state, { after, drops: past.drops }, this.#random) : this.#readBatches(state);
  }

  async *#readBatches(state: ShardState): AsyncGenerator<ChangeBatch> {
    const reader = new ChangeReader(state);
    for (;;) {
      yield await reader.read(this.follower.after, this.#random.pick([1, 2_000, 50_000]), this.follower.past.drops);
    }
  }

  /** A copy frees by itself what is dead in it, beside the changes that come. */
  async #compact(store: ShardStore): Promise<void> {
    const source = store.compactionCandidate(0.25);
    if (source === undefined) return;
    await store.compact(source, async () => undefined, this.#random.pick([0, Math.max(0, this.follower.after - 50)]));
    this.counts.compactions++;
  }

  async #fetchBlob(blobId: number): Promise<AsyncIterable<Uint8Array> | undefined> {
    let file: DiskFile;
    try {
      file = this.primary.store.state.disk.open(blobPath(blobId));
    } catch {
      return undefined;
    }
    const cutAt = this.#isWired && this.#random.chance(0.2) ? this.#random.int(0, 100_000) : Number.POSITIVE_INFINITY;
    return (async function* () {
      const size = file.sizeBytes();
      for (let at = 0; at < size; at += 40_000) {
        if (at >= cutAt) throw Object.assign(new Error("The body was cut"), { code: "CUT" });
        yield await file.read(at, 40_000);
      }
    })();
  }

  async #restart(): Promise<void> {
    this.counts.crashes++;
    this.#disk.crash();
    await new Promise((resolve) => setImmediate(resolve));
    this.#index.crash(this.#random.int(0, this.#index.unflushedCount));
    this.#disk.restart();
    await this.#start();
  }

  async #startFromNothing(): Promise<void> {
    this.counts.restartsFromNothing++;
    this.#disk = new SimDisk(this.#random.fork(`disk ${this.counts.restartsFromNothing}`));
    this.#index = new MemoryIndex();
    await this.#start();
  }

  async #start(): Promise<void> {
    this.#follower = await startFollower({
      disk: this.#disk,
      index: this.#index,
      storeId: "sim",
      nowMs: () => this.primary.nowMs,
      options: SIMULATION_OPTIONS,
    });
  }
}

/** All that a client could see of a store, bodies included. */
async function describe(store: ShardStore): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const bucket of store.buckets()) {
    all.push(bucket);
    const request = { bucket: bucket.name, prefix: "", delimiter: "", startAfter: "", maxKeys: 1_000 };
    for (const entry of (await store.list({ ...request, versions: true })).entries) {
      let body = "";
      const opened = await store.open(bucket.name, entry.key, entry.versionId);
      for await (const bytes of opened?.read(0, entry.sizeBytes) ?? []) body += Buffer.from(bytes).toString("latin1");
      opened?.close();
      // Where it lies is each store's own affair.
      all.push({ ...entry, metadata: { ...entry.metadata, storageClass: undefined }, body });
    }
    for (const upload of (await store.listUploads(request)).uploads) {
      all.push(upload, await store.listParts(bucket.name, upload.key, upload.uploadId, 0, 1_000));
    }
  }
  return all;
}

function expectSame(follower: readonly unknown[], primary: readonly unknown[]): void {
  for (let i = 0; i < Math.max(follower.length, primary.length); i++) {
    const [one, other] = [JSON.stringify(follower[i]), JSON.stringify(primary[i])];
    if (one !== other) throw new Error(`The follower has ${one?.slice(0, 300)}, the store ${other?.slice(0, 300)}`);
  }
}
