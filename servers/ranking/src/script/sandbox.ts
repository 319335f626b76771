import { GLOBALS_INDEX, LUA_TYPE, REGISTRY_INDEX } from "./lua-exports.ts";
import type { LuaFunction, LuaMachine } from "./lua-machine.ts";

const READONLY = "Attempt to modify a readonly table";
const BINARY_CHUNK = 27;
const TYPE_NAMES = ["nil", "boolean", "userdata", "number", "string", "table", "function", "userdata", "thread"];
const ERROR_HANDLER = `
local getinfo, type, tostring = debug.getinfo, type, tostring
return function(e)
  local frame = getinfo(2, "Sl")
  if frame and frame.what == "C" then frame = getinfo(3, "Sl") end
  if type(e) ~= "table" then e = { err = "ERR " .. tostring(e) } end
  if frame then
    e.source = frame.source
    e.line = frame.currentline
  end
  return e
end`;

/**
 * What scripts may reach, and that they can change none of it.
 *
 * Redis patches Lua with a read-only mark on tables. Here the machine is Lua as it is, so a script sees an empty table
 * in front of each protected one: reads fall through by `__index`, writes end in `__newindex`, and the functions that
 * go past metatables (next, pairs, rawget, rawset, getmetatable, setmetatable, table.insert, table.foreach) know these
 * fronts. No way leads to a table behind one. Registry slots 1, 2, … hold what is behind.
 */
export class Sandbox {
  readonly #machine: LuaMachine;
  readonly #slots = new Map<number, number>();
  readonly #refuse: number;
  #nextSlot = 1;
  #globalsSlot = 0;
  #plainNextSlot = 0;
  #nextFunctionSlot = 0;
  readonly #metatableFronts = { string: 0, globals: 0 };
  #handlerSlot = 0;
  #addresses = new Map<number, number>();

  constructor(machine: LuaMachine) {
    this.#machine = machine;
    this.#refuse = machine.register((L) => machine.raise(L, READONLY));
  }

  /** A slot of the registry that nobody else uses. */
  takeSlot(): number {
    return this.#nextSlot++;
  }

  /** Opens Lua's own libraries, without what reaches outside. Call it first. */
  open(): void {
    const { api, L } = this.#machine;
    for (const open of [api.luaopen_base, api.luaopen_table, api.luaopen_string, api.luaopen_math, api.luaopen_debug]) {
      open(L);
      api.lua_settop(L, 0);
    }
    for (const name of ["dofile", "loadfile", "print", "newproxy", "getfenv", "setfenv", "module", "require"]) {
      api.lua_pushnil(L);
      this.#machine.setField(L, GLOBALS_INDEX, name);
    }
    this.#overrideGlobals();
    this.#overrideTables();
    const source = this.#machine.cString(ERROR_HANDLER);
    api.luaL_loadbuffer(L, source, ERROR_HANDLER.length, this.#machine.cString("@err_handler_def"));
    api.lua_call(L, 0, 1);
    this.#handlerSlot = this.takeSlot();
    api.lua_pushvalue(L, -1);
    api.lua_rawseti(L, REGISTRY_INDEX, this.#handlerSlot);
    this.#machine.setField(L, GLOBALS_INDEX, "__redis__err__handler");
    api.lua_pushnil(L);
    this.#machine.setField(L, GLOBALS_INDEX, "debug");
    api.lua_settop(L, 0);
  }

  /** Puts fronts before everything that scripts can reach. Call it when all libraries are there. */
  seal(libraries: readonly string[]): void {
    const { api, L } = this.#machine;
    for (const name of libraries) {
      this.#machine.getField(L, GLOBALS_INDEX, name);
      this.#pushFront(L);
      this.#machine.setField(L, GLOBALS_INDEX, name);
    }
    this.#machine.pushText(L, "");
    api.lua_getmetatable(L, -1);
    api.lua_createtable(L, 0, 1);
    this.#machine.getField(L, GLOBALS_INDEX, "string");
    this.#machine.setField(L, -2, "__index");
    this.#pushFront(L);
    this.#metatableFronts.string = this.#keep(L);
    api.lua_settop(L, 0);

    api.lua_createtable(L, 0, 1);
    api.lua_pushcclosure(L, this.#machine.register(this.#missingGlobal), 0);
    this.#machine.setField(L, -2, "__index");
    api.lua_pushvalue(L, -1);
    this.#pushFront(L);
    this.#metatableFronts.globals = this.#keep(L);
    api.lua_pushvalue(L, GLOBALS_INDEX);
    api.lua_insert(L, -2);
    api.lua_setmetatable(L, -2);
    api.lua_pushvalue(L, -1);
    this.#globalsSlot = this.#keep(L);
    this.#pushFront(L);
    api.lua_pushvalue(L, -1);
    this.#machine.setField(L, GLOBALS_INDEX, "_G");
    api.lua_replace(L, GLOBALS_INDEX);
    api.lua_settop(L, 0);
  }

  /** Pushes the function that turns errors into tables with their place. */
  pushErrorHandler(L: number): void {
    this.#machine.api.lua_rawgeti(L, REGISTRY_INDEX, this.#handlerSlot);
  }

  /** Sets a global to the value on top, and pops it. */
  setGlobal(L: number, name: string): void {
    this.#machine.api.lua_rawgeti(L, REGISTRY_INDEX, this.#globalsSlot);
    this.#machine.api.lua_insert(L, -2);
    this.#machine.setField(L, -2, name);
    this.#machine.api.lua_settop(L, -2);
  }

  /** Forgets which addresses the last script has printed. */
  reset(): void {
    if (this.#addresses.size > 0) this.#addresses = new Map();
  }

  #keep(L: number): number {
    const slot = this.takeSlot();
    this.#machine.api.lua_rawseti(L, REGISTRY_INDEX, slot);
    return slot;
  }

  /** Replaces the table on top by a front of it. */
  #pushFront(L: number): void {
    const { api } = this.#machine;
    api.lua_createtable(L, 0, 0);
    api.lua_createtable(L, 0, 2);
    api.lua_pushvalue(L, -3);
    this.#machine.setField(L, -2, "__index");
    api.lua_pushcclosure(L, this.#refuse, 0);
    this.#machine.setField(L, -2, "__newindex");
    api.lua_setmetatable(L, -2);
    api.lua_insert(L, -2);
    this.#slots.set(api.lua_topointer(L, -2), this.#keep(L));
  }

  /** The slot of what is behind the front at `index`, or 0. */
  #behind(L: number, index: number): number {
    const { api } = this.#machine;
    if (api.lua_type(L, index) !== LUA_TYPE.table) return 0;
    return this.#slots.get(api.lua_topointer(L, index)) ?? 0;
  }

  readonly #missingGlobal: LuaFunction = (L) => {
    const { api } = this.#machine;
    if (api.lua_gettop(L) !== 2) this.#machine.raise(L, "Wrong number of arguments to luaProtectedTableError");
    if (api.lua_isstring(L, -1) === 0) {
      this.#machine.raise(L, "Second argument to luaProtectedTableError must be a string or number");
    }
    const name = this.#machine.text(L, -1).split("\0")[0];
    return this.#machine.raiseText(L, `Script attempted to access nonexistent global variable '${name}'`);
  };

  /** Replaces field `name` of the table on top by what `make` makes of the C function there. */
  #override(L: number, name: string, make: (original: LuaFunction) => LuaFunction): void {
    const { api } = this.#machine;
    this.#machine.getField(L, -1, name);
    const index = api.lua_tocfunction(L, -1);
    api.lua_settop(L, -2);
    const original = api.__indirect_function_table.get(index) as LuaFunction;
    api.lua_pushcclosure(L, this.#machine.register(make(original)), 0);
    this.#machine.setField(L, -2, name);
  }

  /** Lets a function that reads see behind a front. */
  readonly #reading = (original: LuaFunction): LuaFunction => {
    const { api } = this.#machine;
    return (L) => {
      const slot = this.#behind(L, 1);
      if (slot !== 0) {
        api.lua_rawgeti(L, REGISTRY_INDEX, slot);
        api.lua_replace(L, 1);
      }
      return original(L);
    };
  };

  /** Makes a function that writes refuse a front. */
  readonly #writing = (original: LuaFunction): LuaFunction => {
    return (L) => {
      if (this.#behind(L, 1) !== 0) {
        this.#machine.pushText(L, READONLY);
        this.#machine.api.lua_error(L);
      }
      return original(L);
    };
  };

  #overrideTables(): void {
    const { L } = this.#machine;
    this.#machine.getField(L, GLOBALS_INDEX, "table");
    this.#override(L, "insert", this.#writing);
    this.#override(L, "foreach", this.#reading);
    this.#machine.api.lua_settop(L, 0);
  }

  #overrideGlobals(): void {
    const { api, L } = this.#machine;
    api.lua_pushvalue(L, GLOBALS_INDEX);
    this.#override(L, "rawget", this.#reading);
    this.#override(L, "rawset", this.#writing);
    this.#override(L, "setmetatable", this.#writing);
    this.#machine.getField(L, -1, "next");
    this.#plainNextSlot = this.#keep(L);
    this.#override(L, "next", this.#reading);
    this.#machine.getField(L, -1, "next");
    this.#nextFunctionSlot = this.#keep(L);
    this.#override(L, "getmetatable", (original) => (L) => {
      if (api.lua_type(L, 1) === LUA_TYPE.string) {
        api.lua_rawgeti(L, REGISTRY_INDEX, this.#metatableFronts.string);
        return 1;
      }
      const slot = this.#behind(L, 1);
      if (slot === 0) return original(L);
      if (slot === this.#slotOfGlobals()) api.lua_rawgeti(L, REGISTRY_INDEX, this.#metatableFronts.globals);
      else api.lua_pushnil(L);
      return 1;
    });
    this.#override(L, "pairs", () => this.#pairs);
    this.#override(L, "tostring", (original) => this.#tostring(original));
    this.#override(L, "loadstring", (original) => this.#loadstring(original));
    this.#override(L, "load", () => this.#load);
    this.#override(L, "collectgarbage", () => this.#collectgarbage);
    this.#override(L, "gcinfo", () => (L) => {
      api.lua_pushnumber(L, 0);
      return 1;
    });
    this.#override(L, "pcall", () => this.#pcall);
    api.lua_settop(L, 0);
  }

  #slotOfGlobals(): number {
    return this.#globalsSlot + 1; // The front of the globals was made right after its slot was taken.
  }

  readonly #pairs: LuaFunction = (L) => {
    const { api } = this.#machine;
    api.luaL_checktype(L, 1, LUA_TYPE.table);
    // Lua's own iterator does not know fronts; the one that does must be given the front, not what is behind.
    api.lua_rawgeti(L, REGISTRY_INDEX, this.#behind(L, 1) === 0 ? this.#plainNextSlot : this.#nextFunctionSlot);
    api.lua_pushvalue(L, 1);
    api.lua_pushnil(L);
    return 3;
  };

  /** Objects are numbered as a script prints them: an address would differ between two machines. */
  #tostring(original: LuaFunction): LuaFunction {
    const { api } = this.#machine;
    return (L) => {
      const type = api.lua_type(L, 1);
      if (type < LUA_TYPE.table && type !== LUA_TYPE.lightUserdata) return original(L);
      if (api.lua_getmetatable(L, 1) !== 0) {
        this.#machine.getField(L, -1, "__tostring");
        const isCustom = api.lua_type(L, -1) !== LUA_TYPE.nil;
        api.lua_settop(L, 1);
        if (isCustom) return original(L);
      }
      const pointer = api.lua_topointer(L, 1);
      const known = this.#addresses.get(pointer) ?? this.#addresses.size + 1;
      if (pointer !== 0) this.#addresses.set(pointer, known);
      const address = pointer === 0 ? "(nil)" : `0x${(0x7f0000000000 + known * 64).toString(16)}`;
      this.#machine.pushText(L, `${TYPE_NAMES[type]}: ${address}`);
      return 1;
    };
  }

  /** Compiles text; what is on top stays below the function, or below nil and a message. */
  #compile(L: number, source: Uint8Array, namePointer: number): number {
    const { api } = this.#machine;
    // Compiled chunks could break the machine. With a space before it the parser reads one as text and refuses it.
    const isBinary = source[0] === BINARY_CHUNK;
    const text = isBinary ? Buffer.concat([Buffer.from(" "), source]) : source;
    const pointer = this.#machine.copyIn(L, text);
    if (api.luaL_loadbuffer(L, pointer, text.length, namePointer) === 0) return 1;
    api.lua_pushnil(L);
    api.lua_insert(L, -2);
    return 2;
  }

  #loadstring(original: LuaFunction): LuaFunction {
    const { api } = this.#machine;
    return (L) => {
      const source = this.#machine.checkBytes(L, 1);
      if (source[0] !== BINARY_CHUNK) return original(L);
      const name = api.luaL_checklstring(L, api.lua_gettop(L) > 1 ? 2 : 1, 0);
      return this.#compile(L, source.slice(), name);
    };
  }

  readonly #load: LuaFunction = (L) => {
    const { api } = this.#machine;
    if (api.lua_type(L, 2) > LUA_TYPE.nil) this.#machine.checkBytes(L, 2);
    else {
      api.lua_settop(L, 1);
      this.#machine.pushText(L, "=(load)");
    }
    api.luaL_checktype(L, 1, LUA_TYPE.function);
    api.lua_settop(L, 2);
    const pieces: Uint8Array[] = [];
    for (;;) {
      api.lua_pushvalue(L, 1);
      if (api.lua_pcall(L, 0, 1, 0) !== 0) {
        api.lua_pushnil(L);
        api.lua_insert(L, -2);
        return 2;
      }
      if (api.lua_type(L, -1) === LUA_TYPE.nil) break;
      if (api.lua_isstring(L, -1) === 0) {
        api.lua_pushnil(L);
        this.#machine.pushText(L, "reader function must return a string");
        return 2;
      }
      const piece = this.#machine.peek(L, -1) ?? new Uint8Array();
      if (piece.length === 0) break;
      pieces.push(piece.slice());
      api.lua_settop(L, 2);
    }
    return this.#compile(L, Buffer.concat(pieces), api.luaL_checklstring(L, 2, 0));
  };

  /** Collecting is the machine's affair: a script neither stops it for the next one nor sees how full memory is. */
  readonly #collectgarbage: LuaFunction = (L) => {
    const { api } = this.#machine;
    const given = api.lua_type(L, 1) > LUA_TYPE.nil;
    if (given) this.#machine.checkBytes(L, 1);
    const option = given ? (this.#machine.text(L, 1).split("\0")[0] as string) : "collect";
    if (option === "collect") api.lua_gc(L, 2, 0);
    if (option === "step") api.lua_pushboolean(L, 1);
    else if (option === "setpause" || option === "setstepmul") api.lua_pushnumber(L, 200);
    else if (["collect", "stop", "restart", "count"].includes(option)) api.lua_pushnumber(L, 0);
    else this.#machine.argumentError(L, 1, `invalid option '${option}'`);
    return 1;
  };

  /** Redis's `pcall`: an error that is a table with `err` comes out as that string. */
  readonly #pcall: LuaFunction = (L) => {
    const { api } = this.#machine;
    api.luaL_checkany(L, 1);
    const count = api.lua_gettop(L);
    api.lua_pushboolean(L, 1);
    api.lua_insert(L, 1);
    if (api.lua_pcall(L, count - 1, -1, 0) !== 0) {
      api.lua_remove(L, 1);
      if (api.lua_type(L, -1) === LUA_TYPE.table) {
        this.#machine.getField(L, -1, "err");
        if (api.lua_isstring(L, -1) !== 0) api.lua_replace(L, -2);
      }
      api.lua_pushboolean(L, 0);
      api.lua_insert(L, 1);
    }
    return api.lua_gettop(L);
  };
}
