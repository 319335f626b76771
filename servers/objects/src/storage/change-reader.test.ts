import { createRandom } from "@kagami/clock";
import { expect, test, vi } from "vitest";
import { putBody } from "../../test/support/damaged-store.ts";
import { SimDisk } from "../../test/support/sim-disk.ts";
import { VOLUME_HEADER_BYTES } from "../protocol/volume/index.ts";
import { ChangeReader } from "./change-reader.ts";
import { volumePath } from "./disk.ts";
import { MemoryIndex } from "./index/memory-index.ts";
import { jsonBytes } from "./object-json.ts";
import { startShard } from "./open-store.ts";

test.each([
  { after: 2, isTold: true, why: "what it hides may be what is asked for" },
  { after: 4, isTold: false, why: "the follower has what stands behind it, and so what it hides" },
])("a head that is damaged is told to a follower at $after: $isTold, $why", async ({ after, isTold }) => {
  const disk = new SimDisk(createRandom(1));
  const parts = { disk, index: new MemoryIndex(), storeId: "s", nowMs: () => 1_000, options: { reserveBytes: 0 } };
  const store = await startShard(parts);
  await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
  const ends: number[] = [];
  for (const key of ["k2", "k3", "k4", "k5"]) {
    await putBody(store, key, Buffer.from(key));
    ends.push(store.state.volumes.get(1)?.endOffset ?? VOLUME_HEADER_BYTES);
  }
  const whole = await new ChangeReader(store.state).read(0, 1_000_000);
  expect(whole.changes.map(({ head }) => head.sequence)).toEqual([1, 2, 3, 4, 5]);
  // In the head of the record of k3, which begins where that of k2 ends.
  disk.damage(volumePath(1), (ends[0] ?? 0) + 30);
  const batch = await new ChangeReader(store.state).read(after, 1_000_000);
  expect(batch.damagedBytes > 0).toBe(isTold);
  expect(batch.changes.at(-1)?.head.sequence).toBe(5);
});

test("a tombstone behind where a copy stands is missed, however old, and one that it has passed is not", async () => {
  const parts = {
    ...{ disk: new SimDisk(createRandom(1)), index: new MemoryIndex(), storeId: "s", nowMs: () => 1_000 },
    options: { reserveBytes: 0 },
  };
  const store = await startShard(parts);
  const { state } = store;
  await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
  for (let i = 0; i < 20; i++) await putBody(store, `k${i}`, Buffer.from("body"));
  state.raiseHorizon(15);
  const reader = new ChangeReader(state);
  const { nextAfter, drops } = await reader.read(0, 1_000);
  expect(nextAfter).toBeGreaterThan(2);
  expect(nextAfter).toBeLessThan(15);
  expect((await reader.read(nextAfter, 1_000, drops)).changes[0]?.head.sequence).toBe(nextAfter + 1);
  // Below the horizon that it began with: it would have gone unseen by that alone.
  state.raiseHorizon(nextAfter);
  const { drops: later } = await reader.read(nextAfter, 1_000, drops);
  state.raiseHorizon(nextAfter + 1);
  await expect(reader.read(nextAfter, 1_000, later)).rejects.toMatchObject({ code: "CHANGES_TRIMMED" });
  expect((await reader.read(15, 1_000)).isEnd).toBe(true);
});

test("of a store of a version before drops had numbers, who stands before the horizon begins anew", async () => {
  const parts = {
    ...{ disk: new SimDisk(createRandom(1)), index: new MemoryIndex(), storeId: "s", nowMs: () => 1_000 },
    options: { reserveBytes: 0 },
  };
  const { state } = await startShard(parts);
  state.load(jsonBytes({ applied: 20, horizon: 15, nextBucketId: 2, nextGroupId: 1, nextBlobId: 1 }));
  await expect(new ChangeReader(state).read(5, 1_000)).rejects.toMatchObject({ code: "CHANGES_TRIMMED" });
});

test("what a follower has already of a volume takes no memory when it comes back", async () => {
  const disk = new SimDisk(createRandom(1));
  const parts = { disk, index: new MemoryIndex(), storeId: "s", nowMs: () => 1_000, options: { reserveBytes: 0 } };
  const store = await startShard(parts);
  await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
  for (let i = 0; i < 40; i++) await putBody(store, `k${i}`, new Uint8Array(60_000));
  const { nextAfter } = await new ChangeReader(store.state).read(0, 10_000_000);
  const allocate = vi.spyOn(Buffer, "allocUnsafeSlow");
  const { changes } = await new ChangeReader(store.state).read(nextAfter - 1, 10_000_000);
  const bytes = allocate.mock.calls.reduce((sum, [size]) => sum + size, 0);
  allocate.mockRestore();
  expect(changes).toHaveLength(1);
  // A window of a MiB, and a slab for the one body.
  expect(bytes).toBeLessThanOrEqual(1_048_576 + 262_144);
});
