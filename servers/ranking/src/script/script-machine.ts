import { bitLibrary } from "./bit-library.ts";
import { ByteBuilder } from "./byte-builder.ts";
import { JsonLibrary } from "./json-library.ts";
import { GLOBALS_INDEX, LUA_ERRMEM, LUA_TYPE, REGISTRY_INDEX } from "./lua-exports.ts";
import { type LuaFunction, LuaMachine } from "./lua-machine.ts";
import { LuaToReply, type RespVersion } from "./lua-to-reply.ts";
import { messagePackLibrary } from "./message-pack-library.ts";
import { Random48 } from "./random48.ts";
import { RedisLibrary } from "./redis-library.ts";
import { pushError } from "./reply-to-lua.ts";
import { Sandbox } from "./sandbox.ts";
import type { ScriptHost, ScriptRun } from "./script-host.ts";
import { structLibrary } from "./struct-library.ts";

const HOOK_INSTRUCTIONS = 100_000;
const MASK_LINE = 4;
const MASK_COUNT = 8;
const GC_STEP = 5;
const GC_EVERY_RUNS = 50;
const RANDOM_MAX = 2_147_483_647;
const LIBRARIES = ["string", "table", "math", "coroutine", "bit", "struct", "cjson", "cmsgpack", "redis"];

/** One run of a compiled script. */
export interface ScriptCall {
  readonly sha: string;
  readonly keys: readonly Uint8Array[];
  readonly argv: readonly Uint8Array[];
  /** What the connection speaks. */
  readonly resp: RespVersion;
  /** Of `math.random`; 32 bits of it count. */
  readonly seed: number;
  readonly host: ScriptHost;
}

/** One Lua with all libraries in place, and the scripts that it has compiled. */
export class ScriptMachine {
  readonly #machine: LuaMachine;
  readonly #sandbox: Sandbox;
  readonly #json: JsonLibrary;
  readonly #random = new Random48(0);
  readonly #slots = new Map<string, number>();
  readonly #freeSlots: number[] = [];
  readonly #hook: number;
  readonly #reply: LuaToReply;
  readonly #out = new ByteBuilder();
  #run: ScriptRun | undefined;
  #runCount = 0;
  #isExhausted = false;

  constructor(memoryLimitBytes: number, replyLimitBytes: number) {
    const machine = new LuaMachine(memoryLimitBytes);
    const { api, L } = machine;
    const scratch = new ByteBuilder();
    this.#machine = machine;
    this.#sandbox = new Sandbox(machine);
    this.#sandbox.open();
    this.#reply = new LuaToReply(machine, this.#out, replyLimitBytes);
    this.#hook = machine.registerHook((state) => this.#onHook(state));
    this.#json = new JsonLibrary(machine, scratch);
    this.#json.pushTable(L, 0);
    machine.setField(L, GLOBALS_INDEX, "cjson");
    const packs = { bit: bitLibrary(machine), struct: structLibrary(machine, scratch) };
    for (const [name, functions] of Object.entries({ ...packs, cmsgpack: messagePackLibrary(machine, scratch) })) {
      api.lua_createtable(L, 0, 16);
      machine.setFunctions(L, functions);
      if (name === "cmsgpack") this.#describeMessagePack(L);
      machine.setField(L, GLOBALS_INDEX, name);
    }
    new RedisLibrary(machine, () => this.#run as ScriptRun).pushTable(L);
    machine.setField(L, GLOBALS_INDEX, "redis");
    machine.getField(L, GLOBALS_INDEX, "math");
    machine.setFunctions(L, this.#randomness());
    api.lua_settop(L, 0);
    this.#sandbox.seal(LIBRARIES);
  }

  /** Of Lua, its free part and its C stack included. */
  get memoryBytes(): number {
    return this.#machine.bytes.length;
  }

  /** Whether memory ran out: drop it then. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  #describeMessagePack(L: number): void {
    const facts = {
      _NAME: "cmsgpack",
      _VERSION: "lua-cmsgpack 0.4.0",
      _COPYRIGHT: "Copyright (C) 2012, Salvatore Sanfilippo",
      _DESCRIPTION: "MessagePack C implementation for Lua",
    };
    for (const [name, text] of Object.entries(facts)) {
      this.#machine.pushText(L, text);
      this.#machine.setField(L, -2, name);
    }
  }

  #randomness(): Record<string, LuaFunction> {
    const { api } = this.#machine;
    const machine = this.#machine;
    return {
      random: (L) => {
        const r = (this.#random.next() % RANDOM_MAX) / RANDOM_MAX;
        const count = api.lua_gettop(L);
        if (count > 2) machine.raise(L, "wrong number of arguments");
        if (count === 0) {
          api.lua_pushnumber(L, r);
          return 1;
        }
        const low = count === 1 ? 1 : api.luaL_checkinteger(L, 1);
        const high = api.luaL_checkinteger(L, count);
        if (low > high) machine.argumentError(L, count, "interval is empty");
        api.lua_pushnumber(L, Math.floor(r * ((high - low + 1) | 0)) + low);
        return 1;
      },
      randomseed: (L) => {
        this.#random.seed(api.luaL_checkinteger(L, 1));
        return 0;
      },
    };
  }

  #onHook(L: number): void {
    if (!this.#run?.host.shouldStop()) return;
    // From now on at every line: or a pcall around the loop would go on.
    this.#machine.api.lua_sethook(L, this.#hook, MASK_LINE, 0);
    pushError(this.#machine, L, "ERR Script killed by user with SCRIPT KILL...", false);
    this.#machine.api.lua_error(L);
  }

  has(sha: string): boolean {
    return this.#slots.has(sha);
  }

  /** Compiles Lua; an error message as the compiler words it if it cannot. */
  compile(sha: string, source: Uint8Array): string | undefined {
    const { api, L } = this.#machine;
    // A compiled chunk begins with this byte and could break the machine; after a space it is text that is refused.
    const text = source[0] === 27 ? Buffer.concat([Buffer.from(" "), source]) : source;
    const pointer = this.#machine.copyIn(L, text);
    const status = api.luaL_loadbuffer(L, pointer, text.length, this.#machine.cString("@user_script"));
    if (status !== 0) {
      const message = this.#machine.text(L, -1);
      if (status === LUA_ERRMEM) this.#isExhausted = true;
      api.lua_settop(L, 0);
      return message;
    }
    const slot = this.#freeSlots.pop() ?? this.#sandbox.takeSlot();
    api.lua_rawseti(L, REGISTRY_INDEX, slot);
    this.#slots.set(sha, slot);
    return undefined;
  }

  /** Forgets a compiled script. */
  drop(sha: string): void {
    const slot = this.#slots.get(sha);
    if (slot === undefined) return;
    this.#slots.delete(sha);
    this.#freeSlots.push(slot);
    this.#machine.api.lua_pushnil(this.#machine.L);
    this.#machine.api.lua_rawseti(this.#machine.L, REGISTRY_INDEX, slot);
  }

  /** Runs a compiled script. The reply aliases a buffer that the next run overwrites. */
  run(call: ScriptCall): Uint8Array {
    const { api, L } = this.#machine;
    const run: ScriptRun = { host: call.host, resp: 2 };
    this.#run = run;
    this.#random.seed(call.seed);
    this.#out.clear();
    api.lua_sethook(L, this.#hook, MASK_COUNT, HOOK_INSTRUCTIONS);
    this.#sandbox.pushErrorHandler(L);
    api.lua_rawgeti(L, REGISTRY_INDEX, this.#slots.get(call.sha) as number);
    this.#setArray("KEYS", call.keys);
    this.#setArray("ARGV", call.argv);
    const status = api.lua_pcall(L, 0, 1, 1);
    api.lua_sethook(L, 0, 0, 0);
    if (status === 0) this.#reply.append(L, call.resp, run.resp);
    else this.#appendError(call.sha, status);
    api.lua_settop(L, 0);
    this.#clean();
    return this.#out.view();
  }

  #clean(): void {
    this.#run = undefined;
    this.#json.reset();
    this.#sandbox.reset();
    this.#machine.trim();
    if (++this.#runCount % GC_EVERY_RUNS === 0) this.#machine.api.lua_gc(this.#machine.L, GC_STEP, GC_EVERY_RUNS);
  }

  #setArray(name: string, values: readonly Uint8Array[]): void {
    const { api, L } = this.#machine;
    api.lua_createtable(L, values.length, 0);
    for (let i = 0; i < values.length; i++) {
      this.#machine.push(L, values[i] as Uint8Array);
      api.lua_rawseti(L, -2, i + 1);
    }
    this.#sandbox.setGlobal(L, name);
  }

  #appendError(sha: string, status: number): void {
    const { api, L } = this.#machine;
    if (status === LUA_ERRMEM) this.#isExhausted = true;
    if (api.lua_type(L, -1) !== LUA_TYPE.table) {
      const message = api.lua_isstring(L, -1) === 0 ? "execution failure" : this.#machine.text(L, -1);
      this.#out.text(`-ERR Error running script ${sha}, ${message.slice(0, 100).replaceAll(/[\r\n]/g, " ")}\r\n`);
      return;
    }
    const field = (name: string): string | undefined => {
      this.#machine.getField(L, -1, name);
      const text = api.lua_isstring(L, -1) === 0 ? undefined : (this.#machine.text(L, -1).split("\0")[0] as string);
      api.lua_settop(L, -2);
      return text;
    };
    // Redis 7.0.15 crashes on an error that is a table without `err`.
    const message = field("err") ?? "ERR A script raised a table without a string `err`";
    const line = field("line");
    const source = field("source");
    const place = line === undefined || source === undefined ? "" : ` script: ${sha}, on ${source}:${line}.`;
    this.#out.text(`-${message}${place}`.replaceAll(/[\r\n]/g, " "));
    this.#out.text("\r\n");
  }
}
