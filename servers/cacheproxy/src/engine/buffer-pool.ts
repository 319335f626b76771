const SMALLEST_LOG2 = 12;
const LARGEST_LOG2 = 20;
/** Bytes of each size that are kept for the next who needs them. */
const KEPT_BYTES = 8 << 20;

/**
 * Byte arrays of powers of two, 4 KiB to 1 MiB, lent out and taken back. The one returned last is lent first, since the
 * processor's cache still has it. Larger ones are made for each need and left to the garbage collector.
 */
export class BufferPool {
  readonly #free: Uint8Array[][] = Array.from({ length: LARGEST_LOG2 - SMALLEST_LOG2 + 1 }, () => []);
  #lentBytes = 0;

  /** Bytes that are lent out. */
  get lentBytes(): number {
    return this.#lentBytes;
  }

  /** At least `sizeBytes`, with any content. */
  take(sizeBytes: number): Uint8Array {
    const log2 = sizeBytes <= 1 << SMALLEST_LOG2 ? SMALLEST_LOG2 : 32 - Math.clz32(sizeBytes - 1);
    const bytes = this.#free[log2 - SMALLEST_LOG2]?.pop() ?? new Uint8Array(2 ** log2);
    this.#lentBytes += bytes.length;
    return bytes;
  }

  /** Takes back what {@link take} gave; the caller forgets it. */
  give(bytes: Uint8Array): void {
    this.#lentBytes -= bytes.length;
    const free = this.#free[31 - Math.clz32(bytes.length) - SMALLEST_LOG2];
    if (free && (free.length + 1) * bytes.length <= KEPT_BYTES) free.push(bytes);
  }

  /** What {@link take} gave will not come back: somebody else still looks at it. */
  abandon(bytes: Uint8Array): void {
    this.#lentBytes -= bytes.length;
  }
}

/** Below this many bytes a loop is faster than a call with a view made for it. */
const LOOP_BYTES = 24;

/** Copies `source[start, end)` to `target` from `at` on. Returns where the copy ends. The two must not overlap. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  const size = end - start;
  if (size > LOOP_BYTES) target.set(source.subarray(start, end), at);
  else for (let i = 0; i < size; i++) target[at + i] = source[start + i] as number;
  return at + size;
}
