import { runBench } from "./src/run-bench.ts";

process.exitCode = await runBench(process.argv.slice(2));
// A peer that does not let go of a handle must not keep a finished run alive.
process.exit();
