import { createRandom } from "@kagami/clock";
import { expect, test } from "vitest";
import { ChangeReader } from "../src/storage/change-reader.ts";
import { VOLUME_DIRECTORY, volumePath } from "../src/storage/disk.ts";
import { writeEndMark } from "../src/storage/end-mark.ts";
import { volumeKey } from "../src/storage/index/keys.ts";
import { MemoryIndex } from "../src/storage/index/memory-index.ts";
import { startFollower, startShard } from "../src/storage/open-store.ts";
import type { ShardStore } from "../src/storage/shard-store.ts";
import { auditVolumes } from "./support/audit-volumes.ts";
import { putBody, readBody } from "./support/damaged-store.ts";
import { SimDisk } from "./support/sim-disk.ts";

const OPTIONS = { volumeBytes: 60_000, blobFromBytes: 30_000, cacheBytes: 0, reserveBytes: 1_000 };

async function start(disk: SimDisk, index: MemoryIndex): Promise<ShardStore> {
  return await startShard({ disk, index, storeId: "s", nowMs: () => 1_000, options: OPTIONS });
}

async function empty() {
  const disk = new SimDisk(createRandom(1));
  const index = new MemoryIndex();
  const store = await start(disk, index);
  await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
  return { disk, index, store };
}

async function lose(index: MemoryIndex): Promise<void> {
  await index.write([{ kind: "deleteRange", from: Uint8Array.of(0), to: Uint8Array.of(255) }]);
  await index.flush();
}

async function remove(store: ShardStore, key: string): Promise<void> {
  await store.delete({ bucket: "b", key, conditions: {} });
}

/** Seals what is written to, and compacts as long as that frees something; tombstones may go. */
async function compactAll(store: ShardStore): Promise<void> {
  for (const volume of store.state.volumes.all()) if (!volume.isSealed) store.state.seal(volume);
  for (let source = store.compactionCandidate(); source !== undefined; source = store.compactionCandidate()) {
    await store.compact(source, async () => undefined, Number.POSITIVE_INFINITY);
  }
  // As the next compaction would: what was removed does not come back.
  await store.state.disk.syncNames(VOLUME_DIRECTORY);
}

async function lastOf(store: ShardStore): Promise<number> {
  return (await new ChangeReader(store.state).read(0, Number.POSITIVE_INFINITY)).nextAfter;
}

test("a follower that missed a dropped tombstone is told so, also after the index was built anew", async () => {
  const { disk, index, store } = await empty();
  await putBody(store, "gone", new Uint8Array(20_000));
  const after = await lastOf(store);
  await remove(store, "gone");
  await putBody(store, "stays", new Uint8Array(100));
  await compactAll(store);
  await expect(new ChangeReader(store.state).read(after, 1)).rejects.toMatchObject({ code: "CHANGES_TRIMMED" });
  const last = await lastOf(store);
  await store.close();
  await lose(index);
  disk.restart();
  const again = await start(disk, index);
  const reader = new ChangeReader(again.state);
  await expect(reader.read(after, 1)).rejects.toMatchObject({ code: "CHANGES_TRIMMED" });
  // Who begins now goes on, however little it takes at a time.
  const { horizon, drops, nextAfter } = await reader.read(0, 1);
  expect(nextAfter).toBeLessThan(horizon);
  expect((await reader.read(nextAfter, 1, drops)).changes).toHaveLength(1);
  expect(await reader.read(last, 1)).toMatchObject({ changes: [], nextAfter: last });
  await putBody(again, "next", new Uint8Array(1));
  expect((await reader.read(last, 1)).changes).toHaveLength(1);
});

test("a machine that fails while the index is built anew forgets nothing of that", async () => {
  const { disk, index, store } = await empty();
  await putBody(store, "gone", new Uint8Array(20_000));
  const keys = Array.from({ length: 2_500 }, (_, i) => `k${i}`);
  await Promise.all(keys.map((key) => putBody(store, key, new Uint8Array(1))));
  const after = await lastOf(store);
  await remove(store, "gone");
  await putBody(store, "stays", new Uint8Array(1));
  const last = await lastOf(store);
  await store.close();
  await lose(index);
  disk.restart();
  const half = await start(disk, index);
  expect(index.unflushedCount).toBeGreaterThan(1);
  half.state.volumes.close();
  index.crash(1);
  disk.restart();
  const again = await start(disk, index);
  expect(again.recovery.replayedCount).toBeLessThan(keys.length);
  expect(again.state.horizon).toBe(last);
  const reader = new ChangeReader(again.state);
  await expect(reader.read(after, 1)).rejects.toMatchObject({ code: "CHANGES_TRIMMED" });
});

test("a sequence is never given twice, though the last record is a tombstone of nothing and the index is lost", async () => {
  const { disk, index, store } = await empty();
  await putBody(store, "stays", new Uint8Array(100));
  await putBody(store, "gone", new Uint8Array(20_000));
  await remove(store, "gone");
  const last = await lastOf(store);
  await compactAll(store);
  await store.close();
  await lose(index);
  disk.restart();
  const again = await start(disk, index);
  await putBody(again, "next", new Uint8Array(1));
  const { changes } = await new ChangeReader(again.state).read(last, Number.POSITIVE_INFINITY);
  expect(changes.map(({ head }) => Buffer.from(head.key).toString())).toEqual(["next"]);
});

test("the mark of a volume that is gone cuts no other one", async () => {
  const { disk, index, store } = await empty();
  const [first] = [...store.state.volumes.all()];
  await store.close();
  // The volume's removal was durable, its mark's was not.
  await writeEndMark(disk, first!.id + 1, 5_000);
  const again = await start(disk, index);
  for (let i = 0; i < 6; i++) await putBody(again, `k${i}`, new Uint8Array(20_000));
  expect(again.state.volumes.count).toBeGreaterThan(1);
  await again.close();
  await lose(index);
  const third = await start(disk, index);
  for (let i = 0; i < 6; i++) expect((await readBody(third, `k${i}`))?.length, `k${i}`).toBe(20_000);
});

test.each([
  { which: "written to", at: -1, why: "its records may go on behind what the index has" },
  { which: "full", at: 0, why: "it holds the bucket, tombstones, dead and living" },
])("a volume that is $which is kept by a start when only its row is lost: $why", async ({ at }) => {
  const { disk, index, store } = await empty();
  const bodies = new Map<string, Uint8Array>();
  for (let i = 0; i < 12; i++) {
    const body = new Uint8Array(9_000).fill(i);
    bodies.set(`k${i}`, body);
    await putBody(store, `k${i}`, body);
    if (i === 3) await remove(store, "k2");
  }
  bodies.delete("k2");
  await store.setTags("b", "k11", undefined, { a: "1" });
  const before = [...store.state.volumes.all()].at(at)!;
  await store.close();
  await index.write([{ kind: "delete", key: volumeKey(before.id) }]);
  await index.flush();
  disk.restart();
  const again = await start(disk, index);
  expect(again.recovery.restoredVolumes).toEqual([before.id]);
  expect(again.state.volumes.get(before.id)).toMatchObject({ ...before, isSealed: true });
  await putBody(again, "new", new Uint8Array(10));
  await auditVolumes(again.state);
  await again.close();
  disk.restart();
  const third = await start(disk, index);
  expect(third.recovery.restoredVolumes).toEqual([]);
  for (const [key, body] of bodies) expect((await readBody(third, key))?.equals(body), key).toBe(true);
  await auditVolumes(third.state);
});

test("a copy that was made when a tombstone was gone tells so whoever missed it, also after a start", async () => {
  const { store } = await empty();
  await putBody(store, "gone", new Uint8Array(20_000));
  const after = await lastOf(store);
  await remove(store, "gone");
  await putBody(store, "stays", new Uint8Array(100));
  await compactAll(store);
  const last = await lastOf(store);
  const disk = new SimDisk(createRandom(2));
  const parts = { disk, index: new MemoryIndex(), storeId: "s", nowMs: () => 1_000, options: OPTIONS };
  const batch = await new ChangeReader(store.state).read(0, Number.POSITIVE_INFINITY);
  for (const changes of [batch, undefined]) {
    const copy = await startFollower(parts);
    if (changes !== undefined) await copy.apply(changes, async () => undefined);
    const reader = new ChangeReader(copy.store.state);
    await expect(reader.read(after, 1)).rejects.toMatchObject({ code: "CHANGES_TRIMMED" });
    expect((await reader.read(last, 1)).changes).toEqual([]);
    await copy.close();
  }
});

test("a volume whose file could not be removed brings nothing back when the index is built anew", async () => {
  const { disk, index, store } = await empty();
  const keys = Array.from({ length: 10 }, (_, i) => `gone${i}`);
  for (const key of keys) await putBody(store, key, new Uint8Array(2_000));
  for (const volume of store.state.volumes.all()) store.state.seal(volume);
  // Most of their volume, so that it is compacted as well.
  for (const key of keys) await remove(store, key);
  await putBody(store, "stays", new Uint8Array(100));
  const unlink = disk.unlink.bind(disk);
  disk.unlink = (path) => {
    if (path === volumePath(1)) throw Object.assign(new Error("EIO: it cannot be removed"), { code: "EIO" });
    unlink(path);
  };
  await compactAll(store);
  disk.unlink = unlink;
  await store.close();
  await lose(index);
  const again = await start(disk, index);
  for (const key of keys) expect(await again.head("b", key)).toBeUndefined();
  expect((await again.head("b", "stays"))?.sizeBytes).toBe(100);
});

test("a compaction that fails leaves the others their turn, and is tried again after a minute", async () => {
  const disk = new SimDisk(createRandom(1));
  let nowMs = 1_000;
  const store = await startShard({
    disk,
    index: new MemoryIndex(),
    storeId: "s",
    nowMs: () => nowMs,
    options: OPTIONS,
  });
  await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
  for (const key of ["a", "b", "c", "d", "e", "f"]) await putBody(store, key, new Uint8Array(25_000));
  for (const key of ["a", "b", "c"]) await remove(store, key);
  for (const volume of store.state.volumes.all()) store.state.seal(volume);
  const first = store.compactionCandidate(0.3);
  if (first === undefined) return expect.unreachable();
  disk.faults = { syncError: 1 };
  await expect(store.compact(first, async () => undefined, 0)).rejects.toThrow();
  disk.faults = {};
  const next = store.compactionCandidate(0.3);
  expect(next?.id).not.toBe(first.id);
  expect(next).toBeDefined();
  nowMs += 60_000;
  expect(store.compactionCandidate(0.3)?.id).toBe(first.id);
});
