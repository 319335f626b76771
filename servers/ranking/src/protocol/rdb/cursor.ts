import { decimalBytes } from "./decimal.ts";
import { RDB_STRING, RdbError } from "./format.ts";
import { decompressLzf } from "./lzf.ts";

const TWO_32 = 0x1_0000_0000;

/** Thrown when more bytes are needed than are there yet. Who can wait for them catches it and reads again later. */
export class ShortRead extends Error {
  override readonly name = "ShortRead";
  readonly missingBytes: number;

  constructor(missingBytes: number) {
    super(`${missingBytes} more bytes are needed`);
    this.missingBytes = missingBytes;
  }
}

/**
 * A place in `bytes`, and the parts of the format that all values share. Every read checks what is there first, so a
 * length that lies costs nothing: it ends in a `ShortRead`. Arrays returned alias `bytes` unless they were compressed
 * or were an integer.
 */
export class RdbCursor {
  bytes: Uint8Array;
  position = 0;
  end: number;
  /** Where `bytes[0]` is in the file; for messages. */
  baseOffset = 0;
  readonly #stringLimitBytes: number;

  /** @param stringLimitBytes A longer string is refused, however many bytes are there. */
  constructor(bytes: Uint8Array, end: number, stringLimitBytes: number) {
    this.bytes = bytes;
    this.end = end;
    this.#stringLimitBytes = stringLimitBytes;
  }

  get offset(): number {
    return this.baseOffset + this.position;
  }

  fail(what: string, mend?: string): never {
    throw new RdbError(this.offset, what, mend);
  }

  u8(): number {
    this.#need(1);
    return this.bytes[this.position++]!;
  }

  u32(): number {
    this.#need(4);
    const at = this.position;
    const bytes = this.bytes;
    this.position = at + 4;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  /** A signed little-endian 64-bit integer; rounded if it is no safe one. */
  i64(): number {
    this.#need(8);
    const low = this.u32();
    return (this.u32() | 0) * TWO_32 + low;
  }

  f64(): number {
    this.#need(8);
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.position, 8);
    this.position += 8;
    return view.getFloat64(0, true);
  }

  raw(sizeBytes: number): Uint8Array {
    this.#need(sizeBytes);
    const at = this.position;
    this.position = at + sizeBytes;
    return this.bytes.subarray(at, at + sizeBytes);
  }

  skip(sizeBytes: number): void {
    this.#need(sizeBytes);
    this.position += sizeBytes;
  }

  /** A length or any other count; rounded above 2^53, which no length that can be met is. */
  length(): number {
    const first = this.u8();
    const kind = first >>> 6;
    if (kind === 0) return first;
    if (kind === 1) return ((first & 0x3f) << 8) | this.u8();
    if (first === 0x80) return this.#bigEndian32();
    if (first === 0x81) {
      const high = this.#bigEndian32();
      return high * TWO_32 + this.#bigEndian32();
    }
    this.position--;
    return this.fail(`a length cannot begin with byte ${first}`);
  }

  /** A string in any of its encodings. */
  string(): Uint8Array {
    const start = this.position;
    const first = this.u8();
    if (first >>> 6 !== 3) {
      this.position = start;
      return this.raw(this.#stringLength());
    }
    switch (first & 0x3f) {
      case RDB_STRING.int8:
        return decimalBytes((this.u8() << 24) >> 24);
      case RDB_STRING.int16: {
        const low = this.u8();
        return decimalBytes(((this.u8() << 24) >> 16) | low);
      }
      case RDB_STRING.int32:
        return decimalBytes(this.u32() | 0);
      case RDB_STRING.lzf:
        return this.#compressed();
      default:
        this.position = start;
        return this.fail(`no encoding of strings has number ${first & 0x3f}`);
    }
  }

  /** Passes over a string without unpacking it. */
  skipString(): void {
    const first = this.u8();
    if (first >>> 6 !== 3) {
      this.position--;
      this.skip(this.#stringLength());
      return;
    }
    const encoding = first & 0x3f;
    if (encoding === RDB_STRING.int8) this.skip(1);
    else if (encoding === RDB_STRING.int16) this.skip(2);
    else if (encoding === RDB_STRING.int32) this.skip(4);
    else if (encoding === RDB_STRING.lzf) {
      const sizeBytes = this.#stringLength();
      this.#stringLength();
      this.skip(sizeBytes);
    } else {
      this.position--;
      this.fail(`no encoding of strings has number ${encoding}`);
    }
  }

  #compressed(): Uint8Array {
    const compressedBytes = this.#stringLength();
    const sizeBytes = this.#stringLength();
    this.#need(compressedBytes);
    const at = this.position;
    const out = decompressLzf(this.bytes, at, at + compressedBytes, sizeBytes);
    if (out === undefined) return this.fail(`${compressedBytes} compressed bytes are no string of ${sizeBytes}`);
    this.position = at + compressedBytes;
    return out;
  }

  #stringLength(): number {
    const at = this.position;
    const sizeBytes = this.length();
    if (sizeBytes <= this.#stringLimitBytes) return sizeBytes;
    this.position = at;
    return this.fail(`a string says that it has ${sizeBytes} bytes, the limit is ${this.#stringLimitBytes}`);
  }

  #bigEndian32(): number {
    this.#need(4);
    const at = this.position;
    const bytes = this.bytes;
    this.position = at + 4;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  #need(sizeBytes: number): void {
    if (this.position + sizeBytes > this.end) throw new ShortRead(this.position + sizeBytes - this.end);
  }
}
