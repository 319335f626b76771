import { type BufferPool, copyBytes } from "./buffer-pool.ts";

/**
 * Where one client's replies are kept that came before those of earlier requests. They are appended, and the room is free
 * again when none is left; without any it holds no buffer.
 */
export class Parking {
  readonly #pool: BufferPool;
  #bytes: Uint8Array | undefined;
  #count = 0;
  #length = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  get length(): number {
    return this.#length;
  }

  /** The buffer; only while something is in it. */
  get bytes(): Uint8Array {
    return this.#bytes as Uint8Array;
  }

  /** Keeps `source[start, end)`, and `tail` behind it. Returns where it begins. */
  add(source: Uint8Array, start: number, end: number, tail: Uint8Array): number {
    const at = this.#length;
    const needed = at + end - start + tail.length;
    let bytes = this.#bytes;
    if (!bytes || needed > bytes.length) {
      const larger = this.#pool.take(Math.max(needed, 2 * at));
      if (bytes) {
        copyBytes(bytes, 0, at, larger, 0);
        this.#pool.give(bytes);
      }
      this.#bytes = larger;
      bytes = larger;
    }
    const tailAt = copyBytes(source, start, end, bytes, at);
    this.#length = copyBytes(tail, 0, tail.length, bytes, tailAt);
    this.#count++;
    return at;
  }

  /** One of those kept is not needed any more. */
  remove(): void {
    if (--this.#count === 0) this.clear();
  }

  clear(): void {
    if (this.#bytes) this.#pool.give(this.#bytes);
    this.#bytes = undefined;
    this.#count = 0;
    this.#length = 0;
  }
}
