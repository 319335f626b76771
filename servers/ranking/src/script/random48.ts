/** The 48-bit linear congruential generator of POSIX `lrand48`, which Redis carries for `math.random`. */
export class Random48 {
  #high = 0; // upper 24 bits
  #low = 0; // lower 24 bits

  constructor(seed: number) {
    this.seed(seed);
  }

  /** Starts again, as `srand48(seed)`: of the seed, 32 bits count. */
  seed(seed: number): void {
    const bits = seed | 0;
    this.#high = (bits >>> 8) & 0xff_ff_ff;
    this.#low = ((bits & 0xff) << 16) | 0x330e;
  }

  /** The next number, 0 to 2^31 - 1. */
  next(): number {
    // The multiplier is 0x5deece66d, in halves of 24 bits 0x5de and 0xece66d; each product stays below 2^48.
    const low = this.#low * 0xece66d + 0xb;
    const carry = Math.floor(low / 0x1000000);
    this.#high = (this.#high * 0xece66d + this.#low * 0x5de + carry) % 0x1000000;
    this.#low = low % 0x1000000;
    return this.#high * 128 + (this.#low >>> 17);
  }
}
