import { seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { FollowerSimulation } from "./support/follower-simulation.ts";

// The long form: bench/follower-simulation.ts
test.each(seeds(40))(
  "a follower ends byte-equal, however far behind it was and whatever was compacted, seed %i",
  async (seed) => {
    const simulation = new FollowerSimulation(seed);
    await simulation.run(8);
    expect(simulation.counts.changes).toBeGreaterThan(20);
  },
);

test.each(seeds(30, 1_000))(
  "a follower ends byte-equal though the network cuts and garbles what comes, at any byte, seed %i",
  async (seed) => {
    const simulation = new FollowerSimulation(seed, { isWired: true });
    await simulation.run(8);
    expect(simulation.counts.changes).toBeGreaterThan(20);
  },
);
