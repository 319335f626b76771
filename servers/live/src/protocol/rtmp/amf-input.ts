import { AMF_MAX_DEPTH, AmfFault, type AmfLimits, type AmfValue } from "./amf-value.ts";

const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });

/** A finished value that later references may name, and what it costs to write out in full. */
interface Referable {
  readonly value: AmfValue;
  readonly isOpen: boolean;
  readonly elements: number;
  readonly bytes: number;
  readonly height: number;
}

/** A place in a reference table that is filled when its value is whole. */
export interface OpenReference {
  readonly table: Referable[];
  readonly index: number;
  readonly elements: number;
  readonly bytes: number;
  readonly depth: number;
  readonly deepestBefore: number;
}

/**
 * A cursor over AMF bytes that charges everything read against the limits. AMF0 and AMF3 share one per message, since
 * AMF0 may switch to AMF3 in the middle (marker 0x11) and both must pay from the same purse.
 */
export class AmfInput {
  readonly bytes: Uint8Array;
  readonly end: number;
  offset: number;
  readonly amf0References: Referable[] = [];
  readonly amf3References: Referable[] = [];
  readonly amf3Strings: { readonly text: string; readonly sizeBytes: number }[] = [];
  readonly #view: DataView;
  readonly #limits: AmfLimits;
  readonly #maxDepth: number;
  #elements = 0;
  #totalBytes = 0;
  #deepest = 0;

  constructor(bytes: Uint8Array, offset: number, end: number, limits: AmfLimits) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#limits = limits;
    this.#maxDepth = Math.min(limits.maxDepth, AMF_MAX_DEPTH);
  }

  /** Throws unless `count` more bytes are there. */
  need(count: number): void {
    if (count > this.end - this.offset) {
      throw new AmfFault("AMF_TRUNCATED", this.offset, `${count} bytes announced, ${this.end - this.offset} left`);
    }
  }

  uint8(): number {
    this.need(1);
    return this.bytes[this.offset++] as number;
  }

  uint16(): number {
    this.need(2);
    const value = this.#view.getUint16(this.offset);
    this.offset += 2;
    return value;
  }

  uint32(): number {
    this.need(4);
    const value = this.#view.getUint32(this.offset);
    this.offset += 4;
    return value;
  }

  float64(): number {
    this.need(8);
    const value = this.#view.getFloat64(this.offset);
    this.offset += 8;
    return value;
  }

  /** Charges `count` values, keys or items. */
  charge(count: number): void {
    this.#elements += count;
    if (this.#elements > this.#limits.maxElements) {
      throw new AmfFault("AMF_ELEMENT_LIMIT", this.offset, `more than ${this.#limits.maxElements} elements`);
    }
  }

  /** Charges one element and checks that it may stand at `depth`. */
  enter(depth: number): void {
    this.charge(1);
    if (depth > this.#deepest) this.#deepest = depth;
    if (depth > this.#maxDepth) {
      throw new AmfFault("AMF_DEPTH_LIMIT", this.offset, `nested deeper than ${this.#maxDepth}`);
    }
  }

  /** Charges a string or byte array of `sizeBytes`; called again when a reference repeats it. */
  chargeBytes(sizeBytes: number): void {
    if (sizeBytes > this.#limits.maxStringBytes) {
      throw new AmfFault(
        "AMF_STRING_LIMIT",
        this.offset,
        `a string of ${sizeBytes} bytes, ${this.#limits.maxStringBytes} allowed`,
      );
    }
    this.chargeTotal(sizeBytes);
  }

  /** Charges text that was read before and is written out once more. */
  chargeTotal(sizeBytes: number): void {
    this.#totalBytes += sizeBytes;
    if (this.#totalBytes > this.#limits.maxTotalBytes) {
      throw new AmfFault("AMF_BYTE_LIMIT", this.offset, `more than ${this.#limits.maxTotalBytes} bytes of strings`);
    }
  }

  /** Reads `sizeBytes` of UTF-8; malformed sequences become U+FFFD, as they do everywhere on the web. */
  text(sizeBytes: number): string {
    this.chargeBytes(sizeBytes);
    this.need(sizeBytes);
    const start = this.offset;
    this.offset += sizeBytes;
    return TEXT.decode(this.bytes.subarray(start, this.offset));
  }

  /** Copies `sizeBytes` out of the input. */
  copy(sizeBytes: number): Uint8Array {
    this.chargeBytes(sizeBytes);
    this.need(sizeBytes);
    const copy = new Uint8Array(sizeBytes);
    copy.set(this.bytes.subarray(this.offset, this.offset + sizeBytes));
    this.offset += sizeBytes;
    return copy;
  }

  /** Takes the next place in a reference table for a value that is about to be read at `depth`. */
  open(table: Referable[], depth: number): OpenReference {
    const index = table.length;
    table.push({ value: undefined, isOpen: true, elements: 0, bytes: 0, height: 0 });
    const deepestBefore = this.#deepest;
    this.#deepest = depth;
    return { table, index, elements: this.#elements, bytes: this.#totalBytes, depth, deepestBefore };
  }

  /** Fills the place with the finished value. */
  close<Value extends AmfValue>(reference: OpenReference, value: Value): Value {
    reference.table[reference.index] = {
      value,
      isOpen: false,
      elements: this.#elements - reference.elements,
      bytes: this.#totalBytes - reference.bytes,
      height: this.#deepest - reference.depth,
    };
    this.#deepest = Math.max(this.#deepest, reference.deepestBefore);
    return value;
  }

  /** What a reference at `depth` names, charged as if it were written out there. */
  refer(table: readonly Referable[], index: number, depth: number): AmfValue {
    const target = table[index];
    if (target === undefined) {
      throw new AmfFault("AMF_REFERENCE_INVALID", this.offset, `reference ${index} of ${table.length}`);
    }
    if (target.isOpen) {
      throw new AmfFault("AMF_REFERENCE_INVALID", this.offset, `reference ${index} makes a cycle`);
    }
    this.charge(target.elements);
    this.chargeTotal(target.bytes);
    const deepest = depth + target.height;
    if (deepest > this.#deepest) this.#deepest = deepest;
    if (deepest > this.#maxDepth) {
      throw new AmfFault("AMF_DEPTH_LIMIT", this.offset, `nested deeper than ${this.#maxDepth}`);
    }
    return target.value;
  }
}
