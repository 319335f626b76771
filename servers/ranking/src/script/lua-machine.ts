import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { GLOBALS_INDEX, type LuaExports } from "./lua-exports.ts";

/**
 * A function that Lua calls: reads its arguments from the stack of `L`, pushes results, answers how many. It may call
 * API functions that raise a Lua error: they throw through it, so it must not catch what it did not throw itself.
 */
export type LuaFunction = (L: number) => number;

/** What unwinds to the nearest protected call; the same value as in the C runtime's own glue. */
const LONG_JUMP = Number.POSITIVE_INFINITY;
const PAGE_BYTES = 65_536;

/** An error that no protected call caught, or a trap: the machine must not be used any more. */
export class LuaPanic extends Error {
  override readonly name = "LuaPanic";
}

// A function type of (i32) -> i32, an import `e.f` of it, and an export `f` of the import: how JavaScript without type
// reflection puts a function of its own into a WebAssembly table.
const CALL_SHIM = [
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f],
  ...[2, 7, 1, 1, 0x65, 1, 0x66, 0, 0, 7, 5, 1, 1, 0x66, 0, 0],
];
const HOOK_SHIM = [
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 2, 0x7f, 0x7f, 0],
  ...[2, 7, 1, 1, 0x65, 1, 0x66, 0, 0, 7, 5, 1, 1, 0x66, 0, 0],
];

let compiled: { lua: WebAssembly.Module; call: WebAssembly.Module; hook: WebAssembly.Module } | undefined;

function modules(): NonNullable<typeof compiled> {
  compiled ??= {
    lua: new WebAssembly.Module(
      readFileSync(createRequire(import.meta.url).resolve("wasmoon-lua5.1/dist/liblua5.1.wasm")),
    ),
    call: new WebAssembly.Module(new Uint8Array(CALL_SHIM)),
    hook: new WebAssembly.Module(new Uint8Array(HOOK_SHIM)),
  };
  return compiled;
}

/**
 * One Lua 5.1 in a WebAssembly memory of its own, and the way of bytes in and out of it.
 *
 * The module is linked here without its JavaScript glue: it gets no clock, no environment, no files. Whatever asks for
 * them fails. Strings are bytes and are copied straight between the two memories.
 *
 * Views of the memory (`bytes`, `view`) are replaced when it grows: take them anew after each call into Lua.
 */
export class LuaMachine {
  readonly api: LuaExports;
  /** The main state. */
  readonly L: number;
  readonly #memoryLimitBytes: number;
  readonly #lengthPointer: number;
  readonly #names = new Map<string, number>();
  #bytes: Uint8Array;
  #view: DataView;
  #scratch = 0;
  #scratchBytes = 0;

  /** @param memoryLimitBytes All of Lua's memory, its 4 MiB C stack included; at least 16 MiB. */
  constructor(memoryLimitBytes: number) {
    this.#memoryLimitBytes = memoryLimitBytes;
    const instance = new WebAssembly.Instance(modules().lua, this.#imports());
    this.api = instance.exports as unknown as LuaExports;
    this.#bytes = new Uint8Array(this.api.memory.buffer);
    this.#view = new DataView(this.api.memory.buffer);
    this.api.__wasm_call_ctors();
    this.#lengthPointer = this.api.malloc(8);
    this.L = this.api.luaL_newstate();
  }

  get bytes(): Uint8Array {
    if (this.#bytes.byteLength === 0) this.#refresh();
    return this.#bytes;
  }

  get view(): DataView {
    if (this.#bytes.byteLength === 0) this.#refresh();
    return this.#view;
  }

  #refresh(): void {
    this.#bytes = new Uint8Array(this.api.memory.buffer);
    this.#view = new DataView(this.api.memory.buffer);
  }

  #imports(): WebAssembly.Imports {
    const imports: Record<string, Record<string, (...values: never[]) => unknown>> = {};
    for (const { module, name } of WebAssembly.Module.imports(modules().lua)) {
      imports[module] ??= {};
      imports[module][name] = () => -1;
    }
    return {
      ...imports,
      env: {
        ...imports.env,
        exit: () => {
          throw new LuaPanic("Lua gave up outside a protected call");
        },
        emscripten_memcpy_js: (to: number, from: number, length: number) => {
          this.bytes.copyWithin(to, from, from + length);
        },
        emscripten_resize_heap: (bytes: number) => this.#grow(bytes >>> 0),
        _emscripten_throw_longjmp: () => {
          // Not an Error: it is thrown often and needs no stack; the C side compares nothing but that it came.
          throw LONG_JUMP;
        },
        invoke_vii: (index: number, a: number, b: number) => {
          const stack = this.api.stackSave();
          try {
            this.api.__indirect_function_table.get(index)(a, b);
          } catch (error) {
            // Anything else (the end of JavaScript's stack, a failing host) is no script's to catch: it ends the run.
            if (error !== LONG_JUMP) throw error;
            this.api.stackRestore(stack);
            this.api.setThrew(1, 0);
          }
        },
      },
      wasi_snapshot_preview1: {
        ...imports.wasi_snapshot_preview1,
        environ_sizes_get: (countPointer: number, sizePointer: number) => {
          const view = new DataView(this.api.memory.buffer);
          view.setUint32(countPointer, 0, true);
          view.setUint32(sizePointer, 0, true);
          return 0;
        },
        environ_get: () => 0,
      },
    };
  }

  /** Answers `malloc`: 1 if the memory is now at least `bytes`, 0 if that is past the limit. */
  #grow(bytes: number): number {
    if (bytes > this.#memoryLimitBytes) return 0;
    const current = this.api.memory.buffer.byteLength;
    const wanted = Math.min(this.#memoryLimitBytes, Math.max(bytes, current + (current >>> 2)));
    try {
      this.api.memory.grow(Math.ceil((wanted - current) / PAGE_BYTES));
    } catch {
      return 0; // The machine has no more: to Lua it is the same as our limit.
    }
    this.#refresh();
    return 1;
  }

  /** Makes a JavaScript function callable from Lua; the place it gets in the function table is never freed. */
  register(run: LuaFunction): number {
    return this.#tableEntry(new WebAssembly.Instance(modules().call, { e: { f: run } }).exports.f);
  }

  /** The same for `lua_sethook`. */
  registerHook(run: (L: number, record: number) => void): number {
    return this.#tableEntry(new WebAssembly.Instance(modules().hook, { e: { f: run } }).exports.f);
  }

  #tableEntry(shim: unknown): number {
    const index = this.api.__indirect_function_table.grow(1);
    this.api.__indirect_function_table.set(index, shim);
    return index;
  }

  /** A C string that stays: for names and fixed messages, each kept once. */
  cString(text: string): number {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const encoded = Buffer.from(`${text}\0`, "latin1");
    const pointer = this.api.malloc(encoded.length);
    if (pointer === 0) throw new LuaPanic("No memory is left for a name");
    this.bytes.set(encoded, pointer);
    this.#names.set(text, pointer);
    return pointer;
  }

  /** Room for `length` bytes, valid until the next call of it; `undefined` if memory ran out. */
  #room(length: number): number | undefined {
    if (length <= this.#scratchBytes) return this.#scratch;
    this.api.free(this.#scratch);
    this.#scratchBytes = Math.max(4096, length);
    this.#scratch = this.api.malloc(this.#scratchBytes);
    if (this.#scratch !== 0) return this.#scratch;
    this.#scratchBytes = 0;
    return undefined;
  }

  /** Frees what a big string left behind. */
  trim(): void {
    if (this.#scratchBytes <= PAGE_BYTES) return;
    this.api.free(this.#scratch);
    this.#scratch = 0;
    this.#scratchBytes = 0;
  }

  /** Copies bytes into Lua's memory for the length of one call; raises Lua's memory error if they do not fit. */
  copyIn(L: number, source: Uint8Array): number {
    const pointer = this.#room(source.length + 1);
    if (pointer === undefined) return this.raise(L, "not enough memory");
    const bytes = this.bytes;
    bytes.set(source, pointer);
    bytes[pointer + source.length] = 0;
    return pointer;
  }

  /** Pushes a string. */
  push(L: number, source: Uint8Array): void {
    this.api.lua_pushlstring(L, this.copyIn(L, source), source.length);
  }

  /** Pushes a string whose characters are bytes. */
  pushText(L: number, text: string): void {
    this.push(L, Buffer.from(text, "latin1"));
  }

  /** The string (or the number as one) at `index`: aliases Lua's memory, so copy it before anything else is called. */
  peek(L: number, index: number): Uint8Array | undefined {
    const pointer = this.api.lua_tolstring(L, index, this.#lengthPointer);
    if (pointer === 0) return undefined;
    return this.bytes.subarray(pointer, pointer + this.view.getUint32(this.#lengthPointer, true));
  }

  /** A copy of the string at `index`, as characters that are bytes. */
  text(L: number, index: number): string {
    const bytes = this.peek(L, index) ?? new Uint8Array();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  }

  /** Argument `argument` as bytes, like `luaL_checklstring`: aliases Lua's memory. */
  checkBytes(L: number, argument: number): Uint8Array {
    const pointer = this.api.luaL_checklstring(L, argument, this.#lengthPointer);
    return this.bytes.subarray(pointer, pointer + this.view.getUint32(this.#lengthPointer, true));
  }

  /** Raises an error with the position of the caller before it, like `luaL_error`. */
  raise(L: number, message: string): never {
    this.api.luaL_where(L, 1);
    this.api.lua_pushlstring(L, this.cString(message), message.length);
    this.api.lua_concat(L, 2);
    this.api.lua_error(L);
    throw new LuaPanic(message);
  }

  /** The same for messages with parts that vary. */
  raiseText(L: number, message: string): never {
    this.api.luaL_where(L, 1);
    this.pushText(L, message);
    this.api.lua_concat(L, 2);
    this.api.lua_error(L);
    throw new LuaPanic(message);
  }

  /** Raises `bad argument #n to 'f' (message)`. */
  argumentError(L: number, argument: number, message: string): never {
    this.pushText(L, message); // Keeps the text alive while Lua formats it.
    const pointer = this.api.lua_tolstring(L, -1, this.#lengthPointer);
    this.api.luaL_argerror(L, argument, pointer);
    throw new LuaPanic(message);
  }

  /** `table[name] = value` for the value on top, raw; pops it. */
  setField(L: number, tableIndex: number, name: string): void {
    this.api.lua_pushlstring(L, this.cString(name), name.length);
    this.api.lua_insert(L, -2);
    this.api.lua_rawset(L, tableIndex < 0 && tableIndex > GLOBALS_INDEX ? tableIndex - 1 : tableIndex);
  }

  /** Pushes `table[name]`, raw. */
  getField(L: number, tableIndex: number, name: string): void {
    this.api.lua_pushlstring(L, this.cString(name), name.length);
    this.api.lua_rawget(L, tableIndex < 0 && tableIndex > GLOBALS_INDEX ? tableIndex - 1 : tableIndex);
  }

  /** Sets functions of JavaScript as fields of the table on top. */
  setFunctions(L: number, functions: Readonly<Record<string, LuaFunction>>): void {
    for (const [name, run] of Object.entries(functions)) {
      this.api.lua_pushcclosure(L, this.register(run), 0);
      this.setField(L, -2, name);
    }
  }
}
