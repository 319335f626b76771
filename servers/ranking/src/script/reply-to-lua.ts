import type { LuaMachine } from "./lua-machine.ts";

const NEWLINE = 10;

/** Turns the reply of an inner command, RESP2 or RESP3, into a Lua value. */
export class ReplyToLua {
  readonly #machine: LuaMachine;
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;

  constructor(machine: LuaMachine) {
    this.#machine = machine;
  }

  /** Pushes one value. `reply` must be one whole reply. */
  push(L: number, reply: Uint8Array): void {
    this.#bytes = reply;
    this.#at = 0;
    this.#value(L);
    this.#bytes = new Uint8Array();
  }

  #line(): Uint8Array {
    const end = this.#bytes.indexOf(NEWLINE, this.#at);
    if (end < 0) throw new RangeError("A reply of an inner command ends before its end");
    const line = this.#bytes.subarray(this.#at, end - 1);
    this.#at = end + 1;
    return line;
  }

  #number(): number {
    return Number(latin1(this.#line()));
  }

  #value(L: number): void {
    const { api } = this.#machine;
    if (api.lua_checkstack(L, 6) === 0) this.#machine.raise(L, "lua stack limit reached by a reply");
    const type = this.#bytes[this.#at++];
    switch (type) {
      case 0x24: // $
        this.#bulk(L);
        break;
      case 0x3a: // :
        api.lua_pushnumber(L, this.#number());
        break;
      case 0x2b: // +
        this.#field(L, "ok", this.#line());
        break;
      case 0x2d: // -
        pushError(this.#machine, L, latin1(this.#line()), true);
        break;
      case 0x2a: // *
        this.#array(L);
        break;
      case 0x5f: // _
        this.#line();
        api.lua_pushnil(L);
        break;
      case 0x23: // #
        api.lua_pushboolean(L, this.#line()[0] === 0x74 ? 1 : 0);
        break;
      default:
        this.#resp3(L, type);
    }
  }

  #resp3(L: number, type: number | undefined): void {
    const { api } = this.#machine;
    switch (type) {
      case 0x2c: // ,
        api.lua_createtable(L, 0, 1);
        api.lua_pushnumber(L, doubleOf(latin1(this.#line())));
        this.#machine.setField(L, -2, "double");
        break;
      case 0x28: // (
        this.#field(L, "big_number", this.#line());
        break;
      case 0x3d: // =
        this.#verbatim(L);
        break;
      case 0x25: // %
        this.#map(L);
        break;
      case 0x7e: // ~
        this.#set(L);
        break;
      case 0x7c: // |
        for (let i = this.#number() * 2; i > 0; i--) {
          this.#value(L);
          api.lua_settop(L, -2);
        }
        this.#value(L);
        break;
      default:
        throw new RangeError(`A reply of an inner command starts with byte ${type}, which is no type`);
    }
  }

  #field(L: number, name: string, value: Uint8Array): void {
    this.#machine.api.lua_createtable(L, 0, 1);
    this.#machine.push(L, value);
    this.#machine.setField(L, -2, name);
  }

  #bulk(L: number): void {
    const length = this.#number();
    if (length < 0) {
      this.#machine.api.lua_pushboolean(L, 0);
      return;
    }
    this.#machine.push(L, this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length + 2;
  }

  #array(L: number): void {
    const { api } = this.#machine;
    const count = this.#number();
    if (count < 0) {
      api.lua_pushboolean(L, 0);
      return;
    }
    api.lua_createtable(L, count, 0);
    for (let i = 1; i <= count; i++) {
      this.#value(L);
      api.lua_rawseti(L, -2, i);
    }
  }

  #map(L: number): void {
    const { api } = this.#machine;
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, 0);
    for (let i = this.#number(); i > 0; i--) {
      this.#value(L);
      this.#value(L);
      api.lua_rawset(L, -3);
    }
    this.#machine.setField(L, -2, "map");
  }

  #set(L: number): void {
    const { api } = this.#machine;
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, 0);
    for (let i = this.#number(); i > 0; i--) {
      this.#value(L);
      api.lua_pushboolean(L, 1);
      api.lua_rawset(L, -3);
    }
    this.#machine.setField(L, -2, "set");
  }

  #verbatim(L: number): void {
    const { api } = this.#machine;
    const length = this.#number();
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length + 2;
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, 2);
    this.#machine.push(L, bytes.subarray(4));
    this.#machine.setField(L, -2, "string");
    this.#machine.push(L, bytes.subarray(0, 3));
    this.#machine.setField(L, -2, "format");
    this.#machine.setField(L, -2, "verbatim_string");
  }
}

/**
 * Pushes `{err = "CODE message"}`.
 *
 * @param text `CODE message`; a single word gets the code ERR.
 * @param isCounted Whether the error was a command's, which has counted it already.
 */
export function pushError(machine: LuaMachine, L: number, text: string, isCounted: boolean): void {
  const space = text.indexOf(" ");
  const code = space < 0 ? "ERR" : text.slice(0, space);
  const message = (space < 0 ? text : text.slice(space + 1)).replace(/^[\r\n]+|[\r\n]+$/g, "");
  machine.api.lua_createtable(L, 0, 2);
  machine.pushText(L, `${code} ${message}`);
  machine.setField(L, -2, "err");
  if (!isCounted) return;
  machine.api.lua_pushboolean(L, 1);
  machine.setField(L, -2, "ignore_error_stats_update");
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function doubleOf(text: string): number {
  if (text === "inf") return Number.POSITIVE_INFINITY;
  return text === "-inf" ? Number.NEGATIVE_INFINITY : Number(text);
}
