// What DUMP answers and RESTORE takes: type byte | value | version (u16 LE) | CRC-64 of all before it (LE).

import { ByteSink } from "./byte-sink.ts";
import { Crc64 } from "./crc64.ts";
import { RdbCursor, ShortRead } from "./cursor.ts";
import { RDB_VERSION, RDB_VERSION_MAX, RdbError, type RdbValue } from "./format.ts";
import { isEmptyValue, readValue, type UnkeptValue } from "./value-reader.ts";
import { ValueWriter } from "./value-writer.ts";

const FOOTER_BYTES = 10;

/**
 * What a payload was. `footer`: its version is newer than 11 or its checksum wrong (RESTORE answers "DUMP payload version
 * or checksum are wrong"). `format`: damaged inside, or nothing in it ("Bad data format"). `unkept`: a sound stream or
 * module value. The text of `why` is for people.
 */
export type DumpReading =
  | { readonly kind: "value"; readonly value: RdbValue }
  | { readonly kind: "footer" }
  | { readonly kind: "format"; readonly offset: number; readonly why: string }
  | { readonly kind: "unkept"; readonly what: UnkeptValue };

/** Reads a DUMP payload. The value's bytes alias it. Never throws; any bytes give one of the four. */
export function readDump(payload: Uint8Array, stringLimitBytes = 0x2000_0000): DumpReading {
  const bodyBytes = payload.length - FOOTER_BYTES;
  if (bodyBytes < 0 || !isFooterRight(payload, bodyBytes)) return { kind: "footer" };
  const cursor = new RdbCursor(payload, bodyBytes, stringLimitBytes);
  try {
    const value = readValue(cursor, cursor.u8());
    const restBytes = bodyBytes - cursor.position;
    if (restBytes > 0) return { kind: "format", offset: cursor.position, why: `${restBytes} bytes follow the value` };
    if (typeof value === "string") return { kind: "unkept", what: value };
    if (isEmptyValue(value)) return { kind: "format", offset: 0, why: "The value has nothing in it" };
    return { kind: "value", value };
  } catch (error) {
    if (error instanceof ShortRead) return { kind: "format", offset: bodyBytes, why: "The value is not whole" };
    if (error instanceof RdbError) return { kind: "format", offset: error.offset, why: error.message };
    throw error;
  }
}

/** Writes DUMP payloads; keeps the memory that one needs for the next. */
export class DumpWriter {
  readonly #sink: ByteSink;
  readonly #values: ValueWriter;
  readonly #crc = new Crc64();

  constructor({ isCompressing = true } = {}) {
    this.#sink = new ByteSink({ isCompressing, capacityBytes: 1_024 });
    this.#values = new ValueWriter(this.#sink);
  }

  /** The payload, valid until the next call. The value must not be empty. */
  write(value: RdbValue): Uint8Array {
    const sink = this.#sink;
    this.#values.write(value);
    sink.u16(RDB_VERSION);
    const crc = this.#crc;
    crc.reset();
    crc.update(sink.pending, 0, sink.sizeBytes);
    sink.u32(crc.low);
    sink.u32(crc.high);
    return sink.take();
  }
}

function isFooterRight(payload: Uint8Array, at: number): boolean {
  const version = payload[at]! | (payload[at + 1]! << 8);
  if (version > RDB_VERSION_MAX) return false;
  const crc = new Crc64();
  crc.update(payload, 0, at + 2);
  const view = new DataView(payload.buffer, payload.byteOffset + at + 2, 8);
  return view.getUint32(0, true) === crc.low && view.getUint32(4, true) === crc.high;
}
