/** Bodies up to this size are put together; a larger one is worth memory of its own. */
export const SMALL_BODY_BYTES = 65_536;
const SLAB_BYTES = 262_144;

/**
 * Memory that one batch after the other is read into. Freed memory of buffers is what V8 counts before it looks through all
 * of its objects, some ten milliseconds each time: a stream that took new memory for each MiB would have it do so all the
 * time.
 */
export class BatchMemory {
  readonly #windows: Buffer[] = [];
  #windowCount = 0;
  readonly #slabs: Buffer[] = [];
  #slabIndex = 0;
  #slabUsed = 0;

  /** Gives out from here on what it gave out before: nobody may need that any more. */
  reuse(): void {
    this.#windowCount = 0;
    this.#slabIndex = 0;
    this.#slabUsed = 0;
  }

  /** At least so many bytes, for reading ahead. */
  window(bytes: number): Buffer {
    const at = this.#windowCount++;
    let window = this.#windows[at];
    if (window === undefined || window.length < bytes) {
      window = Buffer.allocUnsafeSlow(bytes);
      this.#windows[at] = window;
    }
    return window;
  }

  /** Memory for a small body; undefined for a larger one. */
  body(bytes: number): Buffer | undefined {
    if (bytes > SMALL_BODY_BYTES) return undefined;
    if (this.#slabUsed + bytes > SLAB_BYTES) {
      this.#slabIndex++;
      this.#slabUsed = 0;
    }
    let slab = this.#slabs[this.#slabIndex];
    if (slab === undefined) {
      slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#slabs[this.#slabIndex] = slab;
    }
    const from = this.#slabUsed;
    this.#slabUsed += bytes;
    return slab.subarray(from, from + bytes);
  }
}
