import { createHash } from "node:crypto";
import { LuaPanic } from "./lua-machine.ts";
import { ReplyTooLong } from "./lua-to-reply.ts";
import { type CachedScript, ScriptCache, type ScriptCacheLimits } from "./script-cache.ts";
import { type ScriptCall, ScriptMachine } from "./script-machine.ts";
import { readShebang, type ScriptFlag } from "./shebang.ts";

/** Limits of the script runtime. */
export interface ScriptLimits extends ScriptCacheLimits {
  /** All of Lua's memory, 16 MiB at least. */
  readonly memoryBytes: number;
  readonly replyBytes: number;
  /** Of one script. */
  readonly scriptBytes: number;
}

/** 64 MiB of memory, 64 MiB of reply, 1 MiB a script; 500 scripts of EVAL, 64 MiB of sources. */
export const DEFAULT_SCRIPT_LIMITS: ScriptLimits = {
  memoryBytes: 64 * 1024 * 1024,
  replyBytes: 64 * 1024 * 1024,
  scriptBytes: 1024 * 1024,
  evalScriptCount: 500,
  sourceBytes: 64 * 1024 * 1024,
};

/** A script that can be run, or why there is none: the text of an error reply, without `-` and line end. */
export type Compiled =
  | { readonly kind: "script"; readonly sha: string; readonly flags: readonly ScriptFlag[] | undefined }
  | { readonly kind: "error"; readonly message: string };

/**
 * The scripts of EVAL and their Lua.
 *
 * Everything a script can see comes from its call: it reads no clock, its random numbers start from the call's seed, and
 * it leaves nothing to the next one. So the same calls on two servers reply and write the same. The exceptions: the
 * order of `pairs` over keys that are tables or functions is that of their addresses, and weak tables lose entries when
 * the collector runs; both depend on what ran before.
 */
export class ScriptRuntime {
  readonly #limits: ScriptLimits;
  readonly #cache: ScriptCache;
  #machine: ScriptMachine | undefined;

  constructor(limits: ScriptLimits = DEFAULT_SCRIPT_LIMITS) {
    this.#limits = limits;
    this.#cache = new ScriptCache(limits, (sha) => this.#machine?.drop(sha));
  }

  get scriptCount(): number {
    return this.#cache.count;
  }

  /** Of the sources of all scripts that are kept. */
  get sourceBytes(): number {
    return this.#cache.bytes;
  }

  /** Of Lua's memory; 0 before the first script. */
  get memoryBytes(): number {
    return this.#machine?.memoryBytes ?? 0;
  }

  /** SCRIPT EXISTS. */
  has(sha: string): boolean {
    return this.#cache.peek(sha) !== undefined;
  }

  /** The source of a script that is kept; for the log, where EVALSHA becomes EVAL. */
  sourceOf(sha: string): Uint8Array | undefined {
    return this.#cache.peek(sha)?.source;
  }

  /** EVALSHA: `undefined` if there is no such script. */
  find(sha: string): Compiled | undefined {
    const script = this.#cache.use(sha);
    return script === undefined ? undefined : { kind: "script", sha, flags: script.flags };
  }

  /**
   * EVAL and SCRIPT LOAD: compiles a script that is not known yet.
   *
   * @param isLoad Keeps it until `flush`; a script of EVAL may be dropped for others.
   */
  compile(source: Uint8Array, isLoad: boolean): Compiled {
    const sha = createHash("sha1").update(source).digest("hex");
    const known = this.#cache.use(sha);
    if (known !== undefined) {
      if (isLoad) this.#cache.pin(known);
      return { kind: "script", sha, flags: known.flags };
    }
    if (source.length > this.#limits.scriptBytes) {
      return failed(`Script is too long: ${source.length} bytes, the limit is ${this.#limits.scriptBytes}`);
    }
    const shebang = readShebang(Buffer.from(source).toString("latin1"));
    if (typeof shebang === "string") return failed(shebang);
    const message = this.#compile(sha, source.subarray(shebang.start));
    if (message !== undefined) return failed(`Error compiling script (new function): ${message}`);
    const script: CachedScript = { sha, source: source.slice(), flags: shebang.flags, isLoaded: isLoad };
    if (!this.#cache.add(script)) {
      this.#machine?.drop(sha);
      return failed(`Script cache is full: ${this.#cache.bytes} bytes are loaded. Run SCRIPT FLUSH`);
    }
    return { kind: "script", sha, flags: shebang.flags };
  }

  #compile(sha: string, lua: Uint8Array): string | undefined {
    this.#machine ??= new ScriptMachine(this.#limits.memoryBytes, this.#limits.replyBytes);
    try {
      const message = this.#machine.compile(sha, lua);
      if (this.#machine.isExhausted) this.#machine = undefined;
      return message;
    } catch (error) {
      this.#machine = undefined;
      if (error instanceof LuaPanic || error instanceof RangeError) return "not enough memory";
      throw error;
    }
  }

  /**
   * Runs a script that `compile` or `find` has just answered.
   *
   * @returns the reply in RESP; aliases a buffer that the next run overwrites.
   */
  run(call: ScriptCall): Uint8Array {
    const script = this.#cache.peek(call.sha);
    if (script === undefined) return errorReply("NOSCRIPT No matching script. Please use EVAL.");
    if (this.#machine?.has(call.sha) !== true) {
      const shebang = readShebang(Buffer.from(script.source).toString("latin1"));
      const start = typeof shebang === "string" ? 0 : shebang.start;
      const message = this.#compile(call.sha, script.source.subarray(start));
      if (message !== undefined) return errorReply(`ERR Error running script ${call.sha}, ${message}`);
    }
    const machine = this.#machine as ScriptMachine;
    try {
      const reply = machine.run(call);
      if (machine.isExhausted) this.#machine = undefined;
      return reply;
    } catch (error) {
      // The stack of Lua is where the error left it: whatever the reason, this machine is not used again.
      this.#machine = undefined;
      if (error instanceof ReplyTooLong) return errorReply(`ERR ${error.message}`);
      if (error instanceof LuaPanic || isEngineLimit(error)) {
        return errorReply(`ERR Error running script ${call.sha}, not enough memory`);
      }
      throw error;
    }
  }

  /** SCRIPT FLUSH. */
  flush(): void {
    this.#cache.clear();
    this.#machine = undefined;
  }
}

function failed(message: string): Compiled {
  return { kind: "error", message: `ERR ${message.split("\0")[0]?.replaceAll(/[\r\n]/g, " ")}` };
}

function errorReply(text: string): Uint8Array {
  return Buffer.from(`-${text}\r\n`, "latin1");
}

/** JavaScript's stack ended, or WebAssembly trapped. */
function isEngineLimit(error: unknown): boolean {
  return (
    error instanceof WebAssembly.RuntimeError || (error instanceof RangeError && error.message.includes("call stack"))
  );
}
