// Running comparisons
export { type BenchIo, runBench } from "./src/run-bench.ts";
// What a comparison is made of
export type { Figure, Part, Scenario, ScenarioContext, ScenarioOutcome, ScenarioSettings } from "./src/scenario.ts";
