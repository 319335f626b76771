import { AmfInput } from "./amf-input.ts";
import {
  AmfDate,
  type AmfDecoded,
  AmfDictionary,
  AmfEcmaArray,
  type AmfFailure,
  AmfFault,
  type AmfLimits,
  AmfTypedObject,
  type AmfValue,
  AmfVector,
  AmfXml,
  DEFAULT_AMF_LIMITS,
  emptyAmfObject,
} from "./amf-value.ts";
import { AMF3_MARKER } from "./amf3-marker.ts";

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

/** Reads a value that the caller has charged already; `AmfFault` leaves it. For the AMF0 reader. */
export function readAmf3Value(input: AmfInput, depth: number): AmfValue {
  const at = input.offset;
  const marker = input.uint8();
  switch (marker) {
    case AMF3_MARKER.undefined:
      return undefined;
    case AMF3_MARKER.null:
      return null;
    case AMF3_MARKER.false:
      return false;
    case AMF3_MARKER.true:
      return true;
    case AMF3_MARKER.integer:
      return (readUint29(input) << 3) >> 3;
    case AMF3_MARKER.double:
      return input.float64();
    case AMF3_MARKER.string:
      return readText(input).text;
    default:
      break;
  }
  if (marker > AMF3_MARKER.dictionary) {
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
    case AMF3_MARKER.xmlDocument:
    case AMF3_MARKER.xml:
      return input.close(reference, new AmfXml(input.text(size)));
    case AMF3_MARKER.date:
      return input.close(reference, new AmfDate(input.float64()));
    case AMF3_MARKER.array:
      return input.close(reference, readArray(input, size, depth));
    case AMF3_MARKER.object:
      return input.close(reference, readObject(input, size, depth));
    case AMF3_MARKER.byteArray:
      return input.close(reference, input.copy(size));
    case AMF3_MARKER.dictionary:
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
  if (marker === AMF3_MARKER.vectorObject) {
    const typeName = readText(input).text;
    input.need(count);
    for (let i = 0; i < count; i++) items.push(readChild(input, depth));
    return new AmfVector("object", items, isFixed, typeName);
  }
  input.need(count * (marker === AMF3_MARKER.vectorDouble ? 8 : 4));
  input.charge(count);
  for (let i = 0; i < count; i++) {
    if (marker === AMF3_MARKER.vectorDouble) items.push(input.float64());
    else items.push(marker === AMF3_MARKER.vectorInt ? input.uint32() | 0 : input.uint32());
  }
  return new AmfVector(
    marker === AMF3_MARKER.vectorDouble ? "double" : marker === AMF3_MARKER.vectorInt ? "int" : "uint",
    items,
    isFixed,
  );
}

function readDictionary(input: AmfInput, count: number, depth: number): AmfDictionary {
  const hasWeakKeys = input.uint8() !== 0;
  input.need(count * 2);
  const entries: (readonly [AmfValue, AmfValue])[] = [];
  for (let i = 0; i < count; i++) entries.push([readChild(input, depth), readChild(input, depth)]);
  return new AmfDictionary(entries, hasWeakKeys);
}
