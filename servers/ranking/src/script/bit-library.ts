import { LUA_TYPE } from "./lua-exports.ts";
import type { LuaFunction, LuaMachine } from "./lua-machine.ts";

const ROUNDS_TO_INTEGER = 6_755_399_441_055_744; // 2^52 + 2^51: adding it leaves the low 32 bits of the number.
const words = new Float64Array(1);
const halves = new Uint32Array(words.buffer);

/** Lua BitOp's functions, all on 32-bit numbers. */
export function bitLibrary(machine: LuaMachine): Record<string, LuaFunction> {
  const { api } = machine;
  const argument = (L: number, index: number): number => {
    words[0] = api.lua_tonumber(L, index) + ROUNDS_TO_INTEGER;
    const bits = (halves[0] as number) | 0;
    if (bits === 0 && api.lua_isnumber(L, index) === 0) api.luaL_typerror(L, index, machine.cString("number"));
    return bits;
  };
  const push = (L: number, bits: number): number => {
    api.lua_pushnumber(L, bits | 0);
    return 1;
  };
  const fold = (combine: (a: number, b: number) => number): LuaFunction => {
    return (L) => {
      let bits = argument(L, 1);
      for (let i = api.lua_gettop(L); i > 1; i--) bits = combine(bits, argument(L, i));
      return push(L, bits);
    };
  };
  const shift = (move: (bits: number, n: number) => number): LuaFunction => {
    return (L) => {
      const bits = argument(L, 1);
      return push(L, move(bits, argument(L, 2) & 31));
    };
  };
  return {
    tobit: (L) => push(L, argument(L, 1)),
    bnot: (L) => push(L, ~argument(L, 1)),
    band: fold((a, b) => a & b),
    bor: fold((a, b) => a | b),
    bxor: fold((a, b) => a ^ b),
    lshift: shift((bits, n) => bits << n),
    rshift: shift((bits, n) => bits >>> n),
    arshift: shift((bits, n) => bits >> n),
    rol: shift((bits, n) => (n === 0 ? bits : (bits << n) | (bits >>> (32 - n)))),
    ror: shift((bits, n) => (n === 0 ? bits : (bits >>> n) | (bits << (32 - n)))),
    bswap: (L) => {
      const bits = argument(L, 1);
      return push(L, (bits >>> 24) | ((bits >>> 8) & 0xff00) | ((bits & 0xff00) << 8) | (bits << 24));
    },
    tohex: (L) => {
      const bits = argument(L, 1);
      const wanted = api.lua_type(L, 2) === LUA_TYPE.none ? 8 : argument(L, 2);
      const digits = Math.min(8, Math.abs(wanted));
      const hex = (bits >>> 0)
        .toString(16)
        .padStart(8, "0")
        .slice(8 - digits);
      machine.pushText(L, wanted < 0 ? hex.toUpperCase() : hex);
      return 1;
    },
  };
}
