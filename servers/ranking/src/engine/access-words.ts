const COUNTER_MASK = 0xff;
const MINUTES_MASK = 0xffff;
const CLOCK_MASK = 0xff_ffff;
/** What a new key's counter begins with, so that it is not evicted before it had a chance. */
const FIRST_COUNT = 5;

/**
 * How the use of keys is remembered, in 24 bits a key: for the LRU policies the low bits of the time in seconds, for the
 * LFU policies 16 bits of the time in minutes and a counter of 8 bits, which grows ever more slowly and decays with time.
 * As Redis. It decides nothing but which keys are evicted, and what OBJECT IDLETIME and FREQ say, so copies of the store
 * may differ in it, and its chance need not be the batch's.
 */
export class AccessWords {
  isLfu = false;
  logFactor = 10;
  /** Minutes in which the counter falls by one; 0 is never. */
  decayMinutes = 1;
  /** The time in seconds, low 24 bits, and in minutes, low 16. */
  clock = 0;
  #minutes = 0;
  #random = 0x2545f491;

  /** The words are kept when the policy changes; as Redis warns, they mean little at first. */
  advance(nowMs: number): void {
    this.clock = Math.floor(nowMs / 1_000) & CLOCK_MASK;
    this.#minutes = Math.floor(nowMs / 60_000) & MINUTES_MASK;
  }

  /** The word of a key that is new. */
  get initial(): number {
    return this.isLfu ? (this.#minutes << 8) | FIRST_COUNT : this.clock;
  }

  /** The word of a key that had `word` and is used now, under LFU. */
  counted(word: number): number {
    return (this.#minutes << 8) | this.#incremented(this.frequency(word));
  }

  #incremented(count: number): number {
    if (count === COUNTER_MASK) return count;
    const chance = 1 / (Math.max(0, count - FIRST_COUNT) * this.logFactor + 1);
    return this.nextRandom() < chance * 2 ** 32 ? count + 1 : count;
  }

  /** The counter of a word, decayed: OBJECT FREQ. */
  frequency(word: number): number {
    const count = word & COUNTER_MASK;
    if (this.decayMinutes === 0) return count;
    const minutes = (this.#minutes - (word >>> 8)) & MINUTES_MASK;
    return Math.max(0, count - Math.floor(minutes / this.decayMinutes));
  }

  /** Seconds since a key was used, under LRU: OBJECT IDLETIME. Counts round after 194 days. */
  idleSeconds(word: number): number {
    return (this.clock - word) & CLOCK_MASK;
  }

  /** A whole number below 2^32 of this object's own chance (xorshift32): for samples, not for what is logged. */
  nextRandom(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x >>> 0;
  }
}
