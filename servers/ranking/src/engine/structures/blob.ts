import { CommandError } from "../replies.ts";

const encoder = new TextEncoder();

/** The bytes of a text, for the names of commands in rebuilds. */
export function textBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Bytes of a blob after which another is begun. */
export const BLOB_BYTES = 60_000;

/** In the place of a name's length. */
const NO_NAME = -1;

/** Writes a part of a value for the command that rebuilds it: numbers in little endian, names after their length. */
export class BlobWriter {
  #bytes = new Uint8Array(1_024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  word(value: number): this {
    this.#reserve(4);
    this.#view.setInt32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  double(value: number): this {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  name(bytes: Uint8Array): this {
    this.word(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Stands for a name where there is none. */
  noName(): this {
    return this.word(NO_NAME);
  }

  /** A copy of what was written; the writer begins anew. */
  take(): Uint8Array {
    const blob = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return blob;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#length + size, 2 * this.#bytes.length));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** The error for a blob that nobody's rebuild has written. */
export const BAD_BLOB = "ERR Bad data format: it was not written by the rebuild of such a value";

/** Reads a blob. Every method throws a `CommandError` where the bytes end too early. */
export class BlobReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const at = this.#take(1);
    return this.#bytes[at]!;
  }

  word(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** A whole number from 0 to below `end`. */
  index(end: number): number {
    const value = this.word();
    if (value < 0 || value >= end) throw new CommandError(BAD_BLOB);
    return value;
  }

  /** A whole number within these bounds, kept as a double. */
  whole(least: number, most: number): number {
    const value = this.double();
    if (!(Number.isInteger(value) && value >= least && value <= most)) throw new CommandError(BAD_BLOB);
    return value;
  }

  /** As {@link name}; `undefined` where the writer has said `noName`. */
  nameOrNone(mostBytes: number): Uint8Array | undefined {
    const size = this.word();
    if (size === NO_NAME) return undefined;
    this.#at -= 4;
    return this.name(mostBytes);
  }

  /** A name, as a view of the blob. */
  name(mostBytes: number): Uint8Array {
    const size = this.word();
    if (size < 0 || size > mostBytes) throw new CommandError(BAD_BLOB);
    const at = this.#take(size);
    return this.#bytes.subarray(at, at + size);
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.#bytes.length) throw new CommandError(BAD_BLOB);
    this.#at = at + size;
    return at;
  }
}
