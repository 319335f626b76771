/** One of the keys asked for most. */
export interface RankedKey {
  readonly key: Uint8Array;
  /** Reads in a second, smoothed over about two. */
  readonly perSecond: number;
}

const ROW_COUNT = 2;
const ROW_SIZE = 1_024;
const ENTRY_COUNT = 32;
const KEY_BYTES = 250;
const WINDOW_MS = 1_000;
/** Sampling steps are 1 to 16 at random, so that a client that asks in a fixed pattern does not hide from it. */
const STEP_MASK = 15;
const MEAN_STEP = 8.5;
/** A key with fewer samples in a window says nothing. */
const ENTRY_FLOOR = 3;
/** After so many windows without being hot, or seen at all, a key is forgotten. */
const COOLING_WINDOWS = 5;
/** Decay: a counter of `c` gives way to another key with probability `DECAY ** c`. */
const DECAY = 0.92;
const DECAY_STEPS = 128;

/**
 * Finds the keys asked for most in fixed memory (about 30 KB), in the manner of HeavyKeeper.
 *
 * Two rows of counters, each with the hash of the key it counts. A key that meets its own counter counts; one that meets
 * another's makes that one shrink, the less likely the larger it is, and takes it over at zero. So keys that are rare
 * never displace one that is frequent, and a frequent one's count is never too high but for two keys with the same
 * 32-bit hash. A key whose count reaches the smallest of the 32 entries' takes that entry, and only then are its bytes
 * copied, into room made beforehand: nothing is allocated per read.
 *
 * Only one read in 8.5 is looked at (a random step, 1 to 16). Once a second counts become rates, smoothed with
 * the one before, and the counters start anew; this is the decay. Keys above the threshold are *hot*, and stay so while
 * they are above half of it, and for {@link COOLING_WINDOWS} windows more, so that copies made of them are still
 * invalidated until they have expired.
 *
 * A key that is asked for less than some 40 times a second cannot be told from noise; a key is found hot when the window
 * in which it became so ends, that is within about a second.
 */
export class HotKeySketch {
  /** Counted down by the caller, which calls {@link sample} at zero: the cheapest there is. */
  readsUntilSample = 1;

  readonly #hashes = new Uint32Array(ROW_COUNT * ROW_SIZE);
  readonly #counts = new Uint32Array(ROW_COUNT * ROW_SIZE);
  readonly #entryHashes = new Uint32Array(ENTRY_COUNT);
  readonly #entryCounts = new Uint32Array(ENTRY_COUNT);
  readonly #entryRates = new Float64Array(ENTRY_COUNT);
  /** Windows left as hot; 0 if it is not. */
  readonly #entryHeat = new Uint8Array(ENTRY_COUNT);
  /** Windows in a row that began as hot. */
  readonly #entryHotAge = new Uint8Array(ENTRY_COUNT);
  readonly #entryKeyBytes = new Uint8Array(ENTRY_COUNT);
  readonly #keys = new Uint8Array(ENTRY_COUNT * KEY_BYTES);
  readonly #giveWay = new Float64Array(DECAY_STEPS);
  readonly #nowMs: () => number;
  /** Reads per second from which a key is hot; none is at infinity. */
  #threshold = Number.POSITIVE_INFINITY;
  #hotCount = 0;
  /** Weight of the coldest entry, or less. */
  #floor = 0;
  #windowSinceMs = -1;
  #seed: number;

  constructor(random: () => number, nowMs: () => number) {
    this.#seed = (Math.floor(random() * 0x1_0000_0000) | 1) >>> 0;
    this.#nowMs = nowMs;
    for (let count = 0; count < DECAY_STEPS; count++) this.#giveWay[count] = DECAY ** count * 0x1_0000_0000;
  }

  /** @param perSecond Reads of a key in a second from which it is hot; infinity for never. */
  setThreshold(perSecond: number): void {
    this.#threshold = perSecond;
    if (perSecond === Number.POSITIVE_INFINITY) {
      this.#entryHeat.fill(0);
      this.#hotCount = 0;
    }
  }

  /** Whether a key is hot, or was until a few seconds ago. A no costs one comparison as long as no key is. */
  isHot(key: Uint8Array, start: number, end: number, hash: number): boolean {
    if (this.#hotCount === 0) return false;
    const entry = this.#find(hash, key, start, end);
    return entry >= 0 && (this.#entryHeat[entry] as number) > 0;
  }

  /**
   * Whether a key has been hot for a whole window and still is: others than its owner may be asked for it. What is begun
   * while a key is merely hot is over by then, and after the last of it copies are still looked after for
   * {@link COOLING_WINDOWS} windows.
   */
  isSteadilyHot(key: Uint8Array, start: number, end: number, hash: number): boolean {
    if (this.#hotCount === 0) return false;
    const entry = this.#find(hash, key, start, end);
    return entry >= 0 && this.#entryHeat[entry] === COOLING_WINDOWS && (this.#entryHotAge[entry] as number) > 1;
  }

  /** Counts one read for those since the last call. To be called when {@link readsUntilSample} has come to zero. */
  sample(key: Uint8Array, start: number, end: number, hash: number): void {
    this.readsUntilSample = 1 + (this.#next() & STEP_MASK);
    this.roll(this.#nowMs());
    const count = this.#count(hash);
    if (count < ENTRY_FLOOR || end - start > KEY_BYTES) return;
    let entry = this.#find(hash, key, start, end);
    if (entry < 0) {
      // Weights only grow within a window, so what was too little for the coldest entry still is.
      if (count <= this.#floor) return;
      entry = this.#coldestEntry();
      this.#floor = this.#weight(entry);
      if ((this.#entryHeat[entry] as number) > 0 || count <= this.#weight(entry)) return;
      this.#entryHashes[entry] = hash;
      this.#entryRates[entry] = 0;
      this.#entryKeyBytes[entry] = end - start;
      const at = entry * KEY_BYTES;
      for (let i = start; i < end; i++) this.#keys[at + i - start] = key[i] as number;
    }
    this.#entryCounts[entry] = count;
  }

  /** Ends the window if its second is over. Called by {@link sample}; call it also when a pool may have become idle. */
  roll(nowMs: number): void {
    const ageMs = nowMs - this.#windowSinceMs;
    // The clock may have been set back.
    if (ageMs >= 0 && ageMs < WINDOW_MS) return;
    if (this.#windowSinceMs >= 0) this.#closeWindow(ageMs >= 0 ? ageMs / 1000 : 1);
    this.#windowSinceMs = nowMs;
  }

  /** The keys asked for most, first the most. Allocates. */
  top(limit: number): RankedKey[] {
    const ranked: RankedKey[] = [];
    for (let entry = 0; entry < ENTRY_COUNT; entry++) {
      const perSecond = this.#entryRates[entry] as number;
      if (perSecond <= 0) continue;
      const at = entry * KEY_BYTES;
      ranked.push({ key: this.#keys.slice(at, at + (this.#entryKeyBytes[entry] as number)), perSecond });
    }
    return ranked.sort((a, b) => b.perSecond - a.perSecond).slice(0, limit);
  }

  #closeWindow(seconds: number): void {
    this.#hotCount = 0;
    for (let entry = 0; entry < ENTRY_COUNT; entry++) {
      const rate = ((this.#entryCounts[entry] as number) * MEAN_STEP) / Math.max(1, seconds);
      const previous = this.#entryRates[entry] as number;
      const smoothed = previous === 0 ? rate : (rate + previous) / 2;
      this.#entryRates[entry] = smoothed < 1 ? 0 : smoothed;
      this.#entryCounts[entry] = 0;
      const heat = this.#entryHeat[entry] as number;
      const isHot = smoothed >= this.#threshold || (heat > 0 && smoothed >= this.#threshold / 2);
      this.#entryHeat[entry] = isHot ? COOLING_WINDOWS : Math.max(0, heat - Math.ceil(seconds));
      this.#entryHotAge[entry] = isHot ? Math.min(255, (this.#entryHotAge[entry] as number) + 1) : 0;
      if ((this.#entryHeat[entry] as number) > 0) this.#hotCount++;
      else if (this.#entryRates[entry] === 0) this.#entryKeyBytes[entry] = 0;
    }
    this.#counts.fill(0);
    this.#floor = 0;
  }

  /** Counts the key in both rows; the larger of its counters, which never is more than it was sampled. */
  #count(hash: number): number {
    let best = 0;
    for (let row = 0; row < ROW_COUNT; row++) {
      const at = row * ROW_SIZE + ((row === 0 ? hash : Math.imul(hash, 0x9e37_79b1) >>> 16) & (ROW_SIZE - 1));
      const count = this.#counts[at] as number;
      if (count === 0) {
        this.#hashes[at] = hash;
        this.#counts[at] = 1;
        best = Math.max(best, 1);
      } else if (this.#hashes[at] === hash) {
        this.#counts[at] = count + 1;
        best = Math.max(best, count + 1);
      } else if (count < DECAY_STEPS && this.#next() < (this.#giveWay[count] as number)) {
        this.#counts[at] = count - 1;
      }
    }
    return best;
  }

  #find(hash: number, key: Uint8Array, start: number, end: number): number {
    for (let entry = 0; entry < ENTRY_COUNT; entry++) {
      if (this.#entryHashes[entry] !== hash || this.#entryKeyBytes[entry] !== end - start) continue;
      let i = start;
      const offset = entry * KEY_BYTES - start;
      while (i < end && this.#keys[offset + i] === key[i]) i++;
      if (i === end) return entry;
    }
    return -1;
  }

  #coldestEntry(): number {
    let coldest = 0;
    for (let entry = 1; entry < ENTRY_COUNT; entry++) {
      if (this.#weight(entry) + this.#shelter(entry) < this.#weight(coldest) + this.#shelter(coldest)) coldest = entry;
    }
    return coldest;
  }

  /** An entry that is hot is not given up. */
  #shelter(entry: number): number {
    return (this.#entryHeat[entry] as number) > 0 ? 0x1_0000_0000 : 0;
  }

  /** Samples an entry stands for: those of this window, or half of what its rate lets expect. */
  #weight(entry: number): number {
    return Math.max(this.#entryCounts[entry] as number, (this.#entryRates[entry] as number) / MEAN_STEP / 4);
  }

  /** xorshift32: even enough for sampling. */
  #next(): number {
    let x = this.#seed;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#seed = x >>> 0;
    return this.#seed;
  }
}
