import { createHash } from "node:crypto";
import { formatNumber } from "./format-number.ts";
import { LUA_TYPE } from "./lua-exports.ts";
import type { LuaFunction, LuaMachine } from "./lua-machine.ts";
import { pushError, ReplyToLua } from "./reply-to-lua.ts";
import type { ScriptRun } from "./script-host.ts";

const ERROR_BYTE = 0x2d;
const CONSTANTS = {
  LOG_DEBUG: 0,
  LOG_VERBOSE: 1,
  LOG_NOTICE: 2,
  LOG_WARNING: 3,
  REPL_NONE: 0,
  REPL_AOF: 1,
  REPL_SLAVE: 2,
  REPL_REPLICA: 2,
  REPL_ALL: 3,
  REDIS_VERSION_NUM: 0x0007000f,
};

/** The table `redis`, as scripts of EVAL see it in Redis 7.0.15. */
export class RedisLibrary {
  readonly #machine: LuaMachine;
  readonly #replies: ReplyToLua;
  readonly #run: () => ScriptRun;

  /** @param run The run that is going on. */
  constructor(machine: LuaMachine, run: () => ScriptRun) {
    this.#machine = machine;
    this.#replies = new ReplyToLua(machine);
    this.#run = run;
  }

  /** Pushes the table. */
  pushTable(L: number): void {
    const { api } = this.#machine;
    api.lua_createtable(L, 0, 32);
    this.#machine.setFunctions(L, { ...this.#commands(), ...this.#replying(), ...this.#settings() });
    for (const [name, value] of Object.entries(CONSTANTS)) {
      api.lua_pushnumber(L, value);
      this.#machine.setField(L, -2, name);
    }
    this.#machine.pushText(L, "7.0.15");
    this.#machine.setField(L, -2, "REDIS_VERSION");
  }

  /** Raises `{err = "ERR " + message}`. */
  #raise(L: number, message: string): number {
    pushError(this.#machine, L, `ERR ${message}`, false);
    return this.#machine.api.lua_error(L);
  }

  /** The arguments of the running function as those of a command; `undefined` with an error pushed if they are none. */
  #arguments(L: number): Uint8Array[] | undefined {
    const { api } = this.#machine;
    const count = api.lua_gettop(L);
    if (count === 0) {
      pushError(this.#machine, L, "ERR Please specify at least one argument for this redis lib call", false);
      return undefined;
    }
    const args: Uint8Array[] = [];
    for (let i = 1; i <= count; i++) {
      const type = api.lua_type(L, i);
      if (type === LUA_TYPE.number) args.push(Buffer.from(formatNumber(api.lua_tonumber(L, i), 17), "latin1"));
      else if (type === LUA_TYPE.string) args.push(this.#machine.peek(L, i) ?? new Uint8Array());
      else {
        api.lua_settop(L, 0);
        pushError(this.#machine, L, "ERR Lua redis lib command arguments must be strings or integers", false);
        return undefined;
      }
    }
    return args;
  }

  #commands(): Record<string, LuaFunction> {
    const { api } = this.#machine;
    const call = (L: number, isRaising: boolean): number => {
      const args = this.#arguments(L);
      if (args === undefined) return isRaising ? api.lua_error(L) : 1;
      const run = this.#run();
      const reply = run.host.call(args, run.resp);
      api.lua_settop(L, 0);
      this.#replies.push(L, reply);
      return isRaising && reply[0] === ERROR_BYTE ? api.lua_error(L) : 1;
    };
    return {
      call: (L) => call(L, true),
      pcall: (L) => call(L, false),
      acl_check_cmd: (L) => {
        const args = this.#arguments(L);
        if (args === undefined) return api.lua_error(L);
        const isAllowed = this.#run().host.isAllowed(args);
        if (isAllowed === undefined) return this.#raise(L, "Invalid command passed to redis.acl_check_cmd()");
        api.lua_pushboolean(L, isAllowed ? 1 : 0);
        return 1;
      },
    };
  }

  #replying(): Record<string, LuaFunction> {
    const { api } = this.#machine;
    const isOneString = (L: number): boolean => {
      if (api.lua_gettop(L) === 1 && api.lua_type(L, 1) === LUA_TYPE.string) return true;
      pushError(this.#machine, L, "ERR wrong number or type of arguments", false);
      return false;
    };
    return {
      status_reply: (L) => {
        if (!isOneString(L)) return 1;
        api.lua_createtable(L, 0, 1);
        api.lua_pushvalue(L, 1);
        this.#machine.setField(L, -2, "ok");
        return 1;
      },
      error_reply: (L) => {
        if (!isOneString(L)) return 1;
        const text = this.#machine.text(L, 1).split("\0")[0] as string;
        pushError(this.#machine, L, text.startsWith("-") ? text.slice(1) : text, false);
        return 1;
      },
      sha1hex: (L) => {
        if (api.lua_gettop(L) !== 1) return this.#raise(L, "wrong number of arguments");
        const bytes = this.#machine.peek(L, 1) ?? new Uint8Array();
        this.#machine.pushText(L, createHash("sha1").update(bytes).digest("hex"));
        return 1;
      },
    };
  }

  #settings(): Record<string, LuaFunction> {
    const { api } = this.#machine;
    return {
      log: (L) => this.#log(L),
      setresp: (L) => {
        if (api.lua_gettop(L) !== 1) return this.#raise(L, "redis.setresp() requires one argument.");
        const resp = Math.trunc(api.lua_tonumber(L, 1));
        if (resp !== 2 && resp !== 3) return this.#raise(L, "RESP version must be 2 or 3.");
        this.#run().resp = resp;
        return 0;
      },
      set_repl: (L) => {
        if (api.lua_gettop(L) !== 1) return this.#raise(L, "redis.set_repl() requires two arguments.");
        if ((Math.trunc(api.lua_tonumber(L, 1)) & ~3) === 0) return 0;
        return this.#raise(L, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
      },
      replicate_commands: (L) => {
        api.lua_pushboolean(L, 1);
        return 1;
      },
      breakpoint: (L) => {
        api.lua_pushboolean(L, 0);
        return 1;
      },
      debug: () => 0,
    };
  }

  #log(L: number): number {
    const { api } = this.#machine;
    const count = api.lua_gettop(L);
    if (count < 2) return this.#raise(L, "redis.log() requires two arguments or more.");
    if (api.lua_isnumber(L, 1) === 0) return this.#raise(L, "First argument must be a number (log level).");
    const level = Math.trunc(api.lua_tonumber(L, 1));
    if (level < 0 || level > 3) return this.#raise(L, "Invalid debug level.");
    const parts: Uint8Array[] = [];
    for (let i = 2; i <= count; i++) {
      const bytes = this.#machine.peek(L, i);
      if (bytes === undefined) continue;
      if (i > 2) parts.push(Buffer.from(" "));
      parts.push(bytes.slice());
    }
    this.#run().host.log(level, Buffer.concat(parts));
    return 0;
  }
}
