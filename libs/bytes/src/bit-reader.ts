/**
 * Reads bits, most significant first, and the Exp-Golomb codes of H.264 and H.265.
 *
 * Reading past the end never throws: it yields zeros and sets `isOverrun`, so that a parser reads a whole
 * structure straight through and asks once at the end. A loop whose count comes from the input must still be
 * bounded by its caller.
 */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #endBits: number;
  #positionBits = 0;
  #isOverrun = false;

  /** The array is not copied. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#endBits = bytes.length * 8;
  }

  /** How many bits have been read. */
  get positionBits(): number {
    return this.#positionBits;
  }

  /** How many bits are left; never negative. */
  get leftBits(): number {
    return this.#endBits - this.#positionBits;
  }

  /** More was asked for than there was, or an Exp-Golomb code was longer than 32 bits: what was read means nothing. */
  get isOverrun(): boolean {
    return this.#isOverrun;
  }

  /** The next bit, 0 or 1. */
  bit(): number {
    if (this.#positionBits >= this.#endBits) {
      this.#isOverrun = true;
      return 0;
    }
    const byte = this.#bytes[this.#positionBits >>> 3] as number;
    const bit = (byte >>> (7 - (this.#positionBits & 7))) & 1;
    this.#positionBits++;
    return bit;
  }

  /** The next bit as a statement. */
  flag(): boolean {
    return this.bit() === 1;
  }

  /** An unsigned number of `count` bits, 0 to 32. */
  bits(count: number): number {
    if (count > this.leftBits) {
      this.#isOverrun = true;
      this.#positionBits = this.#endBits;
      return 0;
    }
    let value = 0;
    let left = count;
    while (left > 0) {
      const byte = this.#bytes[this.#positionBits >>> 3] as number;
      const free = 8 - (this.#positionBits & 7);
      const take = Math.min(free, left);
      // Multiplied, not shifted: 32 bits would become negative.
      value = value * 2 ** take + ((byte >>> (free - take)) & ((1 << take) - 1));
      this.#positionBits += take;
      left -= take;
    }
    return value;
  }

  /** Passes over `count` bits. */
  skip(count: number): void {
    if (count > this.leftBits) {
      this.#isOverrun = true;
      this.#positionBits = this.#endBits;
      return;
    }
    this.#positionBits += count;
  }

  /**
   * An unsigned Exp-Golomb code, 0 to 2^32 - 2.
   * @see H.264 §9.1
   */
  ue(): number {
    let zeroCount = 0;
    while (this.bit() === 0) {
      zeroCount++;
      if (zeroCount > 31 || this.#isOverrun) {
        this.#isOverrun = true;
        return 0;
      }
    }
    return 2 ** zeroCount - 1 + this.bits(zeroCount);
  }

  /**
   * A signed Exp-Golomb code.
   * @see H.264 §9.1.1
   */
  se(): number {
    const code = this.ue();
    if (code === 0) return 0;
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}
