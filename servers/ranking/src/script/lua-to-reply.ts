import type { ByteBuilder } from "./byte-builder.ts";
import { formatNumber } from "./format-number.ts";
import { LUA_TYPE } from "./lua-exports.ts";
import type { LuaMachine } from "./lua-machine.ts";

/** The RESP version of a connection or of a script's inner commands. */
export type RespVersion = 2 | 3;

/** The reply of a script grew past its limit: a table that contains itself twice has no end. */
export class ReplyTooLong extends Error {
  override readonly name = "ReplyTooLong";
}

/** Tables within tables. Redis stops where Lua's stack ends, at some 8,000; JavaScript's own stack ends before that. */
const DEPTH_LIMIT = 2000;

/** Turns a Lua value into the reply of a script. */
export class LuaToReply {
  readonly #machine: LuaMachine;
  readonly #out: ByteBuilder;
  readonly #limitBytes: number;
  #depth = 0;
  #resp: RespVersion = 2;
  #scriptResp: RespVersion = 2;

  constructor(machine: LuaMachine, out: ByteBuilder, limitBytes: number) {
    this.#machine = machine;
    this.#out = out;
    this.#limitBytes = limitBytes;
  }

  /**
   * Appends the value on top of the stack, and pops it.
   *
   * @param resp What the connection speaks.
   * @param scriptResp What the script chose by `redis.setresp`: it decides what booleans become.
   */
  append(L: number, resp: RespVersion, scriptResp: RespVersion): void {
    this.#resp = resp;
    this.#scriptResp = scriptResp;
    this.#depth = 0;
    this.#value(L);
  }

  #value(L: number): void {
    const { api } = this.#machine;
    const out = this.#out;
    if (out.length > this.#limitBytes) throw new ReplyTooLong(`A reply is longer than ${this.#limitBytes} bytes`);
    if (this.#depth > DEPTH_LIMIT || api.lua_checkstack(L, 4) === 0) {
      out.text("-ERR reached lua stack limit\r\n");
      api.lua_settop(L, -2);
      return;
    }
    switch (api.lua_type(L, -1)) {
      case LUA_TYPE.string:
        this.#bulk(this.#machine.peek(L, -1) ?? new Uint8Array());
        break;
      case LUA_TYPE.boolean:
        this.#boolean(api.lua_toboolean(L, -1) !== 0);
        break;
      case LUA_TYPE.number:
        out.text(`:${integerText(api.lua_tonumber(L, -1))}\r\n`);
        break;
      case LUA_TYPE.table:
        this.#depth++;
        this.#table(L);
        this.#depth--;
        break;
      default:
        this.#null();
    }
    api.lua_settop(L, -2);
  }

  #null(): void {
    this.#out.text(this.#resp === 2 ? "$-1\r\n" : "_\r\n");
  }

  #boolean(isTrue: boolean): void {
    if (this.#scriptResp === 2) {
      if (isTrue) this.#out.text(":1\r\n");
      else this.#null();
    } else if (this.#resp === 2) this.#out.text(isTrue ? ":1\r\n" : ":0\r\n");
    else this.#out.text(isTrue ? "#t\r\n" : "#f\r\n");
  }

  #bulk(bytes: Uint8Array): void {
    this.#out.text(`$${bytes.length}\r\n`);
    this.#out.append(bytes);
    this.#out.text("\r\n");
  }

  /** Leaves the table on the stack. */
  #table(L: number): void {
    if (this.#textField(L, "err", "-", true) || this.#textField(L, "ok", "+", false)) return;
    if (this.#double(L) || this.#bigNumber(L) || this.#verbatim(L)) return;
    if (this.#map(L) || this.#set(L)) return;
    const { api } = this.#machine;
    let count = 0;
    for (;;) {
      api.lua_rawgeti(L, -1, count + 1);
      const isEnd = api.lua_type(L, -1) === LUA_TYPE.nil;
      api.lua_settop(L, -2);
      if (isEnd) break;
      count++;
    }
    this.#out.text(`*${count}\r\n`);
    for (let i = 1; i <= count; i++) {
      api.lua_rawgeti(L, -1, i);
      this.#value(L);
    }
  }

  #textField(L: number, name: string, prefix: string, isError: boolean): boolean {
    const { api } = this.#machine;
    this.#machine.getField(L, -1, name);
    const isText = api.lua_type(L, -1) === LUA_TYPE.string;
    if (isText) {
      const text = this.#machine.text(L, -1).split("\0")[0] as string;
      const trimmed = isError ? text.replace(/^[\r\n]+|[\r\n]+$/g, "") : text;
      this.#out.text(`${prefix}${trimmed.replaceAll(/[\r\n]/g, " ")}\r\n`);
    }
    api.lua_settop(L, -2);
    return isText;
  }

  #double(L: number): boolean {
    const { api } = this.#machine;
    this.#machine.getField(L, -1, "double");
    const isNumber = api.lua_type(L, -1) === LUA_TYPE.number;
    if (isNumber) {
      const text = formatNumber(api.lua_tonumber(L, -1), 17);
      this.#out.text(this.#resp === 2 ? `$${text.length}\r\n${text}\r\n` : `,${text}\r\n`);
    }
    api.lua_settop(L, -2);
    return isNumber;
  }

  #bigNumber(L: number): boolean {
    const { api } = this.#machine;
    this.#machine.getField(L, -1, "big_number");
    const isText = api.lua_type(L, -1) === LUA_TYPE.string;
    if (isText) {
      const text = this.#machine.text(L, -1).replaceAll(/[\r\n]/g, " ");
      this.#out.text(this.#resp === 2 ? `$${text.length}\r\n${text}\r\n` : `(${text}\r\n`);
    }
    api.lua_settop(L, -2);
    return isText;
  }

  #verbatim(L: number): boolean {
    const { api } = this.#machine;
    this.#machine.getField(L, -1, "verbatim_string");
    let isVerbatim = false;
    if (api.lua_type(L, -1) === LUA_TYPE.table) {
      this.#machine.getField(L, -1, "format");
      this.#machine.getField(L, -2, "string");
      isVerbatim = api.lua_type(L, -2) === LUA_TYPE.string && api.lua_type(L, -1) === LUA_TYPE.string;
      if (isVerbatim) {
        const format = this.#machine.text(L, -2).slice(0, 3).padEnd(3, " ");
        const bytes = this.#machine.peek(L, -1) ?? new Uint8Array();
        if (this.#resp === 2) this.#bulk(bytes);
        else {
          this.#out.text(`=${bytes.length + 4}\r\n${format}:`);
          this.#out.append(bytes);
          this.#out.text("\r\n");
        }
      }
      api.lua_settop(L, -3);
    }
    api.lua_settop(L, -2);
    return isVerbatim;
  }

  #count(L: number): number {
    const { api } = this.#machine;
    let count = 0;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      api.lua_settop(L, -2);
      count++;
    }
    return count;
  }

  #map(L: number): boolean {
    const { api } = this.#machine;
    this.#machine.getField(L, -1, "map");
    const isMap = api.lua_type(L, -1) === LUA_TYPE.table;
    if (isMap) {
      const count = this.#count(L);
      this.#out.text(this.#resp === 2 ? `*${count * 2}\r\n` : `%${count}\r\n`);
      api.lua_pushnil(L);
      while (api.lua_next(L, -2) !== 0) {
        api.lua_pushvalue(L, -2);
        this.#value(L);
        this.#value(L);
      }
    }
    api.lua_settop(L, -2);
    return isMap;
  }

  #set(L: number): boolean {
    const { api } = this.#machine;
    this.#machine.getField(L, -1, "set");
    const isSet = api.lua_type(L, -1) === LUA_TYPE.table;
    if (isSet) {
      this.#out.text(`${this.#resp === 2 ? "*" : "~"}${this.#count(L)}\r\n`);
      api.lua_pushnil(L);
      while (api.lua_next(L, -2) !== 0) {
        api.lua_settop(L, -2);
        api.lua_pushvalue(L, -1);
        this.#value(L);
      }
    }
    api.lua_settop(L, -2);
    return isSet;
  }
}

/** As C on x86 converts to a 64-bit integer: what does not fit becomes the smallest one. */
function integerText(value: number): string {
  if (Number.isSafeInteger(value)) return String(value === 0 ? 0 : value);
  if (!(value >= -(2 ** 63) && value < 2 ** 63)) return "-9223372036854775808";
  return BigInt(Math.trunc(value)).toString();
}
