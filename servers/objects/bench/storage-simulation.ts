// The long form of the simulated disk: `node servers/objects/bench/storage-simulation.ts --seeds 500 --rounds 30 [--first 1]`.
import { StoreSimulation } from "../test/support/store-simulation.ts";
import { runSeeds } from "./run-seeds.ts";

await runSeeds({ seeds: "500", rounds: "30" }, (seed) => new StoreSimulation(seed));
