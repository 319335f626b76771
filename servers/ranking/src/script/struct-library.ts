import type { ByteBuilder } from "./byte-builder.ts";
import type { LuaFunction, LuaMachine } from "./lua-machine.ts";

const INT_MAX = 2_147_483_647;
const MAX_INTEGER_BYTES = 32;
const WORD = (1n << 64n) - 1n;

/** Reads a format of `struct`: sizes as on a 64-bit Linux. */
class Format {
  readonly #machine: LuaMachine;
  readonly #L: number;
  readonly #text: string;
  #at = 0;
  isLittleEndian = true;
  #align = 1;

  constructor(machine: LuaMachine, L: number) {
    this.#machine = machine;
    this.#L = L;
    machine.checkBytes(L, 1);
    this.#text = machine.text(L, 1).split("\0")[0] as string;
  }

  /** The next option, or "" at the end. */
  next(): string {
    return this.#text[this.#at++] ?? "";
  }

  #number(fallback: number): number {
    let value: number | undefined;
    for (let c = this.#text[this.#at]; c !== undefined && c >= "0" && c <= "9"; c = this.#text[++this.#at]) {
      if ((value ?? 0) * 10 > INT_MAX - Number(c)) this.#machine.raise(this.#L, "integral size overflow");
      value = (value ?? 0) * 10 + Number(c);
    }
    return value ?? fallback;
  }

  /** Bytes of the option, whose number it reads. */
  size(option: string): number {
    if (option === "") return 0;
    if ("Bbx".includes(option)) return 1;
    if ("Hh".includes(option)) return 2;
    if ("LlTd".includes(option)) return 8;
    if (option === "f") return 4;
    if (option === "c") return this.#number(1);
    if (!"iI".includes(option)) return 0;
    const size = this.#number(4);
    if (size > MAX_INTEGER_BYTES) {
      const message = `integral size ${size} is larger than limit of ${MAX_INTEGER_BYTES}`;
      this.#machine.raiseText(this.#L, message);
    }
    return size;
  }

  /** Bytes to leave free before an element at `position`. */
  padding(position: number, option: string, size: number): number {
    if (size === 0 || option === "c") return 0;
    const unit = Math.min(size, this.#align);
    return (unit - (position & (unit - 1))) & (unit - 1);
  }

  control(option: string): void {
    if (option === " ") return;
    if (option === ">") this.isLittleEndian = false;
    else if (option === "<") this.isLittleEndian = true;
    else if (option === "!") {
      const align = this.#number(8);
      if (align <= 0 || (align & (align - 1)) !== 0) {
        this.#machine.raiseText(this.#L, `alignment ${align} is not a power of 2`);
      }
      this.#align = align;
    } else this.#machine.argumentError(this.#L, 1, `invalid format option '${option}'`);
  }
}

/** `struct`'s functions. */
export function structLibrary(machine: LuaMachine, out: ByteBuilder): Record<string, LuaFunction> {
  return {
    pack: (L) => pack(machine, L, out),
    unpack: (L) => unpack(machine, L),
    size: (L) => {
      const format = new Format(machine, L);
      let position = 0;
      for (let option = format.next(); option !== ""; option = format.next()) {
        const size = format.size(option);
        position += format.padding(position, option, size);
        if (option === "s") machine.argumentError(L, 1, "option 's' has no fixed size");
        if (option === "c" && size === 0) machine.argumentError(L, 1, "option 'c0' has no fixed size");
        if (!/[A-Za-z0-9]/.test(option)) format.control(option);
        position += size;
      }
      machine.api.lua_pushnumber(L, position);
      return 1;
    },
  };
}

function pack(machine: LuaMachine, L: number, out: ByteBuilder): number {
  const format = new Format(machine, L);
  machine.api.lua_pushnil(L); // A missing argument is nil in the error text of the original.
  out.clear();
  let argument = 2;
  let total = 0;
  for (let option = format.next(); option !== ""; option = format.next()) {
    let size = format.size(option);
    const padding = format.padding(total, option, size);
    for (let i = 0; i < padding; i++) out.byte(0);
    total += padding;
    if ("bBhHlLTiI".includes(option)) {
      putInteger(out, machine.api.luaL_checknumber(L, argument++), size, format.isLittleEndian);
    } else if (option === "x") out.byte(0);
    else if (option === "f" || option === "d") {
      putFloat(out, machine.api.luaL_checknumber(L, argument++), size, format.isLittleEndian);
    } else if (option === "c" || option === "s") {
      const bytes = machine.checkBytes(L, argument++);
      if (size === 0) size = bytes.length;
      if (bytes.length < size) machine.argumentError(L, argument, "string too short");
      out.append(bytes.subarray(0, size));
      if (option === "s") {
        out.byte(0);
        size++;
      }
    } else format.control(option);
    total += size;
  }
  machine.push(L, out.view());
  return 1;
}

function putInteger(out: ByteBuilder, value: number, size: number, isLittleEndian: boolean): void {
  // As C on x86 converts: beyond its range a number becomes the smallest one.
  const isInRange = Math.abs(value) < 2 ** 63 || (value >= 0 && value < 2 ** 64);
  const word = isInRange ? BigInt(Math.trunc(value)) & WORD : value >= 0 ? 0n : 1n << 63n;
  for (let i = 0; i < size; i++) {
    const shift = BigInt(8 * (isLittleEndian ? i : size - 1 - i));
    out.byte(Number((word >> shift) & 0xffn));
  }
}

function putFloat(out: ByteBuilder, value: number, size: number, isLittleEndian: boolean): void {
  const view = new DataView(new ArrayBuffer(size));
  if (size === 4) view.setFloat32(0, value, isLittleEndian);
  else view.setFloat64(0, value, isLittleEndian);
  out.append(new Uint8Array(view.buffer));
}

function unpack(machine: LuaMachine, L: number): number {
  const { api } = machine;
  const format = new Format(machine, L);
  // A copy: Lua may move its memory while values are made.
  const data = machine.checkBytes(L, 2).slice();
  let position = api.luaL_optinteger(L, 3, 1) - 1;
  if (position < 0) machine.argumentError(L, 3, "offset must be 1 or greater");
  let count = 0;
  for (let option = format.next(); option !== ""; option = format.next()) {
    let size = format.size(option);
    position += format.padding(position, option, size);
    if (position + size > data.length) machine.argumentError(L, 2, "data string too short");
    if (api.lua_checkstack(L, 2) === 0) machine.raise(L, "stack overflow (too many results)");
    if ("bBhHlLTiI".includes(option)) {
      const isSigned = option >= "a";
      api.lua_pushnumber(L, getInteger(data.subarray(position, position + size), format.isLittleEndian, isSigned));
      count++;
    } else if (option === "f" || option === "d") {
      const view = new DataView(data.buffer, data.byteOffset + position, size);
      const isLittle = format.isLittleEndian;
      api.lua_pushnumber(L, size === 4 ? view.getFloat32(0, isLittle) : view.getFloat64(0, isLittle));
      count++;
    } else if (option === "c") {
      if (size === 0) {
        if (count === 0 || api.lua_isnumber(L, -1) === 0) machine.raise(L, "format 'c0' needs a previous size");
        size = Math.trunc(api.lua_tonumber(L, -1));
        api.lua_settop(L, -2);
        count--;
        if (size < 0 || position + size > data.length) machine.argumentError(L, 2, "data string too short");
      }
      machine.push(L, data.subarray(position, position + size));
      count++;
    } else if (option === "s") {
      const end = data.indexOf(0, position);
      if (end < 0) machine.raise(L, "unfinished string in data");
      size = end - position + 1;
      machine.push(L, data.subarray(position, end));
      count++;
    } else if (option !== "x") format.control(option);
    position += size;
  }
  api.lua_pushnumber(L, position + 1);
  return count + 1;
}

function getInteger(bytes: Uint8Array, isLittleEndian: boolean, isSigned: boolean): number {
  let word = 0n;
  const size = bytes.length;
  for (let i = 0; i < size; i++) {
    word = ((word << 8n) & WORD) | BigInt(bytes[isLittleEndian ? size - 1 - i : i] as number);
  }
  if (!isSigned) return Number(word);
  // As x86 shifts: by the count's low six bits, which shows for integers longer than 8 bytes.
  const mask = (WORD << BigInt((size * 8 - 1) & 63)) & WORD;
  return Number(BigInt.asIntN(64, (word & mask) === 0n ? word : word | mask));
}
