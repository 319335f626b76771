import type { RespVersion } from "./lua-to-reply.ts";

/** What a script reaches of the server. None of it may call a script. */
export interface ScriptHost {
  /**
   * Runs an inner command.
   *
   * @param args Alias Lua's memory: valid only during the call.
   * @param resp What the script asked for by `redis.setresp`.
   * @returns one whole reply, copied before the next call; an error reply is raised or, by `redis.pcall`, returned.
   */
  call(args: readonly Uint8Array[], resp: RespVersion): Uint8Array;
  /** `redis.log`; level 0 (debug) to 3 (warning). */
  log(level: number, message: Uint8Array): void;
  /** `redis.acl_check_cmd`: whether the caller may run it; `undefined` if there is no such command. */
  isAllowed(args: readonly Uint8Array[]): boolean | undefined;
  /** Asked after each 100,000 instructions of Lua; true ends the script, as SCRIPT KILL does. */
  shouldStop(): boolean;
}

/** What one run of a script has set. */
export interface ScriptRun {
  readonly host: ScriptHost;
  resp: RespVersion;
}
