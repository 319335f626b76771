import { type BufferPool, copyBytes } from "./buffer-pool.ts";

/** Bytes that came in and are not a whole message yet: `bytes[start, end)`. An empty one holds no buffer. */
export class Carry {
  readonly #pool: BufferPool;
  #bytes: Uint8Array | undefined;
  start = 0;
  end = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** Size of the buffer that is held. */
  get capacityBytes(): number {
    return this.#bytes?.length ?? 0;
  }

  /** The buffer; only while {@link length} is above 0. */
  get bytes(): Uint8Array {
    return this.#bytes as Uint8Array;
  }

  /** @param expectedBytes How long it is going to be, if that is known; 0 if not. */
  append(source: Uint8Array, from: number, to: number, expectedBytes: number): void {
    const length = this.end - this.start;
    const needed = length + to - from;
    const old = this.#bytes;
    if (!old || this.end + to - from > old.length) this.#move(Math.max(needed, Math.min(expectedBytes, 2 * needed)));
    this.end = copyBytes(source, from, to, this.#bytes as Uint8Array, this.end);
  }

  /** Moves what is there to the beginning of a buffer that is large enough. */
  #move(sizeBytes: number): void {
    const old = this.#bytes;
    const { length } = this;
    if (old && sizeBytes <= old.length) {
      old.copyWithin(0, this.start, this.end);
    } else {
      const larger = this.#pool.take(sizeBytes);
      if (old) {
        copyBytes(old, this.start, this.end, larger, 0);
        this.#pool.give(old);
      }
      this.#bytes = larger;
    }
    this.start = 0;
    this.end = length;
  }

  /** Forgets what is before `position`. */
  dropTo(position: number): void {
    this.start = position;
    if (this.start === this.end) this.clear();
  }

  clear(): void {
    if (this.#bytes) this.#pool.give(this.#bytes);
    this.#bytes = undefined;
    this.start = 0;
    this.end = 0;
  }
}
