import type { LuaMachine } from "./lua-machine.ts";

const INT_MAX = 2_147_483_647;
const END = Symbol("end");
const BAD = Symbol("bad");
type Trouble = typeof END | typeof BAD | undefined;

/**
 * Pushes the values packed in argument 1, at most `limit` from `offset` (bytes) on; all if both are 0.
 *
 * @returns how many values were pushed, the next offset included where a limit or an offset is given.
 */
export function unpackMessages(machine: LuaMachine, L: number, limit: number, offset: number): number {
  const { api } = machine;
  const isAll = limit === 0 && offset === 0;
  // A copy: Lua may move its memory while values are made.
  const bytes = machine.checkBytes(L, 1).slice();
  if (offset < 0 || limit < 0) {
    const message = `Invalid request to unpack with offset of ${offset} and limit of ${bytes.length}.`;
    machine.raiseText(L, message);
  }
  if (offset > bytes.length) {
    machine.raiseText(L, `Start offset ${offset} greater than input length ${bytes.length}.`);
  }
  const unpacker = new Unpacker(machine, L, bytes, offset);
  const most = isAll ? INT_MAX : limit;
  let count = 0;
  for (; unpacker.at < bytes.length && count < most; count++) {
    const trouble = unpacker.value();
    if (trouble === END) machine.raise(L, "Missing bytes in input.");
    if (trouble === BAD) machine.raise(L, "Bad data format in input.");
  }
  if (isAll) return count;
  api.lua_pushnumber(L, unpacker.at === bytes.length ? -1 : unpacker.at);
  api.lua_insert(L, 2);
  return count + 1;
}

class Unpacker {
  readonly #machine: LuaMachine;
  readonly #L: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(machine: LuaMachine, L: number, bytes: Uint8Array, at: number) {
    this.#machine = machine;
    this.#L = L;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
  }

  value(): Trouble {
    if (this.at >= this.#bytes.length) return END;
    const { api } = this.#machine;
    if (api.lua_checkstack(this.#L, 3) === 0) {
      const advice = "too many return values at once; use unpack_one or unpack_limit instead.";
      this.#machine.raise(this.#L, `stack overflow (${advice})`);
    }
    const code = this.#bytes[this.at] as number;
    if (code < 0x80 || code >= 0xe0) {
      this.at++;
      api.lua_pushnumber(this.#L, code < 0x80 ? code : code - 256);
      return undefined;
    }
    if (code < 0x90) return this.#table(1, code & 0xf, true);
    if (code < 0xa0) return this.#table(1, code & 0xf, false);
    if (code < 0xc0) return this.#string(1, code & 0x1f);
    return this.#coded(code);
  }

  #coded(code: number): Trouble {
    const { api } = this.#machine;
    switch (code) {
      case 0xc0:
        api.lua_pushnil(this.#L);
        break;
      case 0xc2:
      case 0xc3:
        api.lua_pushboolean(this.#L, code - 0xc2);
        break;
      case 0xca:
      case 0xcb:
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.#number(code);
      case 0xd9:
      case 0xda:
      case 0xdb:
      case 0xdc:
      case 0xdd:
      case 0xde:
      case 0xdf:
        return this.#sized(code);
      default:
        return BAD;
    }
    this.at++;
    return undefined;
  }

  #number(code: number): Trouble {
    const size = code === 0xca ? 4 : code === 0xcb ? 8 : 1 << ((code - 0xcc) & 3);
    if (this.at + 1 + size > this.#bytes.length) return END;
    const at = this.at + 1;
    const view = this.#view;
    let value: number;
    if (code === 0xca) value = view.getFloat32(at);
    else if (code === 0xcb) value = view.getFloat64(at);
    else if (code === 0xcc) value = view.getUint8(at);
    else if (code === 0xcd) value = view.getUint16(at);
    else if (code === 0xce) value = view.getUint32(at);
    // Through Lua's integer type, which is signed: as in Redis, 2^63 and more come out negative.
    else if (code === 0xcf) value = Number(view.getBigInt64(at));
    else if (code === 0xd0) value = view.getInt8(at);
    else if (code === 0xd1) value = view.getInt16(at);
    else if (code === 0xd2) value = view.getInt32(at);
    else value = Number(view.getBigInt64(at));
    this.#machine.api.lua_pushnumber(this.#L, value);
    this.at += 1 + size;
    return undefined;
  }

  #sized(code: number): Trouble {
    const size = code === 0xd9 ? 1 : code === 0xda || code === 0xdc || code === 0xde ? 2 : 4;
    if (this.at + 1 + size > this.#bytes.length) return END;
    const at = this.at + 1;
    const count =
      size === 1 ? this.#view.getUint8(at) : size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
    if (code <= 0xdb) return this.#string(1 + size, count);
    return this.#table(1 + size, count, code >= 0xde);
  }

  #string(headerBytes: number, length: number): Trouble {
    const start = this.at + headerBytes;
    if (start + length > this.#bytes.length) return END;
    this.#machine.push(this.#L, this.#bytes.subarray(start, start + length));
    this.at = start + length;
    return undefined;
  }

  #table(headerBytes: number, count: number, isMap: boolean): Trouble {
    const { api } = this.#machine;
    this.at += headerBytes;
    api.lua_createtable(this.#L, 0, 0);
    for (let i = 1; i <= count; i++) {
      if (isMap) {
        const trouble = this.value();
        if (trouble !== undefined) return trouble;
      } else api.lua_pushnumber(this.#L, i);
      const trouble = this.value();
      if (trouble !== undefined) return trouble;
      api.lua_settable(this.#L, -3);
    }
    return undefined;
  }
}
