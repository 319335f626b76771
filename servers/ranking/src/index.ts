export { RankingError, type RankingErrorCode } from "./errors.ts";
export type { ScriptHost } from "./script/script-host.ts";
export type { ScriptCall } from "./script/script-machine.ts";
export { type Compiled, DEFAULT_SCRIPT_LIMITS, type ScriptLimits, ScriptRuntime } from "./script/script-runtime.ts";
