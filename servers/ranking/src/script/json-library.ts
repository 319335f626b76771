import type { ByteBuilder } from "./byte-builder.ts";
import { JsonDecoder } from "./json-decoder.ts";
import { JsonEncoder } from "./json-encoder.ts";
import { LUA_TYPE, upvalueIndex } from "./lua-exports.ts";
import type { LuaFunction, LuaMachine } from "./lua-machine.ts";

const INT_MAX = 2_147_483_647;

/** What the `cjson.*` setting functions of one instance of the library were last told. */
export interface JsonSettings {
  sparseConvert: boolean;
  sparseRatio: number;
  sparseSafe: number;
  encodeMaxDepth: number;
  decodeMaxDepth: number;
  encodeNumberPrecision: number;
  encodeKeepBuffer: boolean;
  /** 0 refuses them, 1 writes them as C does, 2 writes null. */
  encodeInvalidNumbers: number;
  decodeInvalidNumbers: boolean;
}

function defaults(): JsonSettings {
  return {
    sparseConvert: false,
    sparseRatio: 2,
    sparseSafe: 10,
    encodeMaxDepth: 1000,
    decodeMaxDepth: 1000,
    encodeNumberPrecision: 14,
    encodeKeepBuffer: true,
    encodeInvalidNumbers: 0,
    decodeInvalidNumbers: true,
  };
}

/**
 * `cjson`. Its settings last for one script: in Redis they last for the life of the server, so that one script changes
 * what the next one reads; here the same script must give the same result whatever ran before it.
 */
export class JsonLibrary {
  readonly #machine: LuaMachine;
  readonly #out: ByteBuilder;
  readonly #encoder: JsonEncoder;
  readonly #functions: ReadonlyMap<string, number>;
  #instances: JsonSettings[] = [defaults()];

  constructor(machine: LuaMachine, out: ByteBuilder) {
    this.#machine = machine;
    this.#out = out;
    this.#encoder = new JsonEncoder(machine, out);
    const functions = { ...this.#coding(), ...this.#limits(), ...this.#switches() };
    this.#functions = new Map(Object.entries(functions).map(([name, run]) => [name, machine.register(run)]));
  }

  /** Forgets what scripts have set. */
  reset(): void {
    this.#instances = [defaults()];
  }

  /** Pushes a table of the library, whose functions share the settings with this number. */
  pushTable(L: number, instance: number): void {
    const { api } = this.#machine;
    api.lua_createtable(L, 0, 16);
    for (const [name, index] of this.#functions) {
      api.lua_pushnumber(L, instance);
      api.lua_pushcclosure(L, index, 1);
      this.#machine.setField(L, -2, name);
    }
    api.lua_pushlightuserdata(L, 0);
    this.#machine.setField(L, -2, "null");
    this.#machine.pushText(L, "cjson");
    this.#machine.setField(L, -2, "_NAME");
    this.#machine.pushText(L, "2.1.0");
    this.#machine.setField(L, -2, "_VERSION");
  }

  #settings(L: number): JsonSettings {
    return this.#instances[this.#machine.api.lua_tonumber(L, upvalueIndex(1))] as JsonSettings;
  }

  #arguments(L: number, count: number): JsonSettings {
    const { api } = this.#machine;
    if (api.lua_gettop(L) > count) this.#machine.argumentError(L, count + 1, "found too many arguments");
    api.lua_settop(L, count);
    return this.#settings(L);
  }

  #coding(): Record<string, LuaFunction> {
    const { api } = this.#machine;
    const machine = this.#machine;
    const one = (L: number): void => {
      if (api.lua_gettop(L) !== 1) machine.argumentError(L, 1, "expected 1 argument");
    };
    return {
      encode: (L) => {
        one(L);
        this.#out.clear();
        this.#encoder.append(L, this.#settings(L), 0);
        machine.push(L, this.#out.view());
        return 1;
      },
      decode: (L) => {
        one(L);
        machine.checkBytes(L, 1);
        const text = machine.text(L, 1);
        if (text.length >= 2 && (text[0] === "\0" || text[1] === "\0")) {
          machine.raise(L, "JSON parser does not support UTF-16 or UTF-32");
        }
        new JsonDecoder(machine, L, this.#settings(L), text).decode();
        return 1;
      },
      new: (L) => {
        this.#instances.push(defaults());
        this.pushTable(L, this.#instances.length - 1);
        return 1;
      },
    };
  }

  /** Reads argument `index` if it is not nil, and pushes what is set then. */
  #integer(L: number, index: number, current: number, min: number, max: number): number {
    const { api } = this.#machine;
    let value = current;
    if (api.lua_type(L, index) !== LUA_TYPE.nil) {
      value = api.luaL_checkinteger(L, index);
      if (value < min || value > max) {
        this.#machine.argumentError(L, 1, `expected integer between ${min} and ${max}`);
      }
    }
    api.lua_pushnumber(L, value);
    return value;
  }

  #option(L: number, index: number, current: number, options: readonly string[]): number {
    const { api } = this.#machine;
    const type = api.lua_type(L, index);
    let value = current;
    if (type === LUA_TYPE.boolean) value = api.lua_toboolean(L, index);
    else if (type !== LUA_TYPE.nil) {
      this.#machine.checkBytes(L, index);
      const given = this.#machine.text(L, index);
      value = options.indexOf(given);
      if (value < 0) this.#machine.argumentError(L, index, `invalid option '${given.split("\0")[0]}'`);
    }
    if (value < 2) api.lua_pushboolean(L, value);
    else this.#machine.pushText(L, options[value] as string);
    return value;
  }

  #limits(): Record<string, LuaFunction> {
    return {
      encode_max_depth: (L) => {
        const settings = this.#arguments(L, 1);
        settings.encodeMaxDepth = this.#integer(L, 1, settings.encodeMaxDepth, 1, INT_MAX);
        return 1;
      },
      decode_max_depth: (L) => {
        const settings = this.#arguments(L, 1);
        settings.decodeMaxDepth = this.#integer(L, 1, settings.decodeMaxDepth, 1, INT_MAX);
        return 1;
      },
      encode_number_precision: (L) => {
        const settings = this.#arguments(L, 1);
        settings.encodeNumberPrecision = this.#integer(L, 1, settings.encodeNumberPrecision, 1, 14);
        return 1;
      },
      encode_sparse_array: (L) => {
        const settings = this.#arguments(L, 3);
        settings.sparseConvert = this.#option(L, 1, settings.sparseConvert ? 1 : 0, ["off", "on"]) === 1;
        settings.sparseRatio = this.#integer(L, 2, settings.sparseRatio, 0, INT_MAX);
        settings.sparseSafe = this.#integer(L, 3, settings.sparseSafe, 0, INT_MAX);
        return 3;
      },
    };
  }

  #switches(): Record<string, LuaFunction> {
    return {
      encode_keep_buffer: (L) => {
        const settings = this.#arguments(L, 1);
        settings.encodeKeepBuffer = this.#option(L, 1, settings.encodeKeepBuffer ? 1 : 0, ["off", "on"]) === 1;
        return 1;
      },
      encode_invalid_numbers: (L) => {
        const settings = this.#arguments(L, 1);
        settings.encodeInvalidNumbers = this.#option(L, 1, settings.encodeInvalidNumbers, ["off", "on", "null"]);
        return 1;
      },
      decode_invalid_numbers: (L) => {
        const settings = this.#arguments(L, 1);
        settings.decodeInvalidNumbers = this.#option(L, 1, settings.decodeInvalidNumbers ? 1 : 0, ["off", "on"]) === 1;
        return 1;
      },
    };
  }
}
