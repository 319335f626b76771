import { ByteSink } from "./byte-sink.ts";
import { Crc64 } from "./crc64.ts";
import { asciiBytes, decimalBytes } from "./decimal.ts";
import { RDB_OPCODE, RDB_TYPE, RDB_VERSION, type RdbKeyAttributes, type RdbValue } from "./format.ts";
import { isEmptyValue } from "./value-reader.ts";
import { ValueWriter } from "./value-writer.ts";

/** What a file says of the server that wrote it. */
export interface RdbHeader {
  /** Of the Redis whose format this is, such as "7.0.15". */
  readonly redisVersion: string;
  /** Unix time in seconds. */
  readonly createdAtSeconds: number;
  readonly usedMemoryBytes: number;
}

export interface RdbWriterOptions {
  /** Whether strings of 21 bytes and more are compressed where that makes them smaller. Default: true, as in Redis. */
  readonly isCompressing?: boolean;
}

/** A container whose parts are written one by one, because it is too large to be there at once. */
export type RdbContainer = "list" | "set" | "hash" | "sorted-set";

const CONTAINER_TYPES = {
  list: RDB_TYPE.list,
  set: RDB_TYPE.set,
  hash: RDB_TYPE.hash,
  "sorted-set": RDB_TYPE.sortedSet,
} as const;

/**
 * Writes an RDB file of version 10 into a buffer that its user takes from, as often as it likes; so a file of any size
 * needs little memory. The order is: `writeHeader`; for each database `selectDatabase`, `writeResize` if the counts are
 * known, its keys; `writeEnd`.
 *
 *     writer.writeEntry(key, value); if (writer.sizeBytes > 1 << 20) await file.write(writer.take())
 */
export class RdbWriter {
  readonly #sink: ByteSink;
  readonly #values: ValueWriter;
  readonly #crc = new Crc64();
  #partsLeft = 0;

  constructor({ isCompressing = true }: RdbWriterOptions = {}) {
    this.#sink = new ByteSink({ isCompressing });
    this.#values = new ValueWriter(this.#sink);
  }

  /** Bytes written and not yet taken. */
  get sizeBytes(): number {
    return this.#sink.sizeBytes;
  }

  /** The file's next bytes. They are valid until the next write: write them out or copy them before it. */
  take(): Uint8Array {
    const bytes = this.#sink.take();
    this.#crc.update(bytes, 0, bytes.length);
    return bytes;
  }

  writeHeader({ redisVersion, createdAtSeconds, usedMemoryBytes }: RdbHeader): void {
    this.#sink.raw(asciiBytes(`REDIS${String(RDB_VERSION).padStart(4, "0")}`));
    this.writeAux("redis-ver", asciiBytes(redisVersion));
    this.writeAux("redis-bits", decimalBytes(64));
    this.writeAux("ctime", decimalBytes(createdAtSeconds));
    this.writeAux("used-mem", decimalBytes(usedMemoryBytes));
  }

  /** A field of the header; servers pass over names that they do not know. */
  writeAux(name: string, value: Uint8Array): void {
    this.#sink.u8(RDB_OPCODE.aux);
    this.#sink.string(asciiBytes(name));
    this.#sink.string(value);
  }

  /** The keys from here on are of this database. */
  selectDatabase(database: number): void {
    this.#checkComplete();
    this.#sink.u8(RDB_OPCODE.database);
    this.#sink.length(database);
  }

  /** How many keys follow in this database, and how many of them expire; servers size their tables by it. */
  writeResize(keyCount: number, expiringCount: number): void {
    this.#checkComplete();
    this.#sink.u8(RDB_OPCODE.resize);
    this.#sink.length(keyCount);
    this.#sink.length(expiringCount);
  }

  /** @throws RangeError if there is nothing in the value, or a container before it lacks parts. */
  writeEntry(key: Uint8Array, value: RdbValue, attributes: RdbKeyAttributes = {}): void {
    if (isEmptyValue(value)) throw new RangeError("Cannot write a value with nothing in it: servers refuse such keys");
    this.#writeAttributes(attributes);
    this.#values.write(value, () => this.#sink.string(key));
  }

  /**
   * Begins a value whose parts follow, `count` of them: `writePart` for an element or member, `writePair` for a field,
   * `writeScored` for a member with its score. For what is too large for `writeEntry`; small ones take more room so.
   */
  beginContainer(kind: RdbContainer, key: Uint8Array, count: number, attributes: RdbKeyAttributes = {}): void {
    if (count < 1) throw new RangeError("Cannot write a value with nothing in it: servers refuse such keys");
    this.#writeAttributes(attributes);
    this.#sink.u8(CONTAINER_TYPES[kind]);
    this.#sink.string(key);
    this.#sink.length(count);
    this.#partsLeft = count;
  }

  /** An element of a list, from the head on, or a member of a set. */
  writePart(bytes: Uint8Array): void {
    this.#countPart();
    this.#sink.string(bytes);
  }

  writePair(field: Uint8Array, value: Uint8Array): void {
    this.#countPart();
    this.#sink.string(field);
    this.#sink.string(value);
  }

  /** Servers load sorted sets fastest from the highest member to the lowest. */
  writeScored(member: Uint8Array, score: number): void {
    this.#countPart();
    this.#sink.string(member);
    this.#sink.f64(score);
  }

  /** The end mark and the checksum, behind all that was not yet taken: the last bytes of the file. */
  writeEnd(): Uint8Array {
    this.#checkComplete();
    const sink = this.#sink;
    sink.u8(RDB_OPCODE.end);
    const rest = this.take();
    // The checksum is of what was taken, this rest included; both leave as one piece.
    const whole = new Uint8Array(rest.length + 8);
    whole.set(rest);
    const view = new DataView(whole.buffer);
    view.setUint32(rest.length, this.#crc.low, true);
    view.setUint32(rest.length + 4, this.#crc.high, true);
    return whole;
  }

  #writeAttributes({ expireAtMs, idleSeconds, frequency }: RdbKeyAttributes): void {
    this.#checkComplete();
    const sink = this.#sink;
    if (expireAtMs !== undefined) {
      sink.u8(RDB_OPCODE.expireMs);
      sink.i64(expireAtMs);
    }
    if (idleSeconds !== undefined) {
      sink.u8(RDB_OPCODE.idleSeconds);
      sink.length(idleSeconds);
    }
    if (frequency !== undefined) {
      sink.u8(RDB_OPCODE.frequency);
      sink.u8(frequency);
    }
  }

  #countPart(): void {
    if (this.#partsLeft === 0) throw new RangeError("Cannot write a part: the container has all that were announced");
    this.#partsLeft--;
  }

  #checkComplete(): void {
    if (this.#partsLeft > 0) throw new RangeError(`Cannot go on: ${this.#partsLeft} parts of a container are missing`);
  }
}
