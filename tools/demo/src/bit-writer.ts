/**
 * Writes bits, most significant first, into a buffer that grows.
 *
 * `put` runs tens of thousands of times a picture, so it does not check room: callers `reserve` before each
 * macroblock or frame, for the most that unit can take.
 */
export class BitWriter {
  #bytes: Uint8Array;
  #byteCount = 0;
  /** Only the low `#pendingBitCount` bits (0 to 7 between calls) still count. */
  #pending = 0;
  #pendingBitCount = 0;

  constructor(initialBytes = 1 << 16) {
    this.#bytes = new Uint8Array(initialBytes);
  }

  /** Bits written since the last `reset`. */
  get bitCount(): number {
    return this.#byteCount * 8 + this.#pendingBitCount;
  }

  /** Forgets everything written and keeps the buffer. */
  reset(): void {
    this.#byteCount = 0;
    this.#pending = 0;
    this.#pendingBitCount = 0;
  }

  /** Makes room for `byteCount` more bytes. */
  reserve(byteCount: number): void {
    if (this.#byteCount + byteCount + 8 <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#byteCount + byteCount + 8));
    grown.set(this.#bytes.subarray(0, this.#byteCount));
    this.#bytes = grown;
  }

  /** Writes the low `bitCount` bits of `value`; `value` has no higher bits. 0 to 24 bits. */
  put(value: number, bitCount: number): void {
    this.#pending = (this.#pending << bitCount) | value;
    let left = this.#pendingBitCount + bitCount;
    while (left >= 8) {
      left -= 8;
      this.#bytes[this.#byteCount++] = this.#pending >>> left;
    }
    this.#pendingBitCount = left;
  }

  /** Writes 32 bits. */
  putU32(value: number): void {
    this.put(value >>> 16, 16);
    this.put(value & 0xffff, 16);
  }

  /** Writes an unsigned Exp-Golomb code, up to 65534 (H.264 §9.1). */
  putUe(value: number): void {
    const code = value + 1;
    const length = 32 - Math.clz32(code);
    this.put(0, length - 1);
    this.put(code, length);
  }

  /** Writes a signed Exp-Golomb code, -32767 to 32767 (H.264 §9.1.1). */
  putSe(value: number): void {
    this.putUe(value > 0 ? 2 * value - 1 : -2 * value);
  }

  /** Writes a one and then zeros to the next byte boundary (H.264 §7.3.2.11). */
  putTrailingBits(): void {
    this.put(1, 1);
    this.align();
  }

  /** Writes zeros to the next byte boundary. */
  align(): void {
    if (this.#pendingBitCount > 0) this.put(0, 8 - this.#pendingBitCount);
  }

  /** The whole bytes written. Aliases the buffer: valid until the next call. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#byteCount);
  }
}
