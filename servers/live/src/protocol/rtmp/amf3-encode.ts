import {
  AMF_MAX_DEPTH,
  AmfDate,
  AmfDictionary,
  AmfEcmaArray,
  type AmfObject,
  AmfTypedObject,
  type AmfValue,
  AmfVector,
  AmfXml,
  isAmfObject,
} from "./amf-value.ts";
import { AMF3_MARKER } from "./amf3-marker.ts";
import { ByteWriter, utf8 } from "./byte-writer.ts";

const MAX_INTEGER = 0x0fffffff;
const MIN_INTEGER = -0x10000000;

/**
 * Writes one AMF3 value. Repeats are written out, not referred to.
 *
 * @throws RangeError if the value nests deeper than 32: a bug of the caller.
 */
export function encodeAmf3(value: AmfValue): Uint8Array {
  const writer = new ByteWriter();
  encodeAmf3Into(writer, value, 0);
  return writer.finish();
}

/** Writes one value behind what `writer` holds. For the AMF0 writer. */
export function encodeAmf3Into(writer: ByteWriter, value: AmfValue, depth: number): void {
  if (depth > AMF_MAX_DEPTH) throw new RangeError(`Cannot write AMF3: nested deeper than ${AMF_MAX_DEPTH}`);
  if (value === undefined) writer.uint8(AMF3_MARKER.undefined);
  else if (value === null) writer.uint8(AMF3_MARKER.null);
  else if (typeof value === "boolean") writer.uint8(value ? AMF3_MARKER.true : AMF3_MARKER.false);
  else if (typeof value === "number") writeNumber(writer, value);
  else if (typeof value === "string") {
    writer.uint8(AMF3_MARKER.string);
    writeText(writer, value);
  } else writeComplex(writer, value, depth);
}

function writeComplex(writer: ByteWriter, value: object, depth: number): void {
  if (value instanceof AmfXml) {
    writer.uint8(AMF3_MARKER.xml);
    writeText(writer, value.text);
  } else if (value instanceof AmfDate) {
    writer.uint8(AMF3_MARKER.date);
    writer.uint8(1);
    writer.float64(value.timeMs);
  } else if (value instanceof Uint8Array) {
    writer.uint8(AMF3_MARKER.byteArray);
    writeUint29(writer, value.length * 2 + 1);
    writer.raw(value);
  } else if (value instanceof AmfVector) {
    writeVector(writer, value, depth);
  } else if (value instanceof AmfDictionary) {
    writer.uint8(AMF3_MARKER.dictionary);
    writeUint29(writer, value.entries.length * 2 + 1);
    writer.uint8(value.hasWeakKeys ? 1 : 0);
    for (const [key, item] of value.entries) {
      encodeAmf3Into(writer, key, depth + 1);
      encodeAmf3Into(writer, item, depth + 1);
    }
  } else if (value instanceof AmfEcmaArray) {
    writer.uint8(AMF3_MARKER.array);
    writer.uint8(1);
    writeDynamic(writer, value.properties, depth);
  } else if (value instanceof AmfTypedObject) {
    writeObject(writer, value.className, value.properties, depth);
  } else if (isAmfObject(value as AmfValue)) {
    writeObject(writer, "", value as AmfObject, depth);
  } else {
    const items = value as readonly AmfValue[];
    writer.uint8(AMF3_MARKER.array);
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
    writer.uint8(AMF3_MARKER.integer);
    writeUint29(writer, value & 0x1fffffff);
    return;
  }
  writer.uint8(AMF3_MARKER.double);
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
  writer.uint8(AMF3_MARKER.object);
  writer.uint8(0x0b); // traits in line, dynamic, no sealed keys
  writeText(writer, className);
  writeDynamic(writer, properties, depth);
}

function writeVector(writer: ByteWriter, vector: AmfVector, depth: number): void {
  const markers = {
    int: AMF3_MARKER.vectorInt,
    uint: AMF3_MARKER.vectorUint,
    double: AMF3_MARKER.vectorDouble,
    object: AMF3_MARKER.vectorObject,
  };
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
