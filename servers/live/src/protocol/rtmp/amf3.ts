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
import { type ByteWriter, utf8, ByteWriter as Writer } from "./byte-writer.ts";

const UNDEFINED = 0x00;
const NULL = 0x01;
const FALSE = 0x02;
const TRUE = 0x03;
const INTEGER = 0x04;
const DOUBLE = 0x05;
const STRING = 0x06;
const XML_DOCUMENT = 0x07;
const DATE = 0x08;
const ARRAY = 0x09;
const OBJECT = 0x0a;
const XML = 0x0b;
const BYTE_ARRAY = 0x0c;
const VECTOR_INT = 0x0d;
const VECTOR_UINT = 0x0e;
const VECTOR_DOUBLE = 0x0f;
const VECTOR_OBJECT = 0x10;
const DICTIONARY = 0x11;

const MAX_INTEGER = 0x0fffffff;
const MIN_INTEGER = -0x10000000;

/** What an object's values are called (§3.12): sent once for a class, referred to afterwards. */
interface Traits {
  readonly className: string;
  readonly isDynamic: boolean;
  readonly keys: readonly string[];
  /** UTF-8 bytes of the class name and all keys. */
  readonly nameBytes: number;
}

const traitsOf = new WeakMap<AmfInput, Traits[]>();

/**
 * Reads one AMF3 value at `offset`, with fresh reference tables.
 *
 * @returns The value and where it ends, or a coded failure; never throws on bad bytes.
 * @see AMF3 §3
 */
export function decodeAmf3(
  bytes: Uint8Array,
  offset = 0,
  limits: AmfLimits = DEFAULT_AMF_LIMITS,
): AmfDecoded | AmfFailure {
  const input = new AmfInput(bytes, offset, bytes.length, limits);
  try {
    input.enter(0);
    const value = readAmf3Value(input, 0);
    return { ok: true, value, end: input.offset };
  } catch (error) {
    if (error instanceof AmfFault) return error.failure;
    throw error;
  }
}

/**
 * Writes one AMF3 value. Repeats are written out, not referred to.
 *
 * @throws RangeError if the value nests deeper than 32: a bug of the caller.
 */
export function encodeAmf3(value: AmfValue): Uint8Array {
  const writer = new Writer();
  encodeAmf3Into(writer, value, 0);
  return writer.finish();
}

/** Reads a value that the caller has charged already; `AmfFault` leaves it. For the AMF0 reader. */
export function readAmf3Value(input: AmfInput, depth: number): AmfValue {
  const at = input.offset;
  const marker = input.uint8();
  switch (marker) {
    case UNDEFINED:
      return undefined;
    case NULL:
      return null;
    case FALSE:
      return false;
    case TRUE:
      return true;
    case INTEGER:
      return (readUint29(input) << 3) >> 3;
    case DOUBLE:
      return input.float64();
    case STRING:
      return readText(input).text;
    default:
      break;
  }
  if (marker > DICTIONARY) {
    throw new AmfFault("AMF_MARKER_UNKNOWN", at, `AMF3 has no marker 0x${marker.toString(16)}`);
  }
  const head = readUint29(input);
  if ((head & 1) === 0) return input.refer(input.amf3References, head >>> 1, depth);
  return readComplex(input, marker, head >>> 1, depth);
}

/** Everything that has a place in the object table; `size` is the rest of the first integer. */
function readComplex(input: AmfInput, marker: number, size: number, depth: number): AmfValue {
  const reference = input.open(input.amf3References, depth);
  switch (marker) {
    case XML_DOCUMENT:
    case XML:
      return input.close(reference, new AmfXml(input.text(size)));
    case DATE:
      return input.close(reference, new AmfDate(input.float64()));
    case ARRAY:
      return input.close(reference, readArray(input, size, depth));
    case OBJECT:
      return input.close(reference, readObject(input, size, depth));
    case BYTE_ARRAY:
      return input.close(reference, input.copy(size));
    case DICTIONARY:
      return input.close(reference, readDictionary(input, size, depth));
    default:
      return input.close(reference, readVector(input, marker, size, depth));
  }
}

function readChild(input: AmfInput, depth: number): AmfValue {
  input.enter(depth + 1);
  return readAmf3Value(input, depth + 1);
}

/** An integer of 29 bits in one to four bytes (§1.3.1). */
function readUint29(input: AmfInput): number {
  let value = 0;
  for (let i = 0; i < 3; i++) {
    const byte = input.uint8();
    value = (value << 7) | (byte & 0x7f);
    if (byte < 0x80) return value;
  }
  return (value << 8) | input.uint8();
}

function readText(input: AmfInput): { readonly text: string; readonly sizeBytes: number } {
  const head = readUint29(input);
  if ((head & 1) === 0) {
    const known = input.amf3Strings[head >>> 1];
    if (known === undefined) {
      throw new AmfFault("AMF_REFERENCE_INVALID", input.offset, `string ${head >>> 1} of ${input.amf3Strings.length}`);
    }
    input.chargeBytes(known.sizeBytes);
    return known;
  }
  const sizeBytes = head >>> 1;
  const entry = { text: input.text(sizeBytes), sizeBytes };
  // The empty string is never referred to (§1.3.2).
  if (sizeBytes > 0) input.amf3Strings.push(entry);
  return entry;
}

/** Reads keys and values up to the empty key. */
function readDynamic(input: AmfInput, properties: { [key: string]: AmfValue }, depth: number): void {
  for (;;) {
    const key = readText(input);
    if (key.sizeBytes === 0) return;
    input.charge(1);
    properties[key.text] = readChild(input, depth);
  }
}

function readArray(input: AmfInput, count: number, depth: number): AmfValue {
  const properties = emptyAmfObject();
  readDynamic(input, properties, depth);
  input.need(count);
  const items: AmfValue[] = [];
  for (let i = 0; i < count; i++) items.push(readChild(input, depth));
  if (Object.keys(properties).length === 0) return items;
  for (const [index, item] of items.entries()) properties[index] = item;
  return new AmfEcmaArray(properties);
}

function readObject(input: AmfInput, head: number, depth: number): AmfValue {
  const traits = readTraits(input, head);
  // Each object repeats the names of its class when it is written out, so each pays for them.
  input.charge(traits.keys.length);
  input.chargeTotal(traits.nameBytes);
  const properties = emptyAmfObject();
  for (const key of traits.keys) {
    properties[key] = readChild(input, depth);
  }
  if (traits.isDynamic) readDynamic(input, properties, depth);
  return traits.className === "" ? properties : new AmfTypedObject(traits.className, properties);
}

function readTraits(input: AmfInput, head: number): Traits {
  let known = traitsOf.get(input);
  if (known === undefined) {
    known = [];
    traitsOf.set(input, known);
  }
  if ((head & 1) === 0) {
    const traits = known[head >>> 1];
    if (traits === undefined) {
      throw new AmfFault("AMF_REFERENCE_INVALID", input.offset, `traits ${head >>> 1} of ${known.length}`);
    }
    return traits;
  }
  if ((head & 2) !== 0) {
    throw new AmfFault("AMF_EXTERNALIZABLE", input.offset, "an externalizable object, whose form only its class knows");
  }
  const count = head >>> 3;
  const name = readText(input);
  input.need(count);
  const keys: string[] = [];
  let nameBytes = name.sizeBytes;
  for (let i = 0; i < count; i++) {
    input.charge(1);
    const key = readText(input);
    keys.push(key.text);
    nameBytes += key.sizeBytes;
  }
  const isDynamic = (head & 4) !== 0;
  const traits = { className: name.text, isDynamic, keys, nameBytes };
  known.push(traits);
  return traits;
}

function readVector(input: AmfInput, marker: number, count: number, depth: number): AmfVector {
  const isFixed = input.uint8() !== 0;
  const items: AmfValue[] = [];
  if (marker === VECTOR_OBJECT) {
    const typeName = readText(input).text;
    input.need(count);
    for (let i = 0; i < count; i++) items.push(readChild(input, depth));
    return new AmfVector("object", items, isFixed, typeName);
  }
  input.need(count * (marker === VECTOR_DOUBLE ? 8 : 4));
  input.charge(count);
  for (let i = 0; i < count; i++) {
    if (marker === VECTOR_DOUBLE) items.push(input.float64());
    else items.push(marker === VECTOR_INT ? input.uint32() | 0 : input.uint32());
  }
  return new AmfVector(marker === VECTOR_DOUBLE ? "double" : marker === VECTOR_INT ? "int" : "uint", items, isFixed);
}

function readDictionary(input: AmfInput, count: number, depth: number): AmfDictionary {
  const hasWeakKeys = input.uint8() !== 0;
  input.need(count * 2);
  const entries: (readonly [AmfValue, AmfValue])[] = [];
  for (let i = 0; i < count; i++) entries.push([readChild(input, depth), readChild(input, depth)]);
  return new AmfDictionary(entries, hasWeakKeys);
}

/** Writes one value behind what `writer` holds. For the AMF0 writer. */
export function encodeAmf3Into(writer: ByteWriter, value: AmfValue, depth: number): void {
  if (depth > AMF_MAX_DEPTH) throw new RangeError(`Cannot write AMF3: nested deeper than ${AMF_MAX_DEPTH}`);
  if (value === undefined) writer.uint8(UNDEFINED);
  else if (value === null) writer.uint8(NULL);
  else if (typeof value === "boolean") writer.uint8(value ? TRUE : FALSE);
  else if (typeof value === "number") writeNumber(writer, value);
  else if (typeof value === "string") {
    writer.uint8(STRING);
    writeText(writer, value);
  } else writeComplex(writer, value, depth);
}

function writeComplex(writer: ByteWriter, value: object, depth: number): void {
  if (value instanceof AmfXml) {
    writer.uint8(XML);
    writeText(writer, value.text);
  } else if (value instanceof AmfDate) {
    writer.uint8(DATE);
    writer.uint8(1);
    writer.float64(value.timeMs);
  } else if (value instanceof Uint8Array) {
    writer.uint8(BYTE_ARRAY);
    writeUint29(writer, value.length * 2 + 1);
    writer.raw(value);
  } else if (value instanceof AmfVector) {
    writeVector(writer, value, depth);
  } else if (value instanceof AmfDictionary) {
    writer.uint8(DICTIONARY);
    writeUint29(writer, value.entries.length * 2 + 1);
    writer.uint8(value.hasWeakKeys ? 1 : 0);
    for (const [key, item] of value.entries) {
      encodeAmf3Into(writer, key, depth + 1);
      encodeAmf3Into(writer, item, depth + 1);
    }
  } else if (value instanceof AmfEcmaArray) {
    writer.uint8(ARRAY);
    writer.uint8(1);
    writeDynamic(writer, value.properties, depth);
  } else if (value instanceof AmfTypedObject) {
    writeObject(writer, value.className, value.properties, depth);
  } else if (isAmfObject(value as AmfValue)) {
    writeObject(writer, "", value as AmfObject, depth);
  } else {
    const items = value as readonly AmfValue[];
    writer.uint8(ARRAY);
    writeUint29(writer, items.length * 2 + 1);
    writer.uint8(1);
    for (const item of items) encodeAmf3Into(writer, item, depth + 1);
  }
}

function writeUint29(writer: ByteWriter, value: number): void {
  if (value < 0 || value > 0x1fffffff) throw new RangeError(`Cannot write AMF3: ${value} does not fit in 29 bits`);
  if (value >= 0x200000) {
    writer.uint8((value >>> 22) | 0x80);
    writer.uint8(((value >>> 15) & 0x7f) | 0x80);
    writer.uint8(((value >>> 8) & 0x7f) | 0x80);
    writer.uint8(value & 0xff);
    return;
  }
  if (value >= 0x4000) writer.uint8((value >>> 14) | 0x80);
  if (value >= 0x80) writer.uint8(((value >>> 7) & 0x7f) | 0x80);
  writer.uint8(value & 0x7f);
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (Number.isInteger(value) && value >= MIN_INTEGER && value <= MAX_INTEGER && !Object.is(value, -0)) {
    writer.uint8(INTEGER);
    writeUint29(writer, value & 0x1fffffff);
    return;
  }
  writer.uint8(DOUBLE);
  writer.float64(value);
}

function writeText(writer: ByteWriter, text: string): void {
  const bytes = utf8(text);
  writeUint29(writer, bytes.length * 2 + 1);
  writer.raw(bytes);
}

function writeDynamic(writer: ByteWriter, properties: AmfObject, depth: number): void {
  for (const key of Object.keys(properties)) {
    // An empty key would end the list, so AMF3 cannot carry it.
    if (key === "") continue;
    writeText(writer, key);
    encodeAmf3Into(writer, properties[key], depth + 1);
  }
  writer.uint8(1);
}

function writeObject(writer: ByteWriter, className: string, properties: AmfObject, depth: number): void {
  writer.uint8(OBJECT);
  writer.uint8(0x0b); // traits in line, dynamic, no sealed keys
  writeText(writer, className);
  writeDynamic(writer, properties, depth);
}

function writeVector(writer: ByteWriter, vector: AmfVector, depth: number): void {
  const markers = { int: VECTOR_INT, uint: VECTOR_UINT, double: VECTOR_DOUBLE, object: VECTOR_OBJECT };
  writer.uint8(markers[vector.itemKind]);
  writeUint29(writer, vector.items.length * 2 + 1);
  writer.uint8(vector.isFixed ? 1 : 0);
  if (vector.itemKind === "object") writeText(writer, vector.typeName);
  for (const item of vector.items) {
    if (vector.itemKind === "object") encodeAmf3Into(writer, item, depth + 1);
    else if (vector.itemKind === "double") writer.float64(item as number);
    else writer.uint32(item as number);
  }
}
