import { Args } from "../protocol/args.ts";
import { ReplyWriter } from "../protocol/reply-writer.ts";
import { ALLOWED, scriptDenialReason } from "./acl/index.ts";
import { isShortOfMemory } from "./admission.ts";
import type { Call } from "./call.ts";
import { type Command, CommandFlag } from "./command.ts";
import type { Engine } from "./engine.ts";
import { OUT_OF_MEMORY } from "./replies.ts";
import { Session } from "./session.ts";

/** What a running script reaches of the store. */
export interface ScriptCalls {
  call(args: readonly Uint8Array[], resp: 2 | 3): Uint8Array;
  log(level: number, message: Uint8Array): void;
  isAllowed(args: readonly Uint8Array[]): boolean | undefined;
  shouldStop(): boolean;
}

/** A script that can be run, or the text of the error reply. */
export type CompiledScript =
  | { readonly kind: "script"; readonly sha: string; readonly flags: readonly string[] | undefined }
  | { readonly kind: "error"; readonly message: string };

/**
 * The Lua that the engine is given: it keeps scripts by their SHA-1 and runs them. The same script, keys, arguments, seed
 * and replies give the same calls; it reads no clock.
 */
export interface ScriptEngine {
  has(sha: string): boolean;
  find(sha: string): CompiledScript | undefined;
  compile(source: Uint8Array, isLoad: boolean): CompiledScript;
  /** Of a script that is kept. */
  sourceOf(sha: string): Uint8Array | undefined;
  /** Returns the reply; good until the next run. */
  run(call: {
    readonly sha: string;
    readonly keys: readonly Uint8Array[];
    readonly argv: readonly Uint8Array[];
    readonly resp: 2 | 3;
    readonly seed: number;
    readonly host: ScriptCalls;
  }): Uint8Array;
  flush(): void;
  readonly scriptCount: number;
  /** Of the kept scripts' sources. */
  readonly sourceBytes: number;
  /** Of Lua's own memory. */
  readonly memoryBytes: number;
}

/** One call of EVAL or its like. */
export interface ScriptRequest {
  readonly sha: string;
  readonly flags: readonly string[] | undefined;
  readonly source: Uint8Array;
  readonly isReadOnly: boolean;
  readonly keys: readonly Uint8Array[];
  readonly argv: readonly Uint8Array[];
}

/** Asked once for so many instructions of Lua, see `ScriptCalls.shouldStop`. */
const STOP_QUESTIONS_LIMIT = 100_000;
const SCRIPT_SALT = 0x5bd1e995;
const ERROR = 45;
const SCRATCH_BYTES = 1024 * 1024;

/** Commands that have written this much cannot be undone: such a script is never stopped by the clock. */
type RunState = {
  session: Session;
  isReadOnly: boolean;
  allowsOom: boolean;
  wasOutOfMemory: boolean;
  hasWritten: boolean;
  /** Something that the log does not know of has decided for the script: access control, memory, files. */
  isForeign: boolean;
  dirty: number;
  startUs: number;
  questions: number;
};

/**
 * Runs scripts for EVAL.
 *
 * Their commands run as the caller, one level deeper, and are put into the batch one by one. When the script is done and
 * nothing but the store, its arguments and its seed has decided what it did, they are taken out again and EVAL itself is
 * logged, which does the same again. Otherwise (a command was denied, or refused for want of memory, or the script failed
 * half way) what it did stays in the batch as it is.
 */
export class Scripts implements ScriptCalls {
  readonly engine: ScriptEngine;
  /** A script that has written nothing is stopped after this long; Redis waits for SCRIPT KILL. */
  timeLimitMs = 5_000;
  /** Told of `redis.log`. */
  onLog: (level: number, message: Uint8Array) => void = () => undefined;
  readonly #store: Engine;
  readonly #args = new Args();
  readonly #reply = new ReplyWriter();
  readonly #session: Session;
  #run: RunState | undefined;

  constructor(store: Engine, engine: ScriptEngine) {
    this.#store = store;
    this.engine = engine;
    const output = { send: () => undefined, close: () => undefined };
    this.#session = new Session(0, output, store.users.defaultUser, { isInternal: true });
  }

  /** Whether a script runs. */
  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** Runs a script and writes its reply. */
  run(call: Call, request: ScriptRequest): void {
    const store = this.#store;
    const refusal = this.#refusalOf(call, request);
    if (refusal !== "") {
      call.reply.error(refusal);
      return;
    }
    const { length, count, seed } = store.batch;
    store.random.begin(seed ^ SCRIPT_SALT, count);
    const { flags = [] } = request;
    const run: RunState = {
      session: call.session,
      isReadOnly: request.isReadOnly || flags.includes("no-writes"),
      allowsOom: flags.includes("allow-oom") || call.session.isInternal,
      wasOutOfMemory: this.#isOutOfMemory,
      ...{ hasWritten: false, isForeign: false, dirty: 0, startUs: store.clockUs(), questions: 0 },
    };
    this.#run = run;
    this.#session.database = call.session.database;
    this.#session.user = call.session.user;
    try {
      const { sha, keys, argv } = request;
      const resp = call.session.resp === 3 ? 3 : 2;
      const reply = this.engine.run({ sha, keys, argv, resp, seed: store.random.next(), host: this });
      call.reply.raw(reply);
      if (reply[0] === ERROR) {
        call.reply.errorCount++;
        call.reply.lastError = errorText(reply);
        run.isForeign = true;
      }
    } finally {
      this.#run = undefined;
    }
    if (run.dirty === 0) return;
    if (run.isForeign && !call.session.isInternal) return;
    store.batch.rewind(length, count);
    call.dirty += run.dirty;
    const { source, keys, argv } = request;
    call.logInstead([EVAL, source, bytesOf(String(keys.length)), ...keys, ...argv]);
  }

  get #isOutOfMemory(): boolean {
    return isShortOfMemory(this.#store);
  }

  /** Why a script with flags may not even begin; one without is asked at each of its commands. */
  #refusalOf({ session }: Call, { flags, isReadOnly }: ScriptRequest): string {
    if (flags === undefined || session.isInternal) return "";
    if (!flags.includes("no-writes")) {
      if (this.#store.writeRefusal !== "") return this.#store.writeRefusal;
      if (isReadOnly) return "ERR Can not execute a script with write flag using *_ro command.";
      if (!flags.includes("allow-oom") && this.#isOutOfMemory) {
        return "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'";
      }
    }
    return "";
  }

  // What a script calls

  /** As Redis's `redis.call`: returns the reply, which the next call overwrites. */
  call(values: readonly Uint8Array[], resp: 2 | 3): Uint8Array {
    const run = this.#run!;
    const store = this.#store;
    const args = this.#args;
    const reply = this.#reply;
    args.assign(values);
    reply.length = 0;
    reply.resp = resp;
    if (reply.bytes.length > SCRATCH_BYTES) reply.bytes = new Uint8Array(SCRATCH_BYTES);
    const command = store.find(args);
    const refusal = this.#refusalOfCall(run, command, args);
    if (refusal !== "") reply.error(refusal);
    else {
      if (isForeign(command!)) run.isForeign = true;
      if ((command!.flags & CommandFlag.write) !== 0) run.hasWritten = true;
      this.#session.resp = resp;
      run.dirty += store.run(this.#session, command!, args, reply);
    }
    args.clear();
    return reply.bytes.subarray(0, reply.length);
  }

  #refusalOfCall(run: RunState, command: Command | undefined, args: Args): string {
    if (command?.handler === undefined) return "ERR Unknown Redis command called from script";
    if (!command.takes(args.count)) return "ERR Wrong number of args calling Redis command from script";
    if ((command.flags & CommandFlag.noScript) !== 0) return "ERR This Redis command is not allowed from script";
    const isWrite = (command.flags & CommandFlag.write) !== 0;
    // What is asked below and is no part of the script itself was asked when a call of the log was first done.
    const isAsked = !run.session.isInternal;
    if (isAsked) {
      const denial = this.#store.denialOf(run.session, command, args);
      if (denial !== ALLOWED) {
        this.#store.observer.noteDenial(denial, this.#session, command, args, this.#store.store.nowMs, true);
        run.isForeign = true;
        return `ERR The user executing the script ${scriptDenialReason(denial)}`;
      }
    }
    if (run.isReadOnly && (command.flags & (CommandFlag.write | CommandFlag.mayReplicate)) !== 0) {
      return "ERR Write commands are not allowed from read-only scripts.";
    }
    if (isAsked && isWrite && this.#store.writeRefusal !== "") {
      run.isForeign = true;
      return this.#store.writeRefusal;
    }
    // Half of what a script writes is worse than all of it: only its first write is refused.
    const mayRefuse = isAsked && run.wasOutOfMemory && !run.allowsOom && !run.hasWritten;
    if (mayRefuse && (command.flags & CommandFlag.denyOom) !== 0) {
      run.isForeign = true;
      return OUT_OF_MEMORY;
    }
    return "";
  }

  /** Something that another copy of the store would not know has decided: a script that runs is logged by its commands. */
  noteForeign(): void {
    if (this.#run !== undefined) this.#run.isForeign = true;
  }

  log(level: number, message: Uint8Array): void {
    if (this.#store.isLogging) this.onLog(level, message);
  }

  /** `redis.acl_check_cmd`. */
  isAllowed(values: readonly Uint8Array[]): boolean | undefined {
    const run = this.#run!;
    this.#args.assign(values);
    const command = this.#store.find(this.#args);
    if (command === undefined) return undefined;
    run.isForeign = true;
    return this.#store.denialOf(run.session, command, this.#args) === ALLOWED;
  }

  /**
   * Whether the script must end: it took too long and has written nothing, or it took so many instructions that it may
   * never end. The clock decides nothing that the log has to know of.
   */
  shouldStop(): boolean {
    const run = this.#run!;
    run.questions++;
    if (run.questions > STOP_QUESTIONS_LIMIT) return true;
    if (run.hasWritten || run.session.isInternal) return false;
    return this.#store.clockUs() - run.startUs > 1_000 * this.timeLimitMs;
  }
}

/** Commands that look at data, yet reply what another copy of the store would not. */
const UNLIKE: ReadonlySet<string> = new Set(["dbsize", "object|idletime", "object|freq", "memory|usage"]);

/**
 * Whether a command's reply may be another when the log is read: how many listen, what time it is, what is used, or in
 * which order the members of a big set lie.
 */
function isForeign({ flags, name, isNondeterministic }: Command): boolean {
  return isNondeterministic || (flags & (CommandFlag.write | CommandFlag.readonly)) === 0 || UNLIKE.has(name);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

const EVAL = bytesOf("EVAL");

/** The text of an error reply, without its sign and the end of its line. */
function errorText(reply: Uint8Array): string {
  let text = "";
  for (let at = 1; at < reply.length - 2; at++) text += String.fromCharCode(reply[at]!);
  return text;
}
