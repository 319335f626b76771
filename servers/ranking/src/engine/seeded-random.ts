/** Random numbers of one command: the same on every copy of the store, since the batch's seed and its place decide. */
export class SeededRandom {
  #state = 0;

  /** Begins the numbers of command `index` of the batch with this seed. */
  begin(seed: number, index: number): void {
    this.#state = (seed ^ Math.imul(index + 1, 0x9e3779b1)) | 0;
  }

  /** A whole number, 0 to 2^32 - 1 (splitmix32). */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  /** A whole number below `limit`, each as likely as the others. */
  below(limit: number): number {
    if (limit > 0xffff_ffff) return Math.floor(((this.next() * 2_097_152 + (this.next() >>> 11)) / 2 ** 53) * limit);
    const fair = 2 ** 32 - (2 ** 32 % limit);
    let value = this.next();
    while (value >= fair) value = this.next();
    return value % limit;
  }
}
