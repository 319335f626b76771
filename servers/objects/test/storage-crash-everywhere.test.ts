import { createRandom } from "@kagami/clock";
import { expect, test } from "vitest";
import { MemoryIndex } from "../src/storage/index/memory-index.ts";
import { startShard } from "../src/storage/open-store.ts";
import type { ShardStore } from "../src/storage/shard-store.ts";
import { auditVolumes } from "./support/audit-volumes.ts";
import { SimDisk } from "./support/sim-disk.ts";

const OPTIONS = { volumeBytes: 9_000, blobFromBytes: 3_000, cacheBytes: 0, reserveBytes: 0 };
const METADATA = { user: {}, tags: {} };
const HOUR_MS = 3_600_000;
const now = { ms: 1_700_000_000_000 };

async function put(store: ShardStore, key: string, size: number, text: string, isShortLived = false): Promise<void> {
  const retention = { expiresMs: now.ms + HOUR_MS, ruleKey: "r", retentionMs: HOUR_MS };
  const request = {
    bucket: "b",
    key,
    metadata: METADATA,
    retention: isShortLived ? retention : undefined,
    conditions: {},
  };
  const writer = store.put(request, size);
  await writer.write(Buffer.alloc(size, text));
  await writer.commit({ etag: text, checksum: undefined });
}

const upload = { id: "" };

/** Each does one thing that is there or not. */
const STEPS: readonly ((store: ShardStore) => Promise<unknown>)[] = [
  (store) => store.createBucket({ name: "b", owner: "o", nowMs: 1 }),
  (store) => put(store, "a", 1_000, "1"),
  (store) => put(store, "large", 5_000, "2"),
  (store) => put(store, "a", 1_500, "3"),
  (store) => put(store, "a", 700, "4", true),
  (store) => put(store, "large", 4_000, "5", true),
  (store) => put(store, "b", 2_500, "6"),
  (store) => store.setTags("b", "b", undefined, { tag: "7" }),
  async (store) => {
    const rest = { checksumAlgorithm: undefined, checksumType: undefined, owner: "o", retention: undefined };
    upload.id = (await store.createUpload({ bucket: "b", key: "parts", metadata: METADATA, ...rest })).uploadId;
  },
  async (store) => {
    const writer = store.putPart({ bucket: "b", key: "parts", uploadId: upload.id, partNumber: 1 }, 4_000);
    await writer.write(Buffer.alloc(4_000, "8"));
    await writer.commit({ etag: "8", checksum: undefined });
  },
  (store) =>
    store.completeUpload({
      bucket: "b",
      key: "parts",
      uploadId: upload.id,
      parts: [{ partNumber: 1, etag: "8" }],
      conditions: {},
      checksum: undefined,
      minPartBytes: 0,
    }),
  (store) => store.delete({ bucket: "b", key: "b", conditions: {} }),
  (store) => put(store, "c", 2_000, "9"),
  (store) => put(store, "c", 2_000, "A"),
  async (store) => {
    for (let source = store.compactionCandidate(); source !== undefined; source = store.compactionCandidate()) {
      await store.compact(source, async () => undefined, Number.POSITIVE_INFINITY);
    }
  },
  (store) => store.updateBucket("b", { versioning: "enabled" }),
  (store) => put(store, "c", 100, "B"),
  (store) => store.delete({ bucket: "b", key: "parts", conditions: {} }),
  async (store) => {
    now.ms += 2 * HOUR_MS;
    await store.expireGroups();
  },
];

async function describe(store: ShardStore): Promise<string> {
  if (store.bucket("b") === undefined) return "no bucket";
  const all: unknown[] = [store.bucket("b")?.versioning];
  const request = { bucket: "b", prefix: "", delimiter: "", startAfter: "", maxKeys: 100, versions: true };
  for (const { key, versionId, sizeBytes, metadata, isDeleteMarker } of (await store.list(request)).entries) {
    const opened = await store.open("b", key, versionId);
    let body = "";
    for await (const bytes of opened?.read(0, sizeBytes) ?? []) body += Buffer.from(bytes).toString();
    opened?.close();
    all.push([key, isDeleteMarker, body, metadata.tags]);
  }
  return JSON.stringify(all);
}

async function start(disk: SimDisk, index: MemoryIndex): Promise<ShardStore> {
  return await startShard({ disk, index, storeId: "s", nowMs: () => now.ms, options: OPTIONS });
}

/** Runs the steps until the disk fails; what was there after each, and the step that failed. */
async function runSteps(disk: SimDisk, store: ShardStore): Promise<{ states: string[]; failedAt: number | undefined }> {
  now.ms = 1_700_000_000_000;
  const states = [await describe(store)];
  for (const [i, step] of STEPS.entries()) {
    try {
      await step(store);
      states.push(await describe(store));
    } catch (error) {
      if (!disk.isDown) throw error;
      return { states, failedAt: i };
    }
  }
  return { states, failedAt: undefined };
}

test("a crash at any operation of the disk leaves what was there before the step or after it", async () => {
  const wholeDisk = new SimDisk(createRandom(0));
  const whole = await runSteps(wholeDisk, await start(wholeDisk, new MemoryIndex()));
  expect(whole.failedAt).toBeUndefined();
  let crashCount = 0;
  for (let operation = 2; operation <= wholeDisk.operationCount; operation++) {
    const random = createRandom(operation);
    const disk = new SimDisk(random.fork("disk"));
    const index = new MemoryIndex();
    const store = await start(disk, index);
    disk.crashAt(operation);
    const { failedAt } = await runSteps(disk, store);
    if (!disk.isDown) continue;
    crashCount++;
    index.crash(random.int(0, index.unflushedCount));
    disk.restart();
    const again = await start(disk, index);
    const found = await describe(again);
    const at = failedAt ?? STEPS.length - 1;
    // Expired by the clock, whether the step that unlinks it was done or not.
    const allowed = [whole.states[at], whole.states[at + 1]];
    expect(allowed, `operation ${operation}, step ${at}`).toContain(found);
    await auditVolumes(again.state);
  }
  expect(crashCount).toBeGreaterThan(100);
});
