/** The C API of Lua 5.1 as the WebAssembly module exports it; pointers and `size_t` are 32-bit numbers. */
export interface LuaExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly __indirect_function_table: {
    get(index: number): (...values: number[]) => number;
    set(index: number, value: unknown): void;
    grow(count: number): number;
  };
  __wasm_call_ctors(): void;
  stackSave(): number;
  stackRestore(pointer: number): void;
  setThrew(threw: number, value: number): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
  luaL_newstate(): number;
  luaopen_base(L: number): number;
  luaopen_table(L: number): number;
  luaopen_string(L: number): number;
  luaopen_math(L: number): number;
  luaopen_debug(L: number): number;
  lua_gettop(L: number): number;
  lua_settop(L: number, index: number): void;
  lua_pushvalue(L: number, index: number): void;
  lua_insert(L: number, index: number): void;
  lua_remove(L: number, index: number): void;
  lua_replace(L: number, index: number): void;
  lua_checkstack(L: number, extra: number): number;
  lua_type(L: number, index: number): number;
  lua_isnumber(L: number, index: number): number;
  lua_isstring(L: number, index: number): number;
  lua_tonumber(L: number, index: number): number;
  lua_toboolean(L: number, index: number): number;
  lua_tolstring(L: number, index: number, lengthPointer: number): number;
  lua_touserdata(L: number, index: number): number;
  lua_topointer(L: number, index: number): number;
  lua_objlen(L: number, index: number): number;
  lua_pushnil(L: number): void;
  lua_pushnumber(L: number, value: number): void;
  lua_pushlstring(L: number, pointer: number, length: number): void;
  lua_pushboolean(L: number, value: number): void;
  lua_pushlightuserdata(L: number, pointer: number): void;
  lua_pushcclosure(L: number, functionIndex: number, upvalueCount: number): void;
  lua_gettable(L: number, index: number): void;
  lua_settable(L: number, index: number): void;
  lua_rawget(L: number, index: number): void;
  lua_rawset(L: number, index: number): void;
  lua_rawgeti(L: number, index: number, n: number): void;
  lua_rawseti(L: number, index: number, n: number): void;
  lua_createtable(L: number, arraySize: number, hashSize: number): void;
  lua_getmetatable(L: number, index: number): number;
  lua_setmetatable(L: number, index: number): number;
  lua_setfenv(L: number, index: number): number;
  lua_call(L: number, argumentCount: number, resultCount: number): void;
  lua_pcall(L: number, argumentCount: number, resultCount: number, errorHandlerIndex: number): number;
  lua_error(L: number): number;
  lua_next(L: number, index: number): number;
  lua_concat(L: number, count: number): void;
  lua_tocfunction(L: number, index: number): number;
  lua_gc(L: number, what: number, data: number): number;
  lua_sethook(L: number, functionIndex: number, mask: number, count: number): number;
  luaL_where(L: number, level: number): void;
  luaL_loadbuffer(L: number, pointer: number, length: number, namePointer: number): number;
  luaL_argerror(L: number, argument: number, messagePointer: number): number;
  luaL_checklstring(L: number, argument: number, lengthPointer: number): number;
  luaL_checknumber(L: number, argument: number): number;
  luaL_checkinteger(L: number, argument: number): number;
  luaL_optinteger(L: number, argument: number, fallback: number): number;
  luaL_checktype(L: number, argument: number, type: number): void;
  luaL_checkany(L: number, argument: number): void;
  luaL_typerror(L: number, argument: number, namePointer: number): number;
}

/** What `lua_type` answers. */
export const LUA_TYPE = {
  none: -1,
  nil: 0,
  boolean: 1,
  lightUserdata: 2,
  number: 3,
  string: 4,
  table: 5,
  function: 6,
  userdata: 7,
  thread: 8,
} as const;

/** Pseudo-indices of the C API. */
export const REGISTRY_INDEX = -10_000;
export const GLOBALS_INDEX = -10_002;

/** The status of `lua_pcall` and of loading when memory ran out. */
export const LUA_ERRMEM = 4;

/** The pseudo-index of the n-th upvalue (from 1) of the running C function. */
export function upvalueIndex(n: number): number {
  return GLOBALS_INDEX - n;
}
