import { seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { HealthWorld } from "./health-world.ts";

test("no stale value is read in 1,000 flaps with three proxies", () => {
  const result = new HealthWorld(1, 3).run(1_000);
  expect(result.staleReads).toEqual([]);
  expect(result.flapCount).toBe(1_000);
  expect(result.inUseCount).toBe(4);
  // Else the run would have shown nothing.
  expect(result.ejectionCount).toBeGreaterThan(20);
  expect(result.rejoinCount).toBeGreaterThan(20);
  expect(result.hitCount).toBeGreaterThan(1_000);
  expect(result.gutterHitCount).toBeGreaterThan(100);
  expect(result.heldCount).toBeGreaterThan(100);
  expect(result.joinCount).toBeGreaterThan(20);
});

test("no stale value is read in 1,000 flaps with a single proxy", () => {
  const result = new HealthWorld(99, 1).run(1_000);
  expect(result.staleReads).toEqual([]);
  expect(result.inUseCount).toBe(4);
});

test.each([
  { sabotage: "no-flush", why: "a server rejoins with what it had" },
  { sabotage: "no-fence", why: "some proxies use the gutter while others use the server" },
  { sabotage: "no-generations", why: "the gutter's values of the last time are read again" },
  { sabotage: "old-members", why: "a proxy that has just started is not waited for" },
] as const)("the simulation notices when a safeguard is left out: $why", ({ sabotage }) => {
  const found = seeds(4).some((seed) => new HealthWorld(seed, 3, sabotage).run(300).staleReads.length > 0);
  expect(found).toBe(true);
});
