// A follower under faults against its store: `node servers/objects/bench/follower-simulation.ts --seeds 1000 --rounds 10 [--first 1]`.
import { FollowerSimulation } from "../test/support/follower-simulation.ts";
import { runSeeds } from "./run-seeds.ts";

await runSeeds({ seeds: "1000", rounds: "10" }, (seed) => new FollowerSimulation(seed));
