/**
 * What AMF0 and AMF3 carry, as plain JavaScript.
 *
 * Objects have no prototype, so that a key named `__proto__` or `constructor` is only a key. A decoded value holds no
 * cycles, and stays within its limits even when every reference is written out in full: an object that is referred to
 * twice is counted twice. So whoever walks or encodes a decoded value needs no limits of its own.
 */
export type AmfValue =
  | undefined
  | null
  | boolean
  | number
  | string
  | readonly AmfValue[]
  | AmfObject
  | AmfEcmaArray
  | AmfTypedObject
  | AmfDate
  | AmfXml
  | AmfVector
  | AmfDictionary
  | Uint8Array;

/** An anonymous object: string keys in the order they arrived, no prototype. */
export interface AmfObject {
  readonly [key: string]: AmfValue;
}

/** An array with string keys (AMF0 §2.10, the associative part of AMF3 §3.11); `onMetaData` is usually one. */
export class AmfEcmaArray {
  readonly properties: AmfObject;

  constructor(properties: AmfObject) {
    this.properties = properties;
  }
}

/** An object with a class name (AMF0 §2.18, AMF3 §3.12). */
export class AmfTypedObject {
  readonly className: string;
  readonly properties: AmfObject;

  constructor(className: string, properties: AmfObject) {
    this.className = className;
    this.properties = properties;
  }
}

/** A date as milliseconds since the Unix epoch; AMF0's reserved time zone is passed over. */
export class AmfDate {
  readonly timeMs: number;

  constructor(timeMs: number) {
    this.timeMs = timeMs;
  }
}

/** An XML document, as text: never parsed here. */
export class AmfXml {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** An AMF3 vector (§3.15): of 32-bit integers, doubles or values; `typeName` is the class of `object` items. */
export class AmfVector {
  readonly itemKind: "int" | "uint" | "double" | "object";
  readonly items: readonly AmfValue[];
  readonly isFixed: boolean;
  readonly typeName: string;

  constructor(itemKind: AmfVector["itemKind"], items: readonly AmfValue[], isFixed: boolean, typeName = "") {
    this.itemKind = itemKind;
    this.items = items;
    this.isFixed = isFixed;
    this.typeName = typeName;
  }
}

/** An AMF3 dictionary (§3.16): keys may be any value. */
export class AmfDictionary {
  readonly entries: readonly (readonly [key: AmfValue, value: AmfValue])[];
  readonly hasWeakKeys: boolean;

  constructor(entries: AmfDictionary["entries"], hasWeakKeys: boolean) {
    this.entries = entries;
    this.hasWeakKeys = hasWeakKeys;
  }
}

/** How much one decode may cost; each counts over all values of the call, with references written out in full. */
export interface AmfLimits {
  /** Nesting of objects and arrays. At most 32, so that recursion stays far from the end of any stack. */
  readonly maxDepth: number;
  /** Values, keys and array items together. */
  readonly maxElements: number;
  /** UTF-8 bytes of one string, key, XML document or byte array. */
  readonly maxStringBytes: number;
  /** UTF-8 bytes of all strings, keys and byte arrays together. */
  readonly maxTotalBytes: number;
}

export const AMF_MAX_DEPTH = 32;

export const DEFAULT_AMF_LIMITS: AmfLimits = {
  maxDepth: AMF_MAX_DEPTH,
  maxElements: 4096,
  maxStringBytes: 65_536,
  maxTotalBytes: 262_144,
};

export type AmfFailureCode =
  | "AMF_TRUNCATED"
  | "AMF_MARKER_UNKNOWN"
  | "AMF_REFERENCE_INVALID"
  | "AMF_DEPTH_LIMIT"
  | "AMF_ELEMENT_LIMIT"
  | "AMF_STRING_LIMIT"
  | "AMF_BYTE_LIMIT"
  | "AMF_EXTERNALIZABLE";

/** Why bytes could not be decoded. `offset` is where, in bytes from the start of the input. */
export interface AmfFailure {
  readonly ok: false;
  readonly code: AmfFailureCode;
  readonly offset: number;
  readonly message: string;
}

/** The decoded value, and the offset of the first byte behind it. */
export interface AmfDecoded {
  readonly ok: true;
  readonly value: AmfValue;
  readonly end: number;
}

/** Carries a failure from the depth of a decoder to its public function; never leaves this folder. */
export class AmfFault extends Error {
  override readonly name = "AmfFault";
  readonly failure: AmfFailure;

  constructor(code: AmfFailureCode, offset: number, message: string) {
    super(message);
    this.failure = { ok: false, code, offset, message: `Cannot read AMF at byte ${offset}: ${message}` };
  }
}

/** An object without prototype, to be filled by a decoder. */
export function emptyAmfObject(): { [key: string]: AmfValue } {
  return Object.create(null) as { [key: string]: AmfValue };
}

/** Copies a literal into an object without prototype. */
export function amfObject(properties: { readonly [key: string]: AmfValue }): AmfObject {
  return Object.assign(emptyAmfObject(), properties);
}

/** The properties of any object-like value; `undefined` for everything else. */
export function amfProperties(value: AmfValue): AmfObject | undefined {
  if (value instanceof AmfEcmaArray || value instanceof AmfTypedObject) return value.properties;
  return isAmfObject(value) ? value : undefined;
}

/** Whether `value` is an anonymous object. */
export function isAmfObject(value: AmfValue): value is AmfObject {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) return false;
  return !(
    value instanceof AmfEcmaArray ||
    value instanceof AmfTypedObject ||
    value instanceof AmfDate ||
    value instanceof AmfXml ||
    value instanceof AmfVector ||
    value instanceof AmfDictionary
  );
}
