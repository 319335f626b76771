/** The ring has room for so many of the largest bodies at least. */
const MIN_BODIES = 4;

/**
 * The bodies of the last writes: live segments and thumbnails are read within seconds. Which body is whose is known to the
 * cache of entries alone, so that whatever makes an entry outdated makes its body unreachable, too.
 *
 * One piece of memory that is written round and round. Whoever reads gets a copy: an answer may be on its way for long, and
 * the memory it shows must not change. That copy is made once, since the cache keeps it; the one into the ring costs a
 * write less than keeping its body's own memory, through which the collector would look again and again.
 */
export class RecentBodies {
  readonly #capacityBytes: number;
  #memory: Buffer | undefined;
  /** Bytes that were ever written or skipped: a place below this less the capacity is overwritten. */
  #head = 0;

  /** @param capacityBytes 0 keeps nothing; the memory is taken with the first body. */
  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  /** Memory that holds bodies. */
  get usedBytes(): number {
    return Math.min(this.#head, this.#capacityBytes);
  }

  /** Copies a body into the ring; undefined if it is too large for it, or empty. */
  keep(body: Uint8Array): RecentBody | undefined {
    const capacity = this.#capacityBytes;
    if (body.length === 0 || body.length > capacity / MIN_BODIES) return undefined;
    this.#memory ??= Buffer.allocUnsafeSlow(capacity);
    const left = capacity - (this.#head % capacity);
    if (body.length > left) this.#head += left;
    const at = this.#head;
    this.#memory.set(body, at % capacity);
    this.#head += body.length;
    return new RecentBody(this, at, body.length);
  }

  /**
   * A copy of bytes of the ring, into the beginning of `buffer` if one is given.
   *
   * @param at Where their body begins.
   * @returns undefined if they were overwritten
   */
  copy(at: number, start: number, end: number, buffer?: Uint8Array): Uint8Array | undefined {
    const memory = this.#memory;
    if (memory === undefined || at < this.#head - this.#capacityBytes) return undefined;
    const from = at % this.#capacityBytes;
    const out = buffer?.subarray(0, end - start) ?? Buffer.allocUnsafeSlow(end - start);
    out.set(memory.subarray(from + start, from + end));
    return out;
  }
}

/** A body that was written a moment ago. */
export class RecentBody {
  readonly #ring: RecentBodies;
  readonly #at: number;
  readonly sizeBytes: number;

  constructor(ring: RecentBodies, at: number, sizeBytes: number) {
    this.#ring = ring;
    this.#at = at;
    this.sizeBytes = sizeBytes;
  }

  /** A copy of bytes `[start, end)`; undefined when the ring has gone on. */
  copy(start: number, end: number, buffer?: Uint8Array): Uint8Array | undefined {
    return this.#ring.copy(this.#at, start, end, buffer);
  }
}
