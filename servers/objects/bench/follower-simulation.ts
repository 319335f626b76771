// A follower under faults against its store: `node servers/objects/bench/follower-simulation.ts --seeds 1000 --rounds 10 [--first 1]`.
import { FollowerSimulation } from "../test/support/follower-simulation.ts";
import { runSeeds } from "./run-seeds.ts";

// With every other seed the changes come as the bytes of a network that cuts and garbles them.
await runSeeds({ seeds: "1000", rounds: "10" }, (seed) => new FollowerSimulation(seed, { isWired: seed % 2 === 0 }));
