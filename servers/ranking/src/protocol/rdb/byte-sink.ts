import { safeInteger } from "./decimal.ts";
import { RDB_STRING } from "./format.ts";
import { LzfCompressor } from "./lzf.ts";

/** Shorter strings are never smaller compressed: what leads the compressed bytes takes up what it saves. */
const COMPRESSED_MIN_BYTES = 21;
const INTEGER_TEXT_MAX_BYTES = 11;
const SHORT_BYTES = 32;
const TWO_32 = 0x1_0000_0000;

/** Where a file is written to: a buffer that grows until somebody takes what is in it. */
export class ByteSink {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  readonly #compressor: LzfCompressor | undefined;

  constructor({ isCompressing = true, capacityBytes = 65_536 } = {}) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
    this.#compressor = isCompressing ? new LzfCompressor() : undefined;
  }

  /** Bytes written and not yet taken. */
  get sizeBytes(): number {
    return this.#length;
  }

  /** What `take` would return. */
  get pending(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written since the last call, valid until the next write. */
  take(): Uint8Array {
    const taken = this.pending;
    this.#length = 0;
    return taken;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** A signed safe integer as 64 bits. */
  i64(value: number): void {
    this.u32(value % TWO_32);
    this.u32(Math.floor(value / TWO_32));
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  raw(bytes: Uint8Array): void {
    const size = bytes.length;
    this.#reserve(size);
    if (size <= SHORT_BYTES) {
      for (let i = 0; i < size; i++) this.#bytes[this.#length + i] = bytes[i]!;
    } else {
      this.#bytes.set(bytes, this.#length);
    }
    this.#length += size;
  }

  /** A non-negative safe integer in the form that lengths and counts have. */
  length(value: number): void {
    this.#reserve(9);
    if (value < 0x40) this.#bytes[this.#length++] = value;
    else if (value < 0x4000) {
      this.#bytes[this.#length++] = 0x40 | (value >>> 8);
      this.#bytes[this.#length++] = value;
    } else {
      const isWide = value >= TWO_32;
      this.#bytes[this.#length++] = isWide ? 0x81 : 0x80;
      if (isWide) {
        this.#view.setUint32(this.#length, Math.floor(value / TWO_32));
        this.#length += 4;
      }
      this.#view.setUint32(this.#length, value % TWO_32);
      this.#length += 4;
    }
  }

  /** A string, as an integer of up to 32 bits if it is the text of one, else compressed if that makes it smaller. */
  string(bytes: Uint8Array): void {
    const value = bytes.length <= INTEGER_TEXT_MAX_BYTES ? safeInteger(bytes) : undefined;
    if (value !== undefined && value === (value | 0)) {
      this.#integer(value);
      return;
    }
    const isCompressible = this.#compressor !== undefined && bytes.length >= COMPRESSED_MIN_BYTES;
    const compressed = isCompressible ? this.#compressor.compress(bytes, bytes.length - 4) : undefined;
    if (compressed !== undefined) {
      this.u8(0xc0 | RDB_STRING.lzf);
      this.length(compressed.length);
    }
    this.length(bytes.length);
    this.raw(compressed ?? bytes);
  }

  #integer(value: number): void {
    if (value >= -0x80 && value < 0x80) {
      this.u8(0xc0 | RDB_STRING.int8);
      this.u8(value);
    } else if (value >= -0x8000 && value < 0x8000) {
      this.u8(0xc0 | RDB_STRING.int16);
      this.u16(value);
    } else {
      this.u8(0xc0 | RDB_STRING.int32);
      this.u32(value);
    }
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#length + sizeBytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
