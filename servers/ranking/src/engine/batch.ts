import type { Args } from "../protocol/args.ts";

/**
 * A batch: what one turn of the event loop changed, as the log keeps it.
 *
 *     u8 version (1) . f64 time in ms . u32 seed . u32 commands, little endian, then of each command:
 *     u8 database . u32 arguments . { u32 length . bytes } of each
 *
 * Time and seed are all that a command may know beside its arguments and the store, so whoever applies the same batches
 * has the same store.
 */
const VERSION = 1;
const HEAD_BYTES = 17;

/** Collects the commands of a batch. */
export class BatchWriter {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(65_536);
  length = 0;
  /** Commands so far. */
  count = 0;
  timeMs = 0;
  seed = 0;
  /** Whether somebody wants the batch; otherwise its commands are only counted. */
  isWanted = true;
  #view = new DataView(this.bytes.buffer);

  begin(timeMs: number, seed: number): void {
    this.timeMs = timeMs;
    this.seed = seed >>> 0;
    this.length = HEAD_BYTES;
    this.count = 0;
  }

  add(database: number, args: Args): void {
    this.count++;
    if (this.isWanted) this.#write(database, args);
  }

  #write(database: number, args: Args): void {
    const { bytes: source, starts, ends, count } = args;
    let size = 5 + 4 * count;
    for (let i = 0; i < count; i++) size += ends[i]! - starts[i]!;
    this.#reserve(size);
    const { bytes } = this;
    let at = this.length;
    bytes[at] = database;
    at = putU32(bytes, at + 1, count);
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      const length = ends[i]! - start;
      at = putU32(bytes, at, length);
      if (length > 64) bytes.set(source.subarray(start, start + length), at);
      else for (let k = 0; k < length; k++) bytes[at + k] = source[start + k]!;
      at += length;
    }
    this.length = at;
  }

  /** Takes back what was added since these were `length` and `count`. */
  rewind(length: number, count: number): void {
    this.length = length;
    this.count = count;
  }

  /** Completes the head; then `bytes[0, length)` is the batch, good until the next `begin`. */
  finish(): void {
    this.bytes[0] = VERSION;
    this.#view.setFloat64(1, this.timeMs, true);
    this.#view.setUint32(9, this.seed, true);
    this.#view.setUint32(13, this.count, true);
  }

  #reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Reads a batch; `args` has one command after the other. */
export class BatchReader {
  readonly args: Args;
  timeMs = 0;
  seed = 0;
  database = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #left = 0;

  constructor(args: Args) {
    this.args = args;
  }

  /** @throws RangeError if it is no batch of a version that is known here. */
  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < HEAD_BYTES || bytes[0] !== VERSION) {
      throw new RangeError(
        `Cannot read a batch of ${bytes.length} bytes of version ${bytes[0]}: only ${VERSION} is known`,
      );
    }
    this.timeMs = this.#view.getFloat64(1, true);
    this.seed = this.#view.getUint32(9, true);
    this.#left = this.#view.getUint32(13, true);
    this.#at = HEAD_BYTES;
    this.args.bytes = bytes;
  }

  /** Puts the next command into `args`. Returns whether there was one. */
  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    this.database = this.#bytes[this.#at]!;
    const count = this.#view.getUint32(this.#at + 1, true);
    let at = this.#at + 5;
    this.args.count = 0;
    for (let i = 0; i < count; i++) {
      const length = this.#view.getUint32(at, true);
      this.args.push(at + 4, at + 4 + length);
      at += 4 + length;
    }
    this.#at = at;
    return true;
  }
}

function putU32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
  return at + 4;
}
