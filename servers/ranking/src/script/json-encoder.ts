import type { ByteBuilder } from "./byte-builder.ts";
import { formatNumber } from "./format-number.ts";
import type { JsonSettings } from "./json-library.ts";
import { LUA_TYPE } from "./lua-exports.ts";
import type { LuaMachine } from "./lua-machine.ts";

const ESCAPES: readonly (string | undefined)[] = Array.from({ length: 256 }, (_, code) => {
  const short = { 8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 47: "\\/", 92: "\\\\" }[code];
  if (short !== undefined) return short;
  return code < 32 || code === 127 ? `\\u${code.toString(16).padStart(4, "0")}` : undefined;
});

const TYPE_NAMES = ["nil", "boolean", "userdata", "number", "string", "table", "function", "userdata", "thread"];

/** Writes Lua values as JSON, as cjson 2.1 in Redis does. */
export class JsonEncoder {
  readonly #machine: LuaMachine;
  readonly #out: ByteBuilder;

  constructor(machine: LuaMachine, out: ByteBuilder) {
    this.#machine = machine;
    this.#out = out;
  }

  /** Appends the value on top of the stack and leaves it there. Raises a Lua error for what JSON cannot hold. */
  append(L: number, settings: JsonSettings, depth: number): void {
    const { api } = this.#machine;
    switch (api.lua_type(L, -1)) {
      case LUA_TYPE.string:
        this.#string(L, -1);
        break;
      case LUA_TYPE.number:
        this.#number(L, settings, -1);
        break;
      case LUA_TYPE.boolean:
        this.#out.text(api.lua_toboolean(L, -1) === 0 ? "false" : "true");
        break;
      case LUA_TYPE.table:
        this.#table(L, settings, depth + 1);
        break;
      case LUA_TYPE.nil:
        this.#out.text("null");
        break;
      case LUA_TYPE.lightUserdata:
        if (api.lua_touserdata(L, -1) !== 0) this.#refuse(L, -1, "type not supported");
        this.#out.text("null");
        break;
      default:
        this.#refuse(L, -1, "type not supported");
    }
  }

  #refuse(L: number, index: number, reason: string): never {
    const type = TYPE_NAMES[this.#machine.api.lua_type(L, index)];
    return this.#machine.raiseText(L, `Cannot serialise ${type}: ${reason}`);
  }

  #string(L: number, index: number): void {
    const out = this.#out;
    const bytes = this.#machine.peek(L, index) ?? new Uint8Array();
    out.byte(0x22);
    let from = 0;
    for (let i = 0; i < bytes.length; i++) {
      const escaped = ESCAPES[bytes[i] as number];
      if (escaped === undefined) continue;
      out.append(bytes.subarray(from, i));
      out.text(escaped);
      from = i + 1;
    }
    out.append(bytes.subarray(from));
    out.byte(0x22);
  }

  #number(L: number, settings: JsonSettings, index: number): void {
    const value = this.#machine.api.lua_tonumber(L, index);
    if (!Number.isFinite(value)) {
      if (settings.encodeInvalidNumbers === 0) this.#refuse(L, index, "must not be NaN or Inf");
      this.#out.text(settings.encodeInvalidNumbers === 2 ? "null" : formatNumber(value, 14));
      return;
    }
    this.#out.text(formatNumber(value, settings.encodeNumberPrecision));
  }

  #table(L: number, settings: JsonSettings, depth: number): void {
    const { api } = this.#machine;
    if (depth > settings.encodeMaxDepth || api.lua_checkstack(L, 3) === 0) {
      this.#machine.raiseText(L, `Cannot serialise, excessive nesting (${depth})`);
    }
    const length = this.#arrayLength(L, settings);
    if (length <= 0) {
      this.#object(L, settings, depth);
      return;
    }
    this.#out.byte(0x5b);
    for (let i = 1; i <= length; i++) {
      if (i > 1) this.#out.byte(0x2c);
      api.lua_rawgeti(L, -1, i);
      this.append(L, settings, depth);
      api.lua_settop(L, -2);
    }
    this.#out.byte(0x5d);
  }

  /** -1 if the table has another key than 1, 2, … */
  #arrayLength(L: number, settings: JsonSettings): number {
    const { api } = this.#machine;
    let max = 0;
    let count = 0;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      const key = api.lua_type(L, -2) === LUA_TYPE.number ? api.lua_tonumber(L, -2) : 0;
      if (!(key >= 1 && Math.floor(key) === key)) {
        api.lua_settop(L, -3);
        return -1;
      }
      if (key > max) max = key > 2_147_483_647 ? -2_147_483_648 : key; // as the C conversion on x86 does
      count++;
      api.lua_settop(L, -2);
    }
    const { sparseRatio, sparseSafe } = settings;
    if (sparseRatio > 0 && max > count * sparseRatio && max > sparseSafe) {
      if (!settings.sparseConvert) this.#refuse(L, -1, "excessively sparse array");
      return -1;
    }
    return max;
  }

  #object(L: number, settings: JsonSettings, depth: number): void {
    const { api } = this.#machine;
    const out = this.#out;
    let isFirst = true;
    out.byte(0x7b);
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      if (!isFirst) out.byte(0x2c);
      isFirst = false;
      const type = api.lua_type(L, -2);
      if (type === LUA_TYPE.number) {
        out.byte(0x22);
        this.#number(L, settings, -2);
        out.byte(0x22);
      } else if (type === LUA_TYPE.string) this.#string(L, -2);
      else this.#refuse(L, -2, "table key must be a number or string");
      out.byte(0x3a);
      this.append(L, settings, depth);
      api.lua_settop(L, -2);
    }
    out.byte(0x7d);
  }
}
