import { createRandom, FakeClock } from "@kagami/clock";
import { eventually } from "@kagami/testkit";
import { expect, test } from "vitest";
import { SimDisk } from "../../test/support/sim-disk.ts";
import { volumePath } from "./disk.ts";
import { MemoryIndex } from "./index/memory-index.ts";
import { Maintenance, type MaintenanceEvent } from "./maintenance.ts";
import { startShard } from "./open-store.ts";
import type { ShardStore } from "./shard-store.ts";

const HOUR_MS = 3_600_000;
const OPTIONS = {
  isReplica: false,
  bytesPerSecond: 10_000_000,
  targetP99Ms: 1_000_000,
  scrubIntervalMs: HOUR_MS,
  tombstoneKeepMs: 0,
  sweepIntervalMs: HOUR_MS,
  minDeadPart: 0.5,
};

async function setUp(options: Partial<typeof OPTIONS> = {}) {
  const clock = new FakeClock();
  const disk = new SimDisk(createRandom(1));
  const sizes = { volumeBytes: 20_000, blobFromBytes: 15_000, reserveBytes: 0, cacheBytes: 0 };
  const parts = { disk, index: new MemoryIndex(), storeId: "s", nowMs: () => clock.wallMs(), options: sizes };
  const store = await startShard(parts);
  await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
  const events: MaintenanceEvent[] = [];
  const maintenance = new Maintenance(store, clock, { ...OPTIONS, ...options }, (event) => events.push(event));
  const ofKind = (kind: MaintenanceEvent["kind"]) => events.filter((event) => event.kind === kind);
  /** Lets time pass until something has happened. */
  const until = (what: () => unknown) =>
    eventually(
      () => {
        clock.advance(1_000);
        return what();
      },
      { intervalMs: 1 },
    );
  return { clock, disk, store, maintenance, events, ofKind, until };
}

async function put(store: ShardStore, key: string, size = 1_000, expiresMs = 0): Promise<void> {
  const retention = expiresMs === 0 ? undefined : { expiresMs, ruleKey: "r", retentionMs: HOUR_MS };
  const request = { bucket: "b", key, metadata: { user: {}, tags: {} }, retention, conditions: {} };
  const writer = store.put(request, size);
  await writer.write(new Uint8Array(size).fill(7));
  await writer.commit({ etag: "e", checksum: undefined });
}

test("overwritten and deleted objects give their room back, and what is left is read as before", async () => {
  const { disk, store, maintenance, ofKind, until } = await setUp();
  for (let i = 0; i < 100; i++) await put(store, `k${i % 10}`);
  await put(store, "fill", 14_000);
  const before = disk.usedBytes();
  await until(() => ofKind("compacted").length >= 4 && store.compactionCandidate() === undefined);
  expect(disk.usedBytes()).toBeLessThan(0.5 * before);
  for (let i = 0; i < 10; i++) {
    const opened = await store.open("b", `k${i}`);
    expect(opened?.inMemory?.length).toBe(1_000);
  }
  await maintenance.close();
});

test("all sealed volumes are scrubbed soon when that is asked for, and then not before the interval is over", async () => {
  const { store, maintenance, ofKind, until } = await setUp({ scrubIntervalMs: 1_000 * HOUR_MS });
  for (let i = 0; i < 60; i++) await put(store, `k${i}`);
  const sealed = [...store.state.volumes.all()].filter(({ isSealed }) => isSealed);
  expect(sealed.length).toBeGreaterThan(1);
  expect(maintenance.scrubSoon()).toBe(sealed.length);
  await until(() => ofKind("scrubbed").length === sealed.length);
  await until(() => store.compactionCandidate() === undefined);
  expect(ofKind("scrubbed")).toHaveLength(sealed.length);
  await maintenance.close();
});

test("an object that is being read stays whole while its volume is compacted away", async () => {
  const { store, maintenance, ofKind, until } = await setUp();
  await put(store, "read", 70_000 / 5);
  for (let i = 0; i < 40; i++) await put(store, `k${i % 2}`);
  await store.createBucket({ name: "large", owner: "o", nowMs: 1 });
  const opened = await store.open("b", "read");
  await store.delete({ bucket: "b", key: "read", conditions: {} });
  await until(() => ofKind("compacted").length > 0);
  let bytes = 0;
  for await (const piece of opened?.read(0, 14_000) ?? []) bytes += piece.length;
  expect(bytes).toBe(14_000);
  opened?.close();
  await maintenance.close();
});

test("groups end by themselves when their time has passed", async () => {
  const { clock, store, maintenance, ofKind, until } = await setUp();
  await put(store, "k", 1_000, clock.wallMs() + HOUR_MS);
  clock.advance(2 * HOUR_MS);
  await until(() => ofKind("groups-expired").length > 0);
  expect([...store.state.catalog.groups()]).toEqual([]);
  await maintenance.close();
});

test("what expires outside of the groups, since its rule had too many, is removed one by one", async () => {
  const { clock, store, maintenance, ofKind, until } = await setUp({ sweepIntervalMs: 10_000 });
  const epochMs = 600_000;
  for (let i = 1; i <= 19; i++) await put(store, `k${i}`, 1_000, clock.wallMs() + i * epochMs);
  expect([...store.state.catalog.groups()]).toHaveLength(17);
  clock.advance(18.5 * epochMs);
  await until(() => ofKind("swept").length > 0);
  expect(ofKind("swept")).toEqual([{ kind: "swept", count: 1 }]);
  const request = { bucket: "b", prefix: "", delimiter: "", startAfter: "", maxKeys: 9, versions: false };
  expect((await store.list(request)).entries.map(({ key }) => key)).toEqual(["k19"]);
  await maintenance.close();
});

test.each([
  { minDeadPart: 0.25, isCompacted: true, why: "a third is more than a fourth" },
  { minDeadPart: 0.5, isCompacted: false, why: "a third is less than half" },
])("a volume a third of which is dead, with $minDeadPart: $why", async ({ minDeadPart, isCompacted }) => {
  const { store, maintenance, clock, ofKind, until } = await setUp({ minDeadPart });
  for (let i = 0; i < 12; i++) await put(store, `k${i}`);
  for (let i = 0; i < 5; i++) await put(store, `k${i}`);
  await put(store, "fill", 14_000);
  if (isCompacted) await until(() => ofKind("compacted").length > 0);
  else {
    for (let second = 0; second < 30; second++) {
      clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(ofKind("compacted")).toEqual([]);
  }
  expect(store.compactionCandidate()).toBeUndefined();
  await maintenance.close();
});

test("a scrub reports damaged records and damaged large bodies, and damages nothing itself", async () => {
  const { disk, store, maintenance, ofKind, until } = await setUp({ scrubIntervalMs: 60_000 });
  await put(store, "a");
  await put(store, "large", 16_000);
  for (let i = 0; i < 20; i++) await put(store, `k${i}`);
  const [volume] = [...store.state.volumes.all()];
  disk.damage(volumePath(volume!.id), 4_096 + 400);
  disk.damage((await disk.list("blobs")).map((name) => `blobs/${name}`)[0]!, 9_999);
  await until(() => ofKind("scrubbed").length > 0);
  expect(ofKind("scrubbed")[0]).toMatchObject({
    report: { volumeId: volume!.id, damaged: [{ start: expect.any(Number) }], damagedBlobs: [1] },
  });
  await maintenance.close();
});

test("a damaged volume is not compacted: what can still be read of it would go with the rest", async () => {
  const { disk, store, maintenance, ofKind, until } = await setUp({ scrubIntervalMs: 10 * HOUR_MS });
  for (let i = 0; i < 40; i++) await put(store, `k${i % 2}`);
  const source = store.compactionCandidate();
  disk.damage(volumePath(source!.id), 4_096 + 400);
  await until(() => store.compactionCandidate() === undefined);
  expect(store.state.volumes.get(source!.id)).toBeDefined();
  expect(ofKind("failed")).toEqual([]);
  await maintenance.close();
});

test("the work of a second stays inside the budget, and closing does not wait for it", async () => {
  const { clock, store, maintenance } = await setUp({ bytesPerSecond: 1_000 });
  for (let i = 0; i < 100; i++) await put(store, `k${i % 10}`);
  const volumeCount = store.state.volumes.count;
  for (let second = 0; second < 5; second++) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // The first volume goes on credit, and takes nearly 20 seconds to pay off.
  expect(store.state.volumes.count).toBeGreaterThanOrEqual(volumeCount - 1);
  expect(store.compactionCandidate()).toBeDefined();
  await maintenance.close();
});
