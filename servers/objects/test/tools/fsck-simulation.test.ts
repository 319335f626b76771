import { seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { MemoryIndex } from "../../src/storage/index/memory-index.ts";
import { checkStore } from "../../src/tools/check-store.ts";
import { StoreSimulation } from "../support/store-simulation.ts";

test.each(seeds(30))("after crashes, faults and compactions a check finds nothing wrong, seed %i", async (seed) => {
  const simulation = new StoreSimulation(seed);
  await simulation.run(12);
  const index = new MemoryIndex();
  const rows = await simulation.index.scan(Uint8Array.of(0), Uint8Array.of(255), 1e9);
  await index.write(rows.map(({ key, value }) => ({ kind: "put", key, value }) as const));
  const { disk, nowMs } = simulation;
  const { storeId } = simulation.store.state.identity;
  const result = await checkStore({ disk, index, built: new MemoryIndex(), storeId, nowMs });
  expect(result.findings.list.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(result.isIndexGood).toBe(true);
  expect(result.totals.records).toBeGreaterThan(0);
});
