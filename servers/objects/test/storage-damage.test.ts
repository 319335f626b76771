import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { volumePath } from "../src/storage/disk.ts";
import { MemoryIndex } from "../src/storage/index/memory-index.ts";
import { startShard } from "../src/storage/open-store.ts";
import type { ShardStore } from "../src/storage/shard-store.ts";
import { putBody, readBody } from "./support/damaged-store.ts";
import { SimDisk } from "./support/sim-disk.ts";

const OPTIONS = { volumeBytes: 60_000, blobFromBytes: 30_000, cacheBytes: 0, reserveBytes: 1_000 };

async function start(disk: SimDisk, index: MemoryIndex): Promise<ShardStore> {
  return await startShard({ disk, index, storeId: "s", nowMs: () => 1_000, options: OPTIONS });
}

async function filled(seed: number) {
  const random = createRandom(seed);
  const disk = new SimDisk(random.fork("disk"));
  const index = new MemoryIndex();
  const store = await start(disk, index);
  await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
  const bodies = new Map<string, Uint8Array>();
  for (let i = 0; i < 12; i++) {
    const body = random.bytes(random.pick([100, 5_000, 20_000, 40_000]));
    bodies.set(`k${i}`, body);
    await putBody(store, `k${i}`, body);
  }
  return { random, disk, index, store, bodies };
}

test.each(seeds(30))(
  "a flipped bit on disk is an error of that object or nothing, never other bytes, seed %i",
  async (seed) => {
    const { disk, store, bodies } = await filled(seed);
    let errorCount = 0;
    for (let flip = 0; flip < 8; flip++) {
      expect(disk.flip("")).toBeDefined();
      for (const [key, body] of bodies) {
        const found = await readBody(store, key).catch((error: unknown) => error);
        if (found instanceof Buffer) expect(found.equals(body), key).toBe(true);
        else {
          expect(found).toMatchObject({ code: "CORRUPT", message: expect.stringContaining("fails its checksum") });
          errorCount++;
        }
      }
    }
    expect(errorCount).toBeGreaterThan(0);
  },
);

test.each(seeds(20))(
  "damage amid a volume costs what it hits and no more when the index is lost, seed %i",
  async (seed) => {
    const { disk, index, bodies } = await filled(seed);
    const flipped = disk.flip("volumes/");
    await index.write([{ kind: "deleteRange", from: Uint8Array.of(0), to: Uint8Array.of(255) }]);
    if (flipped === undefined || flipped.offset < 4_096) return expect(flipped).toBeDefined();
    disk.restart();
    const again = await start(disk, index);
    let lostCount = 0;
    if (again.bucket("b") === undefined) return expect(again.recovery.damagedBytes).toBeGreaterThan(0);
    for (const [key, body] of bodies) {
      const found = await readBody(again, key);
      if (found === undefined) lostCount++;
      else expect(found.equals(body)).toBe(true);
    }
    expect(lostCount).toBeLessThanOrEqual(1);
    const { damagedBytes, cutBytes } = again.recovery;
    if (lostCount > 0) expect(damagedBytes + cutBytes).toBeGreaterThan(0);
  },
);

test.each(seeds(10))(
  "what is written behind damage is where the index says, also when the index is lost twice, seed %i",
  async (seed) => {
    const { disk, index, bodies } = await filled(seed);
    const flipped = disk.flip("volumes/");
    if (flipped === undefined || flipped.offset < 5_000) return expect(flipped).toBeDefined();
    for (const round of [0, 1]) {
      await index.write([{ kind: "deleteRange", from: Uint8Array.of(0), to: Uint8Array.of(255) }]);
      disk.restart();
      const again = await start(disk, index);
      for (const { id, endOffset } of again.state.volumes.all()) {
        expect(again.state.volumes.file(id).sizeBytes()).toBe(endOffset);
      }
      const open = [...again.state.volumes.all()].filter(({ isSealed }) => !isSealed);
      expect(open.length).toBe(1);
      const body = new Uint8Array(300).fill(round);
      bodies.set(`new${round}`, body);
      await putBody(again, `new${round}`, body);
      const lost: string[] = [];
      for (const [key, wanted] of bodies) {
        const found = await readBody(again, key);
        if (found === undefined) lost.push(key);
        else expect(found.equals(wanted), key).toBe(true);
      }
      expect(lost.length).toBeLessThanOrEqual(1);
      expect(lost.filter((key) => key.startsWith("new"))).toEqual([]);
      await again.close();
    }
  },
);

test("a record in a body is never taken for one, not even when the volume is searched for the next good one", async () => {
  const { store } = await filled(1);
  const [volume] = [...store.state.volumes.all()];
  const forged = await store.state.volumes.file(volume!.id).read(4_096, 4_000);
  // An attacker has records of a store of his own; this one's seed he does not know.
  const other = new MemoryIndex();
  const otherDisk = new SimDisk(createRandom(2));
  const options = { disk: otherDisk, index: other, storeId: "another", nowMs: () => 1_000, options: OPTIONS };
  const second = await startShard(options);
  await second.createBucket({ name: "b", owner: "o", nowMs: 1 });
  await putBody(second, "carrier", forged);
  await putBody(second, "after", new Uint8Array(10));
  const [carrierVolume] = [...second.state.volumes.all()];
  await other.write([{ kind: "deleteRange", from: Uint8Array.of(0), to: Uint8Array.of(255) }]);
  // In the carrier's key, behind the bucket's record.
  otherDisk.damage(volumePath(carrierVolume!.id), 4_096 + 176 + 90);
  otherDisk.restart();
  const third = await startShard(options);
  expect(third.recovery.damagedBytes).toBeGreaterThan(4_000);
  const keys = (await third.list(LIST)).entries.map(({ key }) => key);
  expect(keys).toEqual(["after"]);
});

const LIST = { bucket: "b", prefix: "", delimiter: "", startAfter: "", maxKeys: 100, versions: false };

test("a full disk refuses puts, keeps what was there, takes deletes, and takes puts again when there is room", async () => {
  const { disk, store, bodies } = await filled(3);
  disk.capacityBytes = 0;
  await expect(putBody(store, "more", new Uint8Array(10))).rejects.toMatchObject({ code: "DISK_FULL" });
  await expect(putBody(store, "big", new Uint8Array(50_000))).rejects.toMatchObject({ code: "DISK_FULL" });
  expect((await readBody(store, "k1"))?.equals(bodies.get("k1")!)).toBe(true);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  const used = disk.usedBytes();
  disk.capacityBytes = used + 900;
  await expect(putBody(store, "more", new Uint8Array(10))).rejects.toMatchObject({ code: "DISK_FULL" });
  await store.delete({ bucket: "b", key: "k1", conditions: {} });
  expect(await readBody(store, "k1")).toBeUndefined();
  disk.capacityBytes = used + 100_000;
  await putBody(store, "more", new Uint8Array(10));
  expect((await readBody(store, "more"))?.length).toBe(10);
});
