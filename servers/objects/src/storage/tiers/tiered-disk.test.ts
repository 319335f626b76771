import { createRandom } from "@kagami/clock";
import { expect, test } from "vitest";
import { SimDisk } from "../../../test/support/sim-disk.ts";
import { encodeVolumeHeader } from "../../protocol/volume/index.ts";
import { NO_GROUP } from "../catalog.ts";
import { BLOB_DIRECTORY, blobPath, type Disk, VOLUME_DIRECTORY, volumePath } from "../disk.ts";
import { TieredDisk } from "./tiered-disk.ts";

async function put(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = disk.create(path);
  await file.append([bytes]);
  await file.sync();
}

function setUp() {
  const [first, hdd, cold] = [1, 2, 3].map((seed) => new SimDisk(createRandom(seed))) as [SimDisk, SimDisk, SimDisk];
  const tiers = [
    { name: "hdd", storageClass: "STANDARD_IA", disk: hdd, missingBecause: undefined },
    { name: "cold", storageClass: "GLACIER_IR", disk: cold, missingBecause: undefined },
  ];
  return { first, hdd, cold, tiers, disk: new TieredDisk(first, tiers) };
}

const header = (createdMs: number) =>
  encodeVolumeHeader({ storeId: "s", shard: 0, volumeId: 1, group: NO_GROUP, fencingEpoch: 1, createdMs, sources: [] });

test("a file is where the fastest disk that has its name says", async () => {
  const { first, hdd, cold, disk } = setUp();
  await put(cold, "blobs/a", Uint8Array.of(3));
  expect(await disk.open("blobs/a").read(0, 1)).toEqual(Buffer.of(3));
  await put(hdd, "blobs/a", Uint8Array.of(2));
  expect(await disk.open("blobs/a").read(0, 1)).toEqual(Buffer.of(2));
  await put(first, "blobs/a", Uint8Array.of(1));
  expect(await disk.open("blobs/a").read(0, 1)).toEqual(Buffer.of(1));
  expect(await disk.list("blobs")).toEqual(["a"]);
});

test("a name that is removed is gone from all disks, and from the fastest last", async () => {
  const { first, hdd, disk } = setUp();
  await put(first, "blobs/a", Uint8Array.of(1));
  await put(hdd, "blobs/a", Uint8Array.of(2));
  first.crashAt(first.operationCount + 1);
  expect(() => disk.unlink("blobs/a")).toThrow("CRASHED");
  // The torn copy must not become the file.
  expect(() => hdd.open("blobs/a")).toThrow("ENOENT");
  expect(() => disk.unlink("blobs/none")).toThrow("CRASHED");
});

test("what a move left over is removed, and what lies on a slow disk alone is told", async () => {
  const { first, hdd, cold, disk } = setUp();
  await put(first, volumePath(1), header(5));
  await put(hdd, volumePath(1), header(5).subarray(0, 4_000));
  await put(cold, volumePath(2), header(5));
  await put(first, blobPath(7), Uint8Array.of(1));
  await put(cold, blobPath(7), Uint8Array.of(1));
  expect([...(await disk.settle(VOLUME_DIRECTORY))]).toEqual([["00000002.vol", "cold"]]);
  expect([...(await disk.settle(BLOB_DIRECTORY))]).toEqual([]);
  expect([await hdd.list(VOLUME_DIRECTORY), await cold.list(BLOB_DIRECTORY)]).toEqual([[], []]);
});

test("two volumes of one number that are not the same keep the store from starting, and both stay", async () => {
  const { first, hdd, disk } = setUp();
  await put(first, volumePath(1), header(5));
  await put(hdd, volumePath(1), header(6));
  await expect(disk.settle(VOLUME_DIRECTORY)).rejects.toMatchObject({ code: "CORRUPT" });
  expect(await hdd.list(VOLUME_DIRECTORY)).toEqual(["00000001.vol"]);
});

test.each([
  { path: "blobs/fast", outcome: undefined, why: "what is there is read" },
  { path: "blobs/slow", outcome: "TIER_MISSING", why: "what is nowhere may be on the disk that is not there" },
])("without a tier $path: $why", async ({ path, outcome }) => {
  const { first, tiers } = setUp();
  await put(first, "blobs/fast", Uint8Array.of(1));
  const disk = new TieredDisk(first, [
    { ...(tiers[0] as never as object), disk: undefined, missingBecause: "gone" } as never,
  ]);
  const open = async () => disk.open(path);
  if (outcome === undefined) await expect(open()).resolves.toBeDefined();
  else await expect(open()).rejects.toMatchObject({ code: outcome });
  await expect(disk.syncSlowNames(VOLUME_DIRECTORY)).resolves.toBe(false);
});

test("a slow disk that fails does not keep the room on the first one", async () => {
  const { first, hdd, disk } = setUp();
  await put(first, "blobs/a", Uint8Array.of(1));
  hdd.crash();
  expect(() => disk.unlink("blobs/a")).toThrow("CRASHED");
  expect(await first.list("blobs")).toEqual([]);
});

test.each([
  { who: "the process before", remove: (_: TieredDisk, hdd: SimDisk) => hdd.unlink("volumes/a") },
  { who: "a move from there", remove: (disk: TieredDisk) => disk.unlinkOn("hdd", "volumes/a") },
  { who: "a compaction", remove: (disk: TieredDisk) => disk.unlink("volumes/a") },
])("what $who removed from a slow disk does not come back behind a sync of names", async ({ who, remove }) => {
  const { hdd, disk: before, tiers } = setUp();
  await put(hdd, "volumes/a", Uint8Array.of(1));
  await before.syncSlowNames(VOLUME_DIRECTORY);
  await hdd.syncNames(VOLUME_DIRECTORY);
  let disk = before;
  remove(disk, hdd);
  if (who === "the process before") disk = new TieredDisk(new SimDisk(createRandom(9)), tiers);
  expect(await disk.syncSlowNames(VOLUME_DIRECTORY)).toBe(true);
  hdd.restart();
  expect(await hdd.list(VOLUME_DIRECTORY)).toEqual([]);
});
