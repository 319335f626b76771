import { createRandom, type Random } from "@kagami/clock";
import { ChangeReader } from "../../src/storage/change-reader.ts";
import { blobPath, type DiskFile } from "../../src/storage/disk.ts";
import type { Follower } from "../../src/storage/follower.ts";
import { MemoryIndex } from "../../src/storage/index/memory-index.ts";
import { startFollower } from "../../src/storage/open-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { SimDisk } from "./sim-disk.ts";
import { SIMULATION_OPTIONS } from "./simulation-model.ts";
import { StoreSimulation } from "./store-simulation.ts";

/** A store under faults, and a follower that is sometimes near, sometimes far behind, and fails as well. */
export class FollowerSimulation {
  readonly #random: Random;
  readonly primary: StoreSimulation;
  #disk: SimDisk;
  #index = new MemoryIndex();
  #follower: Follower | undefined;
  readonly counts = { batches: 0, changes: 0, crashes: 0, restartsFromNothing: 0 };

  constructor(seed: number) {
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
    let reader = new ChangeReader(this.primary.store.state);
    const mayCrash = batchCount !== Number.POSITIVE_INFINITY;
    for (let i = 0; i < batchCount; i++) {
      if (this.#random.chance(0.2)) reader = new ChangeReader(this.primary.store.state);
      if (mayCrash && this.#random.chance(0.1)) {
        this.#disk.crashAt(this.#disk.operationCount + this.#random.int(1, 20));
      }
      try {
        const batch = await reader.read(
          this.follower.after,
          this.#random.pick([1, 2_000, 50_000]),
          this.follower.horizon,
        );
        if (batch.damagedSequences.length > 0) throw new Error("A record is damaged that nothing damaged");
        await this.follower.apply(batch, (blobId) => this.#fetchBlob(blobId));
        this.counts.batches++;
        this.counts.changes += batch.changes.length;
        if (batch.isEnd) return;
      } catch (error) {
        const { code } = error as { code?: unknown };
        if (code === "CHANGES_TRIMMED") await this.#startFromNothing();
        else if (this.#disk.isDown) await this.#restart();
        else throw error;
      }
    }
  }

  async #fetchBlob(blobId: number): Promise<AsyncIterable<Uint8Array> | undefined> {
    let file: DiskFile;
    try {
      file = this.primary.store.state.disk.open(blobPath(blobId));
    } catch {
      return undefined;
    }
    return (async function* () {
      const size = file.sizeBytes();
      for (let at = 0; at < size; at += 40_000) yield await file.read(at, 40_000);
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
