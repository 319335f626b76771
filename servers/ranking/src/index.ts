// The manual
export { renderCommandManual } from "./command-manual.ts";
// Running the store
export { configSchema, type RankingConfig } from "./config.ts";
export { RankingError, type RankingErrorCode } from "./errors.ts";
export { rankingPart, runRanking } from "./part.ts";
// Scripts
export type { ScriptHost } from "./script/script-host.ts";
export type { ScriptCall } from "./script/script-machine.ts";
export { type Compiled, DEFAULT_SCRIPT_LIMITS, type ScriptLimits, ScriptRuntime } from "./script/script-runtime.ts";
export { type RankingServer, startRankingServer } from "./server.ts";
