import { createRandom } from "@kagami/clock";
import { expect, test } from "vitest";
import { SimDisk } from "../../../test/support/sim-disk.ts";
import { type ObjectEntry, StoreError } from "../../store/object-store.ts";
import { ChangeReader } from "../change-reader.ts";
import { blobPath, volumePath } from "../disk.ts";
import { MemoryIndex } from "../index/memory-index.ts";
import { startShard } from "../open-store.ts";
import type { ShardStore } from "../shard-store.ts";
import type { TierRules } from "./record-tiers.ts";
import { DEFAULT_TIER_OPTIONS, type TierOptions, TierWork } from "./tier-work.ts";

const DAY = 86_400_000;
const NO_RULES: TierRules = { version: 1, youngestMs: undefined, dueOf: () => undefined };
/** What begins with "old" is due after a day. */
const OLD_RULES: TierRules = {
  version: 1,
  youngestMs: DAY,
  dueOf: (_bucket, { key, createdMs }, nowMs) => {
    const sinceMs = createdMs + DAY;
    if (!key.startsWith("old")) return undefined;
    return sinceMs <= nowMs ? { tier: "hdd", sinceMs, nextMs: undefined } : { tier: "", sinceMs, nextMs: sinceMs };
  },
};

async function setUp({ options, rules = NO_RULES }: { options?: Partial<TierOptions>; rules?: TierRules } = {}) {
  const [first, hdd] = [new SimDisk(createRandom(1)), new SimDisk(createRandom(2))];
  const time = { nowMs: 100 * DAY };
  const sizes = { volumeBytes: 20_000, blobFromBytes: 15_000, reserveBytes: 100 };
  const tiers = [{ name: "hdd", storageClass: "GLACIER_IR", disk: hdd, missingBecause: undefined }];
  const index = new MemoryIndex();
  const parts = { disk: first, index, storeId: "s", nowMs: () => time.nowMs, options: sizes, tiers };
  const store = await startShard(parts);
  await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
  const work = new TierWork({
    store,
    rules,
    options: { ...DEFAULT_TIER_OPTIONS, ...options },
    nowMs: () => time.nowMs,
  });
  const step = () => work.step(async () => undefined, 0);
  const all = async () => {
    const kinds: string[] = [];
    for (let event = await step(); event !== undefined; event = await step()) kinds.push(event.kind);
    return kinds;
  };
  return { first, hdd, index, time, store, work, step, all };
}

async function put(store: ShardStore, key: string, size = 1_000, storageClass?: string): Promise<void> {
  const metadata = { user: {}, tags: {}, ...(storageClass === undefined ? {} : { storageClass }) };
  const writer = store.put({ bucket: "b", key, metadata, retention: undefined, conditions: {} }, size);
  try {
    await writer.write(new Uint8Array(size).fill(key.length));
    await writer.commit({ etag: "e", checksum: undefined });
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function read(store: ShardStore, key: string): Promise<{ entry: ObjectEntry | undefined; bytes: number }> {
  const opened = await store.open("b", key);
  let bytes = 0;
  for await (const piece of opened?.read(0, opened.entry.sizeBytes) ?? []) {
    if (piece.some((byte) => byte !== key.length)) throw new Error(`"${key}" has other bytes`);
    bytes += piece.length;
  }
  opened?.close();
  return { entry: opened?.entry, bytes };
}

const classOf = async (store: ShardStore, key: string) => (await read(store, key)).entry?.metadata.storageClass;

test("a large body that is put for a slow tier is written to its disk at once", async () => {
  const { first, hdd, store } = await setUp();
  await put(store, "large", 16_000, "GLACIER_IR");
  expect([await first.list("blobs"), (await hdd.list("blobs")).length]).toEqual([[], 1]);
  expect(await read(store, "large")).toMatchObject({
    bytes: 16_000,
    entry: { metadata: { storageClass: "GLACIER_IR" } },
  });
});

test("small objects for a slow tier gather on the first disk for an hour, and their volume moves as it is", async () => {
  const { hdd, time, store, all, work } = await setUp();
  await put(store, "a", 1_000, "GLACIER_IR");
  await put(store, "b", 1_000, "GLACIER_IR");
  await put(store, "c");
  expect(await all()).toEqual([]);
  expect(work.status()[0]).toMatchObject({ pendingVolumes: 1, volumes: 0 });
  time.nowMs += 3_600_000;
  expect(await all()).toEqual(["moved"]);
  expect((await hdd.list("volumes")).length).toBe(1);
  expect(work.status()[0]).toMatchObject({ pendingVolumes: 0, volumes: 1, movedVolumes: 1 });
  for (const key of ["a", "b", "c"]) expect((await read(store, key)).bytes).toBe(1_000);
  expect([await classOf(store, "a"), await classOf(store, "c")]).toEqual(["GLACIER_IR", undefined]);
});

test("a volume all of whose objects are due moves whole; its objects show their new class from then on", async () => {
  const { first, time, store, all } = await setUp({ rules: OLD_RULES });
  for (let i = 0; i < 25; i++) await put(store, `old${i}`);
  await put(store, "old-large", 16_000);
  for (let i = 0; i < 20; i++) await put(store, `old+${i}`);
  expect(await classOf(store, "old0")).toBeUndefined();
  time.nowMs += DAY;
  expect(new Set(await all())).toEqual(new Set(["assigned", "moved"]));
  expect([await first.list("blobs"), (await first.list("volumes")).length]).toEqual([[], 1]);
  for (let i = 0; i < 25; i++) expect((await read(store, `old${i}`)).bytes).toBe(1_000);
  expect((await read(store, "old-large")).bytes).toBe(16_000);
  expect(await classOf(store, "old0")).toBe("GLACIER_IR");
  const listed = await store.list({
    bucket: "b",
    prefix: "old0",
    delimiter: "",
    startAfter: "",
    maxKeys: 1,
    versions: false,
  });
  expect(listed.entries[0]?.metadata.storageClass).toBe("GLACIER_IR");
});

test("a mixed volume is divided: what is due goes, what is not stays", async () => {
  const { time, store, all } = await setUp({ rules: OLD_RULES });
  for (let i = 0; i < 25; i++) await put(store, i % 2 === 0 ? `old${i}` : `new${i}`);
  time.nowMs += DAY;
  expect(await all()).toEqual(["divided", "moved"]);
  expect([await classOf(store, "old0"), await classOf(store, "new1")]).toEqual(["GLACIER_IR", undefined]);
  for (let i = 0; i < 25; i++) expect((await read(store, i % 2 === 0 ? `old${i}` : `new${i}`)).bytes).toBe(1_000);
});

test("a part of a completed upload goes with its object", async () => {
  const { hdd, time, store, all } = await setUp({ rules: OLD_RULES });
  const rest = { checksumAlgorithm: undefined, checksumType: undefined, owner: "o", retention: undefined };
  const name = { bucket: "b", key: "old-parts" };
  const { uploadId } = await store.createUpload({ ...name, metadata: { user: {}, tags: {} }, ...rest });
  for (const partNumber of [1, 2]) {
    const writer = store.putPart({ ...name, uploadId, partNumber }, 9_000);
    await writer.write(new Uint8Array(9_000).fill(9));
    await writer.commit({ etag: "e", checksum: undefined });
  }
  const parts = [1, 2].map((partNumber) => ({ partNumber, etag: "e" }));
  await store.completeUpload({ ...name, uploadId, parts, conditions: {}, checksum: undefined, minPartBytes: 0 });
  for (let i = 0; i < 20; i++) await put(store, `new${i}`);
  time.nowMs += DAY;
  expect(await all()).toContain("moved");
  expect((await hdd.list("volumes")).length).toBeGreaterThan(0);
  const inFast = [...store.state.volumes.all()].filter(({ place }) => place === "");
  expect(inFast.reduce((sum, { endOffset, deadBytes }) => sum + endOffset - deadBytes, 0)).toBeLessThan(40_000);
  expect((await read(store, "old-parts")).bytes).toBe(18_000);
});

test("a volume to which nothing was written for long enough goes as a whole, the one that is written to included", async () => {
  const { first, time, store, all } = await setUp({ options: { coldAfterMs: DAY, coldTier: "hdd" } });
  for (let i = 0; i < 25; i++) await put(store, `k${i}`);
  time.nowMs += DAY / 2;
  await put(store, "young");
  time.nowMs += DAY / 2;
  expect(await all()).toEqual(["assigned", "moved"]);
  expect((await first.list("volumes")).length).toBe(1);
  time.nowMs += DAY;
  expect(await all()).toEqual(["assigned", "moved"]);
  expect(await first.list("volumes")).toEqual([]);
});

test.each([
  {
    what: "full",
    break: (hdd: SimDisk) => Object.assign(hdd, { capacityBytes: 5_000 }),
    heal: { capacityBytes: Number.POSITIVE_INFINITY },
  },
  { what: "failing", break: (hdd: SimDisk) => Object.assign(hdd, { faults: { syncError: 1 } }), heal: { faults: {} } },
])(
  "a slow disk that is $what stops moves and tells why; writes go on, and the move is done when it is well again",
  async ({ what, break: breakIt, heal }) => {
    const { hdd, time, store, step, all, work } = await setUp();
    for (let i = 0; i < 10; i++) await put(store, `k${i}`, 1_000, "GLACIER_IR");
    time.nowMs += 3_600_000;
    breakIt(hdd);
    await expect(step()).rejects.toThrow();
    expect(work.status()[0]).toMatchObject({ state: what, failedMoves: 1, pendingVolumes: 1 });
    expect(await step()).toBeUndefined();
    await put(store, "more");
    expect((await read(store, "k0")).bytes).toBe(1_000);
    Object.assign(hdd, heal);
    time.nowMs += 10_000;
    expect(await all()).toEqual(["moved"]);
    expect(work.status()[0]).toMatchObject({ state: "ok", pendingVolumes: 0 });
  },
);

test("a large body for a tier that is full is refused, and small ones are not", async () => {
  const { hdd, store } = await setUp();
  hdd.capacityBytes = 1_000;
  await expect(put(store, "large", 16_000, "GLACIER_IR")).rejects.toMatchObject({ code: "DISK_FULL" });
  await put(store, "small", 1_000, "GLACIER_IR");
  expect(await store.head("b", "large")).toBeUndefined();
});

test("a move asks both disks for what it reads, writes and reads back, before it does so", async () => {
  const { time, store, work } = await setUp({ options: { coldAfterMs: DAY, coldTier: "hdd" } });
  await put(store, "large", 200_000);
  time.nowMs += DAY;
  const asked = new Map<string, number>();
  const take = async (place: string, bytes: number): Promise<void> => {
    asked.set(place, (asked.get(place) ?? 0) + bytes);
  };
  expect((await work.step(take, 0))?.kind).toBe("assigned");
  const event = await work.step(take, 0);
  const movedBytes = event?.kind === "moved" ? event.report.movedBytes : 0;
  expect(movedBytes).toBeGreaterThan(204_000);
  // The volume is looked through for large bodies first.
  expect(asked.get("")).toBeGreaterThanOrEqual(movedBytes);
  expect(asked.get("hdd")).toBeGreaterThanOrEqual(2 * 200_000);
});

test("a move that is refused by the closing store leaves the volume where it is, and blames nobody", async () => {
  const { hdd, time, store, work } = await setUp({ options: { coldAfterMs: DAY, coldTier: "hdd" } });
  await put(store, "k", 14_000);
  time.nowMs += DAY;
  await work.step(async () => undefined, 0);
  const refuse = () => Promise.reject(new StoreError("CLOSED", "Cannot go on: the store is closing"));
  await expect(work.step(refuse, 0)).rejects.toMatchObject({ code: "CLOSED" });
  expect(work.status()[0]).toMatchObject({ state: "ok", failedMoves: 0, pendingVolumes: 1 });
  expect(await hdd.list("volumes")).toEqual([]);
});

test("the mark of where a sealed volume ends outlives its move: a replay that was cut short relies on it", async () => {
  const { first, hdd, time, store, all } = await setUp();
  for (let i = 0; i < 5; i++) await put(store, `k${i}`, 1_000, "GLACIER_IR");
  const volume = [...store.state.volumes.all()].find(({ tier }) => tier === "hdd");
  if (volume === undefined) throw new Error("There is no volume for the slow tier");
  store.state.seal(volume);
  await store.state.markEnd(volume);
  time.nowMs += 3_600_000;
  expect(await all()).toEqual(["moved"]);
  expect(await first.list("volumes")).toContain("00000002.end");
  expect(await hdd.list("volumes")).toEqual(["00000002.vol"]);
  for (let i = 0; i < 5; i++) expect((await read(store, `k${i}`)).bytes).toBe(1_000);
});

test("a volume that a commit under way still fills is not moved before it has all", async () => {
  const { time, store, work, all } = await setUp();
  for (let i = 0; i < 5; i++) await put(store, `k${i}`, 1_000, "GLACIER_IR");
  const volume = [...store.state.volumes.all()].find(({ tier }) => tier === "hdd");
  if (volume === undefined) throw new Error("There is no volume for the slow tier");
  time.nowMs += 3_600_000;
  let isGrown = false;
  // The commit ends while the move has copied what was there when it began: here the volume is full only then.
  const grow = async (): Promise<void> => {
    if (isGrown) return;
    isGrown = true;
    volume.isSealed = false;
    store.state.resume(volume);
    await put(store, "late", 1_000, "GLACIER_IR");
    store.state.retire(volume);
  };
  expect(await work.step(grow, 0)).toBeUndefined();
  expect(volume.place).toBe("");
  expect(await all()).toEqual(["moved"]);
  for (const key of ["k0", "late"]) expect((await read(store, key)).bytes).toBe(1_000);
});

test("a damaged volume is not moved, and the tier is not blamed for it", async () => {
  const { first, hdd, time, store, step, work } = await setUp();
  for (let i = 0; i < 10; i++) await put(store, `k${i}`, 1_000, "GLACIER_IR");
  time.nowMs += 3_600_000;
  const id = [...store.state.volumes.all()].find(({ tier }) => tier === "hdd")?.id ?? 0;
  first.damage(volumePath(id), 6_000);
  await expect(step()).rejects.toMatchObject({ code: "CORRUPT" });
  expect(await step()).toBeUndefined();
  expect(work.status()[0]).toMatchObject({ state: "ok", failedMoves: 1 });
  expect([await hdd.list("volumes"), (await first.list("volumes")).length]).toEqual([[], 2]);
});

test("a damaged large body keeps its volume where it is", async () => {
  const { first, hdd, time, store, step } = await setUp({ options: { coldAfterMs: DAY, coldTier: "hdd" } });
  await put(store, "large", 16_000);
  time.nowMs += DAY;
  first.damage(blobPath(1), 9_000);
  await step();
  await expect(step()).rejects.toMatchObject({ code: "CORRUPT" });
  expect([await hdd.list("volumes"), await hdd.list("blobs")]).toEqual([[], []]);
});

test("an object that is being read stays whole while its volume and its body move", async () => {
  const { time, store, all } = await setUp({ options: { coldAfterMs: DAY, coldTier: "hdd" } });
  await put(store, "large", 200_000);
  await put(store, "x", 14_000);
  const [large, small] = [await store.open("b", "large"), await store.open("b", "x")];
  const reading = large?.read(0, 200_000)[Symbol.asyncIterator]();
  const begun = (await reading?.next())?.value as Uint8Array;
  time.nowMs += DAY;
  expect(await all()).toContain("moved");
  let bytes = begun.length;
  for (let piece = await reading?.next(); piece?.done === false; piece = await reading?.next()) {
    bytes += (piece.value as Uint8Array).length;
  }
  expect(bytes).toBe(200_000);
  for await (const piece of small?.read(0, 14_000) ?? []) bytes += piece.length;
  expect(bytes).toBe(214_000);
  large?.close();
  small?.close();
});

test("the change stream stops at a volume whose disk is away, and passes over nothing", async () => {
  const { first, time, store, all, index } = await setUp();
  for (let i = 0; i < 10; i++) await put(store, `k${i}`, 1_000, "GLACIER_IR");
  time.nowMs += 3_600_000;
  expect(await all()).toEqual(["moved"]);
  const whole = await new ChangeReader(store.state).read(0, 1_000_000);
  const gone = { name: "hdd", storageClass: "GLACIER_IR", disk: undefined, missingBecause: "not mounted" };
  const parts = { disk: first, index, storeId: "s", nowMs: () => time.nowMs, options: {} };
  const away = await startShard({ ...parts, tiers: [gone] });
  await expect(new ChangeReader(away.state).read(0, 1_000_000)).rejects.toMatchObject({ code: "TIER_MISSING" });
  expect(whole.changes.length).toBeGreaterThan(10);
  // What lies behind it is had by who has it already.
  await put(away, "later");
  const later = await new ChangeReader(away.state).read(whole.nextAfter, 1_000_000);
  expect(later.changes.map(({ head }) => Buffer.from(head.key).toString())).toEqual(["later"]);
});

test("a start without the disk to which a volume has just gone misses nothing, though the index loses what it can", async () => {
  const { first, hdd, index, time, store, all } = await setUp();
  await index.flush();
  await put(store, "moved", 1_000, "GLACIER_IR");
  time.nowMs += 3_600_000;
  expect(await all()).toEqual(["moved"]);
  first.restart();
  hdd.restart();
  index.crash(0);
  const hddTier = { name: "hdd", storageClass: "GLACIER_IR", disk: hdd, missingBecause: undefined };
  const parts = { disk: first, index, storeId: "s", nowMs: () => time.nowMs, options: {} };
  const away = await startShard({
    ...parts,
    tiers: [{ ...hddTier, disk: undefined, missingBecause: "gone" } as never],
  });
  expect((await away.head("b", "moved"))?.sizeBytes).toBe(1_000);
  await put(away, "later");
  const whole = await startShard({ ...parts, tiers: [hddTier] });
  for (const key of ["moved", "later"]) expect((await read(whole, key)).bytes).toBe(1_000);
});

test("a store whose index is lost does not start without a tier, since numbers would be given twice", async () => {
  const { first, hdd } = await setUp();
  const options = { disk: first, storeId: "s", nowMs: () => 1, options: {} };
  const gone = { name: "hdd", storageClass: "GLACIER_IR", disk: undefined, missingBecause: "not mounted" };
  const starting = startShard({ ...options, index: new MemoryIndex(), tiers: [gone] });
  await expect(starting).rejects.toMatchObject({ code: "TIER_MISSING" });
  const there = { ...gone, disk: hdd, missingBecause: undefined };
  await expect(startShard({ ...options, index: new MemoryIndex(), tiers: [there] })).resolves.toBeDefined();
});
