import { type BufferPool, copyBytes } from "./buffer-pool.ts";
import type { Wire } from "./wire.ts";

const LARGEST_HINT_BYTES = 65_536;

/**
 * Bytes on their way out of one connection: all that one turn of the loop produces leaves in one write.
 *
 * `#bytes[0, length)` grows at its end. A write that the wire cannot take at once keeps its buffer (`#busy`) until the
 * wire has drained, and what comes meanwhile goes into another one. An idle staging holds no buffer.
 */
export class Staging {
  readonly #pool: BufferPool;
  #bytes: Uint8Array | undefined;
  #length = 0;
  #busy: Uint8Array | undefined;
  #busyLength = 0;
  #isBusy = false;
  /** Size to begin with: what the last turn needed. */
  #hintBytes = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Bytes that have not left. */
  get length(): number {
    return this.#length + this.#busyLength;
  }

  /** Whether a write waits for the wire. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  append(source: Uint8Array, start: number, end: number): void {
    const bytes = this.reserve(end - start);
    this.#length = copyBytes(source, start, end, bytes, this.#length);
  }

  /** A buffer with room for `sizeBytes` at {@link end}; call {@link advance} with what was used. */
  reserve(sizeBytes: number): Uint8Array {
    const bytes = this.#bytes;
    if (bytes !== undefined && this.#length + sizeBytes <= bytes.length) return bytes;
    return this.#grow(sizeBytes);
  }

  /** Where in {@link reserve}'s buffer the next byte goes. */
  get end(): number {
    return this.#length;
  }

  /** Says up to where {@link reserve}'s buffer was filled. */
  advance(end: number): void {
    this.#length = end;
  }

  #grow(sizeBytes: number): Uint8Array {
    const old = this.#bytes;
    const larger = this.#pool.take(Math.max(this.#length + sizeBytes, old ? 2 * old.length : this.#hintBytes));
    if (old) {
      copyBytes(old, 0, this.#length, larger, 0);
      this.#pool.give(old);
    }
    this.#bytes = larger;
    return larger;
  }

  /** Writes what is there, unless a write waits. Returns whether nothing is left waiting. */
  flush(wire: Wire): boolean {
    const bytes = this.#bytes;
    if (this.#isBusy) return false;
    if (!bytes) return true;
    const length = this.#length;
    this.#bytes = undefined;
    this.#length = 0;
    this.#hintBytes = Math.min(length, LARGEST_HINT_BYTES);
    if (length === 0 || wire.write(bytes, 0, length)) {
      this.#pool.give(bytes);
      return true;
    }
    this.#busy = bytes;
    this.wait(length);
    return false;
  }

  /** A write of `length` bytes waits for the wire. */
  wait(length: number): void {
    this.#isBusy = true;
    this.#busyLength = length;
  }

  /** The wire has taken the write that waited. */
  drained(): void {
    if (this.#busy) this.#pool.give(this.#busy);
    this.#busy = undefined;
    this.#busyLength = 0;
    this.#isBusy = false;
  }

  /** Forgets all. A buffer that the wire still has is left to the garbage collector. */
  clear(): void {
    if (this.#bytes) this.#pool.give(this.#bytes);
    if (this.#busy) this.#pool.abandon(this.#busy);
    this.#bytes = undefined;
    this.#busy = undefined;
    this.#length = 0;
    this.#busyLength = 0;
    this.#isBusy = false;
  }
}
