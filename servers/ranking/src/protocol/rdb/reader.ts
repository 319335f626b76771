import { concatBytes } from "@kagami/bytes";
import { Crc64 } from "./crc64.ts";
import { RdbCursor, ShortRead } from "./cursor.ts";
import { asciiText } from "./decimal.ts";
import {
  RDB_OPCODE,
  RDB_VERSION_MAX,
  RDB_VERSION_MIN,
  RdbError,
  type RdbKeyAttributes,
  type RdbValue,
} from "./format.ts";
import { skipModule } from "./skipped-values.ts";
import { isEmptyValue, readValue } from "./value-reader.ts";

const HEADER_BYTES = 9;
const CHECKSUM_BYTES = 8;
const NO_BYTES = new Uint8Array(0);

/** A key and its value. */
export interface RdbEntry extends RdbKeyAttributes {
  readonly kind: "entry";
  readonly database: number;
  readonly key: Uint8Array;
  readonly value: RdbValue;
}

/** What the file has and the reader does not give; `key` is there if it was a key's value. */
export interface RdbSkipped {
  readonly kind: "skipped";
  readonly what: "stream" | "module" | "module-aux" | "function" | "empty";
  readonly database: number;
  readonly key: Uint8Array | undefined;
  /** A sentence for people. */
  readonly reason: string;
}

/** What a file says, in its order. `version` comes first, `end` last, and only after the checksum was found right. */
export type RdbItem =
  | { readonly kind: "version"; readonly version: number }
  | { readonly kind: "aux"; readonly name: string; readonly value: Uint8Array }
  /** How many keys the database has, as a hint for sizing tables; it may lie. */
  | { readonly kind: "resize"; readonly database: number; readonly keyCount: number; readonly expiringCount: number }
  | RdbEntry
  | RdbSkipped
  /** `isChecked`: the file had a checksum. Some servers leave it out. */
  | { readonly kind: "end"; readonly isChecked: boolean };

export interface RdbReaderOptions {
  /** A longer string is refused. Default: 512 MiB, the limit of Redis. */
  readonly stringLimitBytes?: number;
  /** A key's whole value with more bytes in the file is refused. Default: 4 GiB. */
  readonly valueLimitBytes?: number;
}

const REASONS = {
  stream: "Streams are not kept",
  module: "Values of modules are not kept",
  empty: "The value has nothing in it",
} as const;

/**
 * Reads an RDB file from chunks, one item at a time; no more of the file is held than the item that is being read, which
 * takes up to three times its size in the file while its chunks are joined.
 *
 *     reader.push(chunk); for (let item = reader.next(); item !== undefined; item = reader.next()) …
 *     reader.end(); and once more
 *
 * The bytes of items alias the chunks that were pushed: those must not change while the items are in use.
 */
export class RdbReader {
  readonly #cursor: RdbCursor;
  readonly #valueLimitBytes: number;
  readonly #crc = new Crc64();
  #checkedTo = 0; // position in the cursor's bytes up to which the checksum is taken
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #wantedBytes = HEADER_BYTES; // from the cursor's position; reading again before they are there would be in vain
  #isWhole = false;
  #state: "header" | "records" | "done" = "header";
  #version = 0;
  #database = 0;
  #attributes: { expireAtMs?: number; idleSeconds?: number; frequency?: number } = {};
  #functionCount = 0;

  constructor({ stringLimitBytes = 0x2000_0000, valueLimitBytes = 0x1_0000_0000 }: RdbReaderOptions = {}) {
    this.#cursor = new RdbCursor(NO_BYTES, 0, stringLimitBytes);
    this.#valueLimitBytes = valueLimitBytes;
  }

  /** Bytes read so far; after `end` was given, the file's size. What follows the end mark is not looked at. */
  get offset(): number {
    return this.#cursor.offset;
  }

  /** Libraries of functions that were passed over. */
  get functionCount(): number {
    return this.#functionCount;
  }

  /** Adds the file's next bytes. They must not change afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#state === "done") return;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
  }

  /** Says that the file ends here. */
  end(): void {
    this.#isWhole = true;
  }

  /**
   * The next item; `undefined` if more bytes are needed, and for ever after `end`.
   *
   * @throws RdbError at the first damage; nothing can be read after it. Items given before are right as far as they go:
   * only `end` vouches for the checksum.
   */
  next(): RdbItem | undefined {
    const cursor = this.#cursor;
    while (this.#state !== "done") {
      if (!this.#gather()) return undefined;
      const start = cursor.position;
      try {
        const item = this.#state === "header" ? this.#readHeader() : this.#readRecord();
        this.#wantedBytes = 1;
        if (item !== undefined) return item;
      } catch (error) {
        if (!(error instanceof ShortRead)) throw error;
        this.#onShort(start, error);
      }
    }
    return undefined;
  }

  /** Joins the chunks once as much is there as the next attempt needs. Returns whether one can be made. */
  #gather(): boolean {
    const cursor = this.#cursor;
    const restBytes = cursor.end - cursor.position;
    if (restBytes >= this.#wantedBytes && restBytes > 0) return true;
    if (restBytes + this.#pendingBytes < this.#wantedBytes && !this.#isWhole) return false;
    this.#takeChecksum(cursor.position);
    const rest = cursor.bytes.subarray(cursor.position, cursor.end);
    const only = this.#pending[0];
    cursor.baseOffset += cursor.position;
    cursor.bytes =
      restBytes === 0 && this.#pending.length === 1 && only !== undefined
        ? only
        : concatBytes([rest, ...this.#pending]);
    cursor.position = 0;
    cursor.end = cursor.bytes.length;
    this.#checkedTo = 0;
    this.#pending = [];
    this.#pendingBytes = 0;
    return true;
  }

  /** Waits for at least twice what is there, so that a value in many chunks is read a few times, not once a chunk. */
  #onShort(start: number, { missingBytes }: ShortRead): void {
    const cursor = this.#cursor;
    const availableBytes = cursor.end - start;
    if (this.#isWhole && this.#pendingBytes === 0) {
      cursor.position = cursor.end;
      cursor.fail(`the file ends here, and at least ${missingBytes} bytes more should follow`);
    }
    cursor.position = start;
    if (availableBytes + missingBytes > this.#valueLimitBytes) {
      cursor.fail(`a value says that it has more than ${this.#valueLimitBytes} bytes, the limit`);
    }
    this.#wantedBytes = Math.max(availableBytes + missingBytes, 2 * availableBytes);
  }

  #takeChecksum(to: number): void {
    this.#crc.update(this.#cursor.bytes, this.#checkedTo, to);
    this.#checkedTo = to;
  }

  #readHeader(): RdbItem {
    const text = asciiText(this.#cursor.raw(HEADER_BYTES));
    const version = /^REDIS([0-9]{4})$/.exec(text)?.[1];
    if (version === undefined)
      throw new RdbError(0, "it does not begin as an RDB file", "Give a file that Redis wrote");
    this.#version = Number(version);
    if (this.#version < RDB_VERSION_MIN || this.#version > RDB_VERSION_MAX) {
      const known = `versions ${RDB_VERSION_MIN} to ${RDB_VERSION_MAX} can be read`;
      throw new RdbError(5, `it has version ${this.#version}`, `Let Redis 2.6 to 7.2 write it: ${known}`);
    }
    this.#state = "records";
    return { kind: "version", version: this.#version };
  }

  /** One record. `undefined` if it only says something about the next. Changes nothing before all of it was read. */
  #readRecord(): RdbItem | undefined {
    const cursor = this.#cursor;
    const type = cursor.u8();
    switch (type) {
      case RDB_OPCODE.expireMs:
        this.#attributes.expireAtMs = cursor.i64();
        return undefined;
      case RDB_OPCODE.expireSeconds:
        this.#attributes.expireAtMs = (cursor.u32() | 0) * 1_000;
        return undefined;
      case RDB_OPCODE.idleSeconds:
        this.#attributes.idleSeconds = cursor.length();
        return undefined;
      case RDB_OPCODE.frequency:
        this.#attributes.frequency = cursor.u8();
        return undefined;
      case RDB_OPCODE.database:
        this.#database = this.#readDatabase();
        return undefined;
      case RDB_OPCODE.resize: {
        const keyCount = cursor.length();
        return { kind: "resize", database: this.#database, keyCount, expiringCount: cursor.length() };
      }
      case RDB_OPCODE.aux:
        return { kind: "aux", name: asciiText(cursor.string()), value: cursor.string() };
      case RDB_OPCODE.moduleAux:
        for (let i = 0; i < 3; i++) cursor.length(); // which module, and when it wants it back
        skipModule(cursor);
        return this.#skipped("module-aux", undefined, "What a module keeps beside the keys is not kept");
      case RDB_OPCODE.functionLibrary:
        cursor.skipString();
        return this.#skippedFunction();
      case RDB_OPCODE.functionOld:
        cursor.skipString(); // name
        cursor.skipString(); // engine
        if (cursor.length() !== 0) cursor.skipString(); // description
        cursor.skipString();
        return this.#skippedFunction();
      case RDB_OPCODE.end:
        return this.#readEnd();
      default:
        return this.#readEntry(type);
    }
  }

  #readDatabase(): number {
    const database = this.#cursor.length();
    if (database > 0x7fff_ffff) this.#cursor.fail(`no database has number ${database}`);
    return database;
  }

  #readEntry(type: number): RdbItem {
    const cursor = this.#cursor;
    const typeOffset = cursor.offset - 1;
    // An unknown type is told before its key, which may be none.
    if (type > 21 || type === 8) {
      throw new RdbError(typeOffset, `no record has type ${type}`, "It may come from a newer server than 7.2");
    }
    const key = cursor.string();
    const value = readValue(cursor, type);
    const attributes = this.#attributes;
    this.#attributes = {};
    if (typeof value === "string") return this.#skipped(value, key, REASONS[value]);
    if (isEmptyValue(value)) return this.#skipped("empty", key, REASONS.empty);
    return { kind: "entry", database: this.#database, key, value, ...attributes };
  }

  #skippedFunction(): RdbItem {
    this.#functionCount++;
    return this.#skipped("function", undefined, "Libraries of functions are not kept");
  }

  #skipped(what: RdbSkipped["what"], key: Uint8Array | undefined, reason: string): RdbSkipped {
    return { kind: "skipped", what, database: this.#database, key, reason };
  }

  #readEnd(): RdbItem {
    const cursor = this.#cursor;
    const checkedTo = cursor.position;
    const checksum = cursor.raw(CHECKSUM_BYTES);
    this.#takeChecksum(checkedTo);
    const isChecked = checksum.some((byte) => byte !== 0);
    const low = littleEndian(checksum, 0);
    const high = littleEndian(checksum, 4);
    if (isChecked && (low !== this.#crc.low || high !== this.#crc.high)) {
      throw new RdbError(cursor.offset - CHECKSUM_BYTES, "the checksum does not fit what is before it");
    }
    this.#state = "done";
    return { kind: "end", isChecked };
  }
}

/** All items of a file that is in memory. @throws RdbError like `RdbReader.next`, and when the end is missing. */
export function* readRdb(bytes: Uint8Array, options?: RdbReaderOptions): Generator<RdbItem, void> {
  const reader = new RdbReader(options);
  reader.push(bytes);
  reader.end();
  for (let item = reader.next(); item !== undefined; item = reader.next()) yield item;
}

function littleEndian(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
