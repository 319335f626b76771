/** Random numbers that are the same for the same seed. For tests and simulations; never for secrets. */
export interface Random {
  /** What it was made from; print it when a test fails. */
  readonly seed: number;
  /** An integer from 0 to 2^32 - 1. */
  nextU32(): number;
  /** From 0 (included) to 1 (excluded), with 53 random bits. */
  float(): number;
  /** An integer from `min` to `max`, both included, each as likely as the others. The range may have 2^53 values. */
  int(min: number, max: number): number;
  /** `true` with this probability, 0 to 1. */
  chance(probability: number): boolean;
  bytes(count: number): Uint8Array;
  /** One of the items. @throws RangeError if there are none. */
  pick<T>(items: readonly T[]): T;
  /** A copy in random order. */
  shuffle<T>(items: readonly T[]): T[];
  /**
   * Another source, that depends on this one's seed and the name alone: what is drawn here before changes nothing there,
   * so that a new draw in one part of a simulation leaves the others as they were. One name, one sequence.
   */
  fork(name: string): Random;
}

/**
 * A seeded source of random numbers: xoshiro128**, its state filled by splitmix32.
 *
 * @param seed Any integer; only its lowest 32 bits count.
 * @see https://prng.di.unimi.it/
 */
export function createRandom(seed: number): Random {
  return new Xoshiro128(seed);
}

/** Seeds for `test.each`: `count` of them from `first` on, so that a failing one can be run alone by its number. */
export function seeds(count: number, first = 1): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

const TWO_32 = 0x1_0000_0000;
const TWO_53 = 0x20_0000_0000_0000;

class Xoshiro128 implements Random {
  readonly seed: number;
  readonly #state = new Uint32Array(4);

  constructor(seed: number) {
    if (!Number.isInteger(seed)) throw new RangeError(`Cannot seed with ${seed}: it is not an integer`);
    this.seed = seed >>> 0;
    let mix = this.seed;
    for (let i = 0; i < 4; i++) {
      mix = (mix + 0x9e37_79b9) | 0;
      this.#state[i] = scramble(mix);
    }
  }

  nextU32(): number {
    const state = this.#state;
    const s1 = state[1] as number;
    const scaled = Math.imul(s1, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const s2 = (state[2] as number) ^ (state[0] as number);
    const s3 = (state[3] as number) ^ s1;
    state[1] = s1 ^ s2;
    state[0] = (state[0] as number) ^ s3;
    state[2] = s2 ^ (s1 << 9);
    state[3] = (s3 << 11) | (s3 >>> 21);
    return result;
  }

  float(): number {
    return this.#next53() / TWO_53;
  }

  int(min: number, max: number): number {
    if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || max < min) {
      throw new RangeError(`Cannot draw from ${min} to ${max}: give two safe integers, the smaller first`);
    }
    const count = max - min + 1;
    if (count > TWO_53) throw new RangeError(`Cannot draw from ${min} to ${max}: that is more than 2^53 values`);
    // Draws past the last whole multiple would make the small results likelier; they are drawn again.
    if (count <= TWO_32) {
      const limit = TWO_32 - (TWO_32 % count);
      for (;;) {
        const value = this.nextU32();
        if (value < limit) return min + (value % count);
      }
    }
    const limit = TWO_53 - (TWO_53 % count);
    for (;;) {
      const value = this.#next53();
      if (value < limit) return min + (value % count);
    }
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i += 4) {
      const word = this.nextU32();
      for (let j = i; j < i + 4 && j < count; j++) bytes[j] = word >>> (8 * (j - i));
    }
    return bytes;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("Cannot pick from nothing");
    return items[this.int(0, items.length - 1)] as T;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      const item = copy[i] as T;
      copy[i] = copy[j] as T;
      copy[j] = item;
    }
    return copy;
  }

  fork(name: string): Random {
    let hash = 0x811c_9dc5 ^ this.seed; // FNV-1a
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x0100_0193);
    return new Xoshiro128(scramble(hash));
  }

  #next53(): number {
    const high = this.nextU32() >>> 6; // 26 bits
    const low = this.nextU32() >>> 5; // 27 bits
    return high * 0x800_0000 + low;
  }
}

/** Spreads every bit of a word over all of it (the finalizer of MurmurHash3). */
function scramble(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85eb_ca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
