import { AmfInput } from "./amf-input.ts";
import {
  AMF_MAX_DEPTH,
  AmfDate,
  type AmfDecoded,
  AmfDictionary,
  AmfEcmaArray,
  type AmfFailure,
  AmfFault,
  type AmfLimits,
  type AmfObject,
  AmfTypedObject,
  type AmfValue,
  AmfVector,
  AmfXml,
  DEFAULT_AMF_LIMITS,
  emptyAmfObject,
  isAmfObject,
} from "./amf-value.ts";
import { readAmf3Value } from "./amf3.ts";
import { encodeAmf3Into } from "./amf3-encode.ts";
import { ByteWriter, utf8 } from "./byte-writer.ts";

const NUMBER = 0x00;
const BOOLEAN = 0x01;
const STRING = 0x02;
const OBJECT = 0x03;
const NULL = 0x05;
const UNDEFINED = 0x06;
const REFERENCE = 0x07;
const ECMA_ARRAY = 0x08;
const OBJECT_END = 0x09;
const STRICT_ARRAY = 0x0a;
const DATE = 0x0b;
const LONG_STRING = 0x0c;
const UNSUPPORTED = 0x0d;
const XML_DOCUMENT = 0x0f;
const TYPED_OBJECT = 0x10;
const AVMPLUS = 0x11;

/**
 * Reads one AMF0 value at `offset`.
 *
 * @returns The value and where it ends, or a coded failure; never throws on bad bytes.
 * @see AMF0 §2
 */
export function decodeAmf0(
  bytes: Uint8Array,
  offset = 0,
  limits: AmfLimits = DEFAULT_AMF_LIMITS,
): AmfDecoded | AmfFailure {
  const input = new AmfInput(bytes, offset, bytes.length, limits);
  try {
    const value = readValue(input, 0);
    return { ok: true, value, end: input.offset };
  } catch (error) {
    if (error instanceof AmfFault) return error.failure;
    throw error;
  }
}

/**
 * Reads AMF0 values from `offset` to the end of the input, as in a command message. References and limits are shared
 * by all of them.
 *
 * @see AMF0 §2, RTMP 1.0 §7.1.1
 */
export function decodeAmf0Sequence(
  bytes: Uint8Array,
  offset = 0,
  limits: AmfLimits = DEFAULT_AMF_LIMITS,
): { readonly ok: true; readonly values: AmfValue[] } | AmfFailure {
  const input = new AmfInput(bytes, offset, bytes.length, limits);
  const values: AmfValue[] = [];
  try {
    while (input.offset < input.end) values.push(readValue(input, 0));
  } catch (error) {
    if (error instanceof AmfFault) return error.failure;
    throw error;
  }
  return { ok: true, values };
}

/**
 * Writes values one behind the other. Byte arrays, vectors and dictionaries do not exist in AMF0 and are written
 * as AMF3 behind marker 0x11.
 *
 * @throws RangeError if a value nests deeper than 32 or a key is longer than 65,535 bytes: a bug of the caller.
 */
export function encodeAmf0(...values: readonly AmfValue[]): Uint8Array {
  const writer = new ByteWriter();
  for (const value of values) writeValue(writer, value, 0);
  return writer.finish();
}

function readValue(input: AmfInput, depth: number): AmfValue {
  const at = input.offset;
  const marker = input.uint8();
  input.enter(depth);
  switch (marker) {
    case NUMBER:
      return input.float64();
    case BOOLEAN:
      return input.uint8() !== 0;
    case STRING:
      return input.text(input.uint16());
    case OBJECT: {
      const reference = input.open(input.amf0References, depth);
      return input.close(reference, readProperties(input, depth));
    }
    case NULL:
      return null;
    case UNDEFINED:
    case UNSUPPORTED:
      return undefined;
    case REFERENCE:
      return input.refer(input.amf0References, input.uint16(), depth);
    case ECMA_ARRAY: {
      const reference = input.open(input.amf0References, depth);
      // The count is a hint that encoders get wrong; the end marker decides.
      input.uint32();
      return input.close(reference, new AmfEcmaArray(readProperties(input, depth)));
    }
    case STRICT_ARRAY:
      return readStrictArray(input, depth);
    case DATE: {
      const timeMs = input.float64();
      input.uint16();
      return new AmfDate(timeMs);
    }
    case LONG_STRING:
      return input.text(input.uint32());
    case XML_DOCUMENT:
      return new AmfXml(input.text(input.uint32()));
    case TYPED_OBJECT: {
      const reference = input.open(input.amf0References, depth);
      const className = input.text(input.uint16());
      return input.close(reference, new AmfTypedObject(className, readProperties(input, depth)));
    }
    case AVMPLUS:
      return readAmf3Value(input, depth);
    default:
      throw new AmfFault("AMF_MARKER_UNKNOWN", at, `AMF0 has no marker 0x${marker.toString(16)}`);
  }
}

/** Reads keys and values up to the end marker; a key that comes twice keeps its last value. */
function readProperties(input: AmfInput, depth: number): AmfObject {
  const properties = emptyAmfObject();
  for (;;) {
    const sizeBytes = input.uint16();
    if (sizeBytes === 0 && input.offset < input.end && input.bytes[input.offset] === OBJECT_END) {
      input.offset++;
      return properties;
    }
    input.charge(1);
    const key = input.text(sizeBytes);
    properties[key] = readValue(input, depth + 1);
  }
}

function readStrictArray(input: AmfInput, depth: number): AmfValue {
  const reference = input.open(input.amf0References, depth);
  const count = input.uint32();
  // The least item is one byte, so a count beyond the rest of the input is refused before anything is made.
  input.need(count);
  const items: AmfValue[] = [];
  for (let i = 0; i < count; i++) items.push(readValue(input, depth + 1));
  return input.close(reference, items);
}

function writeValue(writer: ByteWriter, value: AmfValue, depth: number): void {
  if (depth > AMF_MAX_DEPTH) throw new RangeError(`Cannot write AMF0: nested deeper than ${AMF_MAX_DEPTH}`);
  if (value === null) {
    writer.uint8(NULL);
  } else if (value === undefined) {
    writer.uint8(UNDEFINED);
  } else if (typeof value === "number") {
    writer.uint8(NUMBER);
    writer.float64(value);
  } else if (typeof value === "boolean") {
    writer.uint8(BOOLEAN);
    writer.uint8(value ? 1 : 0);
  } else if (typeof value === "string") {
    writeString(writer, value);
  } else if (value instanceof AmfEcmaArray) {
    writer.uint8(ECMA_ARRAY);
    writer.uint32(Object.keys(value.properties).length);
    writeProperties(writer, value.properties, depth);
  } else if (value instanceof AmfTypedObject) {
    writer.uint8(TYPED_OBJECT);
    writeShortText(writer, value.className);
    writeProperties(writer, value.properties, depth);
  } else if (value instanceof AmfDate) {
    writer.uint8(DATE);
    writer.float64(value.timeMs);
    writer.uint16(0);
  } else if (value instanceof AmfXml) {
    writer.uint8(XML_DOCUMENT);
    writeLongText(writer, utf8(value.text));
  } else if (value instanceof Uint8Array || value instanceof AmfVector || value instanceof AmfDictionary) {
    writer.uint8(AVMPLUS);
    encodeAmf3Into(writer, value, depth);
  } else if (isAmfObject(value)) {
    writer.uint8(OBJECT);
    writeProperties(writer, value, depth);
  } else {
    writer.uint8(STRICT_ARRAY);
    writer.uint32(value.length);
    for (const item of value) writeValue(writer, item, depth + 1);
  }
}

function writeString(writer: ByteWriter, text: string): void {
  const bytes = utf8(text);
  if (bytes.length > 0xffff) {
    writer.uint8(LONG_STRING);
    writeLongText(writer, bytes);
    return;
  }
  writer.uint8(STRING);
  writer.uint16(bytes.length);
  writer.raw(bytes);
}

function writeLongText(writer: ByteWriter, bytes: Uint8Array): void {
  writer.uint32(bytes.length);
  writer.raw(bytes);
}

function writeShortText(writer: ByteWriter, text: string): void {
  const bytes = utf8(text);
  if (bytes.length > 0xffff) throw new RangeError(`Cannot write AMF0: a key of ${bytes.length} bytes, 65535 allowed`);
  writer.uint16(bytes.length);
  writer.raw(bytes);
}

function writeProperties(writer: ByteWriter, properties: AmfObject, depth: number): void {
  for (const key of Object.keys(properties)) {
    writeShortText(writer, key);
    writeValue(writer, properties[key], depth + 1);
  }
  writer.uint16(0);
  writer.uint8(OBJECT_END);
}
