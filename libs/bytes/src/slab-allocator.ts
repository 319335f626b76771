/** A piece larger than this share of a slab gets a buffer of its own, so that little of a slab's end is wasted. */
const LARGE_SHARE = 4;

/**
 * Hands out pieces of large buffers, one behind the other.
 *
 * For many small pieces that live for about the same time, such as the fragments of a live window: the buffer goes when
 * its last piece goes, whole and at once, where a buffer for each piece would leave the process's heap full of holes
 * that are never given back to the system. A piece that is kept much longer than its neighbours keeps all of them.
 */
export class SlabAllocator {
  readonly #slabBytes: number;
  #slab: Uint8Array;
  #used: number;

  /**
   * @param slabBytes At least the C library's threshold for mapping memory apart from its heap (128 KiB with glibc),
   * or nothing is gained.
   */
  constructor(slabBytes: number) {
    this.#slabBytes = slabBytes;
    this.#slab = new Uint8Array(0);
    this.#used = 0;
  }

  /** Zeroed bytes that nobody else has. Look at `byteOffset` before using `buffer`. */
  allocate(byteCount: number): Uint8Array {
    if (byteCount > this.#slabBytes / LARGE_SHARE) return new Uint8Array(byteCount);
    if (this.#used + byteCount > this.#slab.length) {
      this.#slab = new Uint8Array(this.#slabBytes);
      this.#used = 0;
    }
    const piece = this.#slab.subarray(this.#used, this.#used + byteCount);
    this.#used += byteCount;
    return piece;
  }
}
