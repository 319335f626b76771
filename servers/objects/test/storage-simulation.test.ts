import { seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { StoreSimulation } from "./support/store-simulation.ts";

// The long form: bench/storage-simulation.ts
test.each(seeds(40))("no acknowledged write is lost and no body is torn or mixed, seed %i", async (seed) => {
  const simulation = new StoreSimulation(seed);
  await simulation.run(12);
  expect(simulation.counts.acknowledged).toBeGreaterThan(20);
});
