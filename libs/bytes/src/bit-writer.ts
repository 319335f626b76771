/** Writes bits, most significant first, and Exp-Golomb codes. Grows as needed; the counterpart of `BitReader`. */
export class BitWriter {
  #bytes = new Uint8Array(64);
  #positionBits = 0;

  /** How many bits have been written. */
  get positionBits(): number {
    return this.#positionBits;
  }

  /** Writes 0 or 1. */
  bit(value: number): void {
    const index = this.#positionBits >>> 3;
    if (index >= this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    if (value !== 0) this.#bytes[index] = (this.#bytes[index] as number) | (0x80 >>> (this.#positionBits & 7));
    this.#positionBits++;
  }

  /** Writes the low `count` bits of an unsigned number, 0 to 32 of them. */
  bits(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.bit((value >>> i) & 1);
  }

  /**
   * Writes an unsigned Exp-Golomb code.
   *
   * @throws RangeError if `value` is not an integer from 0 to 2^32 - 2.
   * @see H.264 §9.1
   */
  ue(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_fffe) {
      throw new RangeError(`Cannot write ${value} as an unsigned Exp-Golomb code: it takes 0 to 4294967294`);
    }
    const code = value + 1;
    const lengthBits = 32 - Math.clz32(code);
    this.bits(0, lengthBits - 1);
    this.bits(code, lengthBits);
  }

  /**
   * Writes a signed Exp-Golomb code.
   *
   * @throws RangeError if `value` is not an integer from -(2^31 - 1) to 2^31 - 1.
   * @see H.264 §9.1.1
   */
  se(value: number): void {
    this.ue(value > 0 ? value * 2 - 1 : -value * 2);
  }

  /**
   * Copies bits `[fromBits, toBits)` of `source`.
   *
   * @throws RangeError if `source` is shorter than that.
   */
  copy(source: Uint8Array, fromBits: number, toBits: number): void {
    if (toBits > source.length * 8) {
      throw new RangeError(`Cannot copy up to bit ${toBits}: the source has ${source.length * 8}`);
    }
    for (let i = fromBits; i < toBits; i++) {
      this.bit(((source[i >>> 3] as number) >>> (7 - (i & 7))) & 1);
    }
  }

  /** What has been written, the last byte filled up with zero bits. A copy. */
  toBytes(): Uint8Array {
    return this.#bytes.slice(0, (this.#positionBits + 7) >>> 3);
  }
}
