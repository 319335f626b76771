import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { openIndex, openStore } from "../../src/storage/open-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { repair } from "../../src/tools/repair.ts";
import type { SimDisk } from "../support/sim-disk.ts";
import { SIMULATION_OPTIONS } from "../support/simulation-model.ts";
import { StoreSimulation } from "../support/store-simulation.ts";

const tierOf = (directory: string) => ({ name: "hdd", storageClass: "GLACIER_IR", directory: join(directory, "hdd") });

async function filesTo(directory: string, disk: SimDisk): Promise<void> {
  for (const part of ["volumes", "blobs"]) {
    mkdirSync(join(directory, part), { recursive: true });
    for (const name of await disk.list(part)) {
      const file = disk.open(`${part}/${name}`);
      writeFileSync(join(directory, part, name), await file.read(0, file.sizeBytes()));
      file.close();
    }
  }
}

/** Writes a simulated store into a real directory, and its slow tier below it. */
async function toDirectory({ disk, slowDisk, index, store }: StoreSimulation): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "kagami-damaged-"));
  const tier = tierOf(directory);
  await filesTo(directory, disk);
  await filesTo(tier.directory, slowDisk);
  const { storeId } = store.state.identity;
  writeFileSync(join(tier.directory, "tier.json"), JSON.stringify({ storeId, name: tier.name }));
  writeFileSync(join(directory, "store.json"), JSON.stringify({ storeId, engine: "classic-level", tiers: [tier] }));
  const rows = await index.scan(Uint8Array.of(0), Uint8Array.of(255), 1e9);
  const real = await openIndex("classic-level", join(directory, "index"));
  await real.write(rows.map(({ key, value }) => ({ kind: "put", key, value }) as const));
  await real.close();
  return directory;
}

/** Bodies and tags of all versions that clients see; "unreadable" for those that cannot be read. */
async function readAll(store: ShardStore): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  const page = { prefix: "", delimiter: "", startAfter: "", maxKeys: 1_000, versions: true };
  for (const { name } of store.buckets()) {
    for (const { key, versionId, isDeleteMarker, metadata } of (await store.list({ ...page, bucket: name })).entries) {
      const version = `${name}/${key}@${versionId}`;
      if (isDeleteMarker) {
        all.set(version, "marker");
        continue;
      }
      try {
        const opened = await store.open(name, key, versionId);
        const parts: Uint8Array[] = [];
        for await (const part of opened!.read(0, opened!.entry.sizeBytes)) parts.push(part);
        opened!.close();
        all.set(version, `${JSON.stringify(metadata.tags)}${Buffer.concat(parts).toString("latin1")}`);
      } catch {
        all.set(version, "unreadable");
      }
    }
  }
  return all;
}

async function readDirectory(directory: string, nowMs: number): Promise<Map<string, string>> {
  const store = await openStore({ directory, nowMs: () => nowMs, ...SIMULATION_OPTIONS, cacheBytes: 0 });
  try {
    return await readAll(store);
  } finally {
    await store.close();
  }
}

test.each(seeds(12))(
  "with its index, a repaired store is as before but for what is named as lost, seed %i",
  async (seed) => {
    const simulation = new StoreSimulation(seed);
    await simulation.run(6);
    const before = await readAll(simulation.store);
    const random = createRandom(seed);
    for (let flip = random.int(1, 3); flip > 0; flip--)
      random.pick([simulation.disk, simulation.slowDisk]).flip(random.pick(["volumes/", "blobs/"]));
    const directory = await toDirectory(simulation);
    const { nowMs } = simulation;
    const options = { directory, nowMs, isDryRun: false, rebuildsIndex: false };
    const { lost } = await repair(options);
    expect((await repair(options)).actions).toEqual([]);
    const after = await readDirectory(directory, nowMs);
    const names = new Set(lost.map(({ bucket, key, versionId }) => `${bucket}/${key}@${versionId}`));
    const wanted = [...before].map(([version, body]) => [version, names.has(version) ? "unreadable" : body]);
    expect(Object.fromEntries(after)).toEqual(Object.fromEntries(wanted));
    rmSync(directory, { recursive: true });
  },
);

test.each(seeds(12))(
  "a store whose index is gone, with a header and the store's file, is as before, seed %i",
  async (seed) => {
    const simulation = new StoreSimulation(seed);
    await simulation.run(6);
    const before = await readAll(simulation.store);
    const names = await simulation.store.state.disk.list("volumes");
    const random = createRandom(seed);
    const volumes = names.filter((name) => name.endsWith(".vol"));
    const [spoilt = "", kept] = random.shuffle(volumes);
    const isFast = (await simulation.disk.list("volumes")).includes(spoilt);
    (isFast ? simulation.disk : simulation.slowDisk).damage(`volumes/${spoilt}`, 200);
    const directory = await toDirectory(simulation);
    rmSync(join(directory, "index"), { recursive: true });
    // One header must be left to say whose the volumes are.
    if (kept !== undefined) rmSync(join(directory, "store.json"));
    const { nowMs } = simulation;
    const options = { directory, nowMs, isDryRun: false, rebuildsIndex: false, tiers: [tierOf(directory)] };
    const report = await repair(options);
    expect(report.left.errors).toBe(0);
    expect(report.lost).toEqual([]);
    expect(Object.fromEntries(await readDirectory(directory, nowMs))).toEqual(Object.fromEntries(before));
    rmSync(directory, { recursive: true });
  },
);
