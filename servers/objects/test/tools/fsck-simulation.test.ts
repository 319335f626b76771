import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { MemoryIndex } from "../../src/storage/index/memory-index.ts";
import { startShard } from "../../src/storage/open-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { type CheckResult, checkStore } from "../../src/tools/check-store.ts";
import { SIMULATION_OPTIONS } from "../support/simulation-model.ts";
import { StoreSimulation } from "../support/store-simulation.ts";

async function copyOf(index: MemoryIndex): Promise<MemoryIndex> {
  const copy = new MemoryIndex();
  const rows = await index.scan(Uint8Array.of(0), Uint8Array.of(255), 1e9);
  await copy.write(rows.map(({ key, value }) => ({ kind: "put", key, value }) as const));
  return copy;
}

async function check(simulation: StoreSimulation, index: MemoryIndex | undefined): Promise<CheckResult> {
  const { nowMs, store } = simulation;
  const { disk, identity } = store.state;
  const { storeId } = identity;
  return await checkStore({ disk, index, built: new MemoryIndex(), storeId, nowMs });
}

test.each(seeds(30))("after crashes, faults and compactions a check finds nothing wrong, seed %i", async (seed) => {
  const simulation = new StoreSimulation(seed);
  await simulation.run(12);
  const result = await check(simulation, await copyOf(simulation.index));
  expect(result.findings.list.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(result.isIndexGood).toBe(true);
  expect(result.totals.records).toBeGreaterThan(0);
});

/** All versions that clients see, and those of them that cannot be read. */
async function readAll(store: ShardStore): Promise<{ visible: string[]; unreadable: string[] }> {
  const [visible, unreadable]: [string[], string[]] = [[], []];
  const page = { prefix: "", delimiter: "", startAfter: "", maxKeys: 1_000, versions: true };
  for (const { name } of store.buckets()) {
    for (const { key, versionId, isDeleteMarker } of (await store.list({ ...page, bucket: name })).entries) {
      if (isDeleteMarker) continue;
      const version = `${name}/${key}@${versionId}`;
      visible.push(version);
      try {
        const opened = await store.open(name, key, versionId);
        if (opened === undefined) throw new Error("it is listed and cannot be opened");
        for await (const _ of opened.read(0, opened.entry.sizeBytes));
        opened.close();
      } catch {
        unreadable.push(version);
      }
    }
  }
  return { visible, unreadable };
}

test.each(seeds(40))(
  "what cannot be read after bits have flipped is what a check names as lost, seed %i",
  async (seed) => {
    const simulation = new StoreSimulation(seed);
    await simulation.run(6);
    const random = createRandom(seed);
    const { nowMs, disk: first, slowDisk } = simulation;
    const { disk } = simulation.store.state;
    for (let flip = random.int(1, 3); flip > 0; flip--)
      random.pick([first, slowDisk]).flip(random.pick(["volumes/", "blobs/"]));
    const result = await check(simulation, await copyOf(simulation.index));
    const lost = new Set(result.findings.lost.map(({ bucket, key, versionId }) => `${bucket}/${key}@${versionId}`));
    const { storeId } = simulation.store.state.identity;
    const options = { ...SIMULATION_OPTIONS, cacheBytes: 0 };
    const index = await copyOf(simulation.index);
    const store = await startShard({ disk, index, storeId, nowMs: () => nowMs, options });
    const { visible, unreadable } = await readAll(store);
    const named = [...new Set(visible)].filter((version) => lost.has(version));
    expect(named.sort()).toEqual([...new Set(unreadable)].sort());
    if (unreadable.length > 0) expect(result.findings.errorCount).toBeGreaterThan(0);
  },
);
