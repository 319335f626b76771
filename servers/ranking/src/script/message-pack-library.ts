import type { ByteBuilder } from "./byte-builder.ts";
import { LUA_TYPE } from "./lua-exports.ts";
import type { LuaFunction, LuaMachine } from "./lua-machine.ts";
import { unpackMessages } from "./message-unpacker.ts";

const MAX_NESTING = 16;
const TWO_TO_63 = 2 ** 63;

/** `cmsgpack` 0.4.0's functions. */
export function messagePackLibrary(machine: LuaMachine, out: ByteBuilder): Record<string, LuaFunction> {
  const { api } = machine;
  return {
    pack: (L) => {
      const count = api.lua_gettop(L);
      if (count === 0) machine.argumentError(L, 0, "MessagePack pack needs input.");
      if (api.lua_checkstack(L, count) === 0) machine.argumentError(L, 0, "Too many arguments for MessagePack pack.");
      out.clear();
      for (let i = 1; i <= count; i++) {
        api.lua_pushvalue(L, i);
        packTop(machine, L, out, 0);
      }
      machine.push(L, out.view());
      return 1;
    },
    unpack: (L) => unpackMessages(machine, L, 0, 0),
    unpack_one: (L) => {
      const offset = api.luaL_optinteger(L, 2, 0);
      api.lua_settop(L, 1);
      return unpackMessages(machine, L, 1, offset);
    },
    unpack_limit: (L) => {
      const limit = api.luaL_checkinteger(L, 2);
      const offset = api.luaL_optinteger(L, 3, 0);
      api.lua_settop(L, 1);
      return unpackMessages(machine, L, limit, offset);
    },
  };
}

/** Appends the value on top and pops it. */
function packTop(machine: LuaMachine, L: number, out: ByteBuilder, level: number): void {
  const { api } = machine;
  const type = api.lua_type(L, -1);
  if (type === LUA_TYPE.string) {
    const bytes = machine.peek(L, -1) ?? new Uint8Array();
    const size = bytes.length;
    if (size < 32) out.byte(0xa0 | size);
    else if (size <= 0xff) header(out, 0xd9, size, 1);
    else if (size <= 0xffff) header(out, 0xda, size, 2);
    else header(out, 0xdb, size, 4);
    out.append(bytes);
  } else if (type === LUA_TYPE.boolean) out.byte(api.lua_toboolean(L, -1) === 0 ? 0xc2 : 0xc3);
  else if (type === LUA_TYPE.number) packNumber(out, api.lua_tonumber(L, -1));
  else if (type === LUA_TYPE.table && level < MAX_NESTING) packTable(machine, L, out, level);
  else out.byte(0xc0);
  api.lua_settop(L, -2);
}

function header(out: ByteBuilder, code: number, value: number, sizeBytes: number): void {
  out.byte(code);
  out.bigEndian(BigInt(value), sizeBytes);
}

function packNumber(out: ByteBuilder, value: number): void {
  if (Math.floor(value) === value && value >= -TWO_TO_63 && value < TWO_TO_63) {
    packInteger(out, value);
    return;
  }
  const isSingle = Math.fround(value) === value;
  const bytes = new DataView(new ArrayBuffer(8));
  if (isSingle) bytes.setFloat32(0, value);
  else bytes.setFloat64(0, value);
  // C's NaN of 0/0 has its sign set on x86 and JavaScript's has not; which one a machine makes must not show.
  if (Number.isNaN(value)) bytes.setUint32(0, 0xfff80000);
  out.byte(isSingle ? 0xca : 0xcb);
  out.append(new Uint8Array(bytes.buffer, 0, isSingle ? 4 : 8));
}

function packInteger(out: ByteBuilder, value: number): void {
  if (value >= 0) {
    if (value <= 127) out.byte(value);
    else if (value <= 0xff) header(out, 0xcc, value, 1);
    else if (value <= 0xffff) header(out, 0xcd, value, 2);
    else if (value <= 0xffffffff) header(out, 0xce, value, 4);
    else header(out, 0xcf, value, 8);
  } else if (value >= -32) out.byte(value & 0xff);
  else if (value >= -128) header(out, 0xd0, value, 1);
  else if (value >= -32_768) header(out, 0xd1, value, 2);
  else if (value >= -2_147_483_648) header(out, 0xd2, value, 4);
  else header(out, 0xd3, value, 8);
}

function packTable(machine: LuaMachine, L: number, out: ByteBuilder, level: number): void {
  const { api } = machine;
  if (api.lua_checkstack(L, 3) === 0) machine.raise(L, "stack overflow (in function mp_encode_lua_table_as_map)");
  if (isArray(machine, L)) {
    const length = api.lua_objlen(L, -1);
    if (length <= 15) out.byte(0x90 | length);
    else if (length <= 65_535) header(out, 0xdc, length, 2);
    else header(out, 0xdd, length, 4);
    for (let i = 1; i <= length; i++) {
      api.lua_pushnumber(L, i);
      api.lua_gettable(L, -2);
      packTop(machine, L, out, level + 1);
    }
    return;
  }
  let count = 0;
  api.lua_pushnil(L);
  while (api.lua_next(L, -2) !== 0) {
    api.lua_settop(L, -2);
    count++;
  }
  if (count <= 15) out.byte(0x80 | count);
  else if (count <= 65_535) header(out, 0xde, count, 2);
  else header(out, 0xdf, count, 4);
  api.lua_pushnil(L);
  while (api.lua_next(L, -2) !== 0) {
    api.lua_pushvalue(L, -2);
    packTop(machine, L, out, level + 1);
    packTop(machine, L, out, level + 1);
  }
}

/** Whether the keys are exactly 1 to their count. */
function isArray(machine: LuaMachine, L: number): boolean {
  const { api } = machine;
  const top = api.lua_gettop(L);
  let max = 0;
  let count = 0;
  api.lua_pushnil(L);
  while (api.lua_next(L, -2) !== 0) {
    api.lua_settop(L, -2);
    const key = api.lua_type(L, -1) === LUA_TYPE.number ? api.lua_tonumber(L, -1) : 0;
    if (!(key > 0 && (key | 0) === key)) {
      api.lua_settop(L, top);
      return false;
    }
    max = Math.max(max, key);
    count++;
  }
  return max === count;
}
