import { hashBytes } from "../memory/byte-hash.ts";
import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import type { BlobReader, BlobWriter } from "./blob.ts";

const REGISTER_BITS = 11;
const REGISTERS = 1 << REGISTER_BITS;
/** A rank of 24 is reached by one member in 16 million of a register: enough for 10^10 members. */
const RANKS = 24;
export const REGISTER_BLOCKS = 4;
const BLOCK_REGISTERS = REGISTERS / REGISTER_BLOCKS;
const BLOCK_BYTES = 4 * BLOCK_REGISTERS * RANKS;
const RANK_SEED = 0x5bd1_e995;

/** Standard error of the estimate: 1.04 / sqrt(2,048). */
export const REGISTERS_ERROR = 0.023;

/**
 * A HyperLogLog that can be asked about any last part of its time: for each register and each rank it keeps the newest
 * bucket in which a member had that rank. The register of a window is the highest rank with a bucket inside of it, so
 * what left the window is forgotten without being looked at. 196,608 bytes however many members there are.
 */
export class WindowRegisters {
  readonly #heap: Heap;
  readonly #seed: number;
  readonly #blocks: Int32Array = new Int32Array(REGISTER_BLOCKS);
  /** Bucket that is stored as 1. */
  readonly #firstBucket: number;

  constructor(heap: Heap, hashSeed: number, firstBucket: number) {
    this.#heap = heap;
    this.#seed = hashSeed;
    this.#firstBucket = firstBucket;
    for (let i = 0; i < REGISTER_BLOCKS; i++) {
      const block = heap.allocate(BLOCK_BYTES);
      this.#blocks[i] = block;
      const word = (block & OFFSET_MASK) << 1;
      heap.words[block >>> SEGMENT_SHIFT]!.fill(0, word, word + BLOCK_REGISTERS * RANKS);
    }
  }

  get firstBucket(): number {
    return this.#firstBucket;
  }

  get usedBytes(): number {
    return REGISTER_BLOCKS * BLOCK_BYTES;
  }

  free(): void {
    for (const block of this.#blocks) this.#heap.free(block, BLOCK_BYTES);
  }

  add(name: Uint8Array, start: number, end: number, bucket: number): void {
    const register = hashBytes(name, start, end, this.#seed) >>> (32 - REGISTER_BITS);
    const rest = hashBytes(name, start, end, this.#seed ^ RANK_SEED);
    const rank = Math.min(Math.clz32(rest), RANKS - 1);
    const block = this.#blocks[(register / BLOCK_REGISTERS) | 0]!;
    const at = ((block & OFFSET_MASK) << 1) + (register % BLOCK_REGISTERS) * RANKS + rank;
    const words = this.#heap.words[block >>> SEGMENT_SHIFT]!;
    const stamp = bucket - this.#firstBucket + 1;
    if (stamp > words[at]!) words[at] = stamp;
  }

  /** About how many different members there were since a bucket. */
  estimate(sinceBucket: number): number {
    const since = Math.max(1, sinceBucket - this.#firstBucket + 1);
    const histogram = new Float64Array(RANKS + 1);
    for (const block of this.#blocks) {
      const words = this.#heap.words[block >>> SEGMENT_SHIFT]!;
      const base = (block & OFFSET_MASK) << 1;
      for (let register = 0; register < BLOCK_REGISTERS; register++) {
        const at = base + register * RANKS;
        let rank = RANKS - 1;
        while (rank >= 0 && words[at + rank]! < since) rank--;
        histogram[rank + 1]!++;
      }
    }
    return Math.round(estimateOf(histogram));
  }

  // Rebuilding

  write(blob: BlobWriter, index: number): void {
    const block = this.#blocks[index]!;
    const words = this.#heap.words[block >>> SEGMENT_SHIFT]!;
    const base = (block & OFFSET_MASK) << 1;
    for (let i = 0; i < BLOCK_REGISTERS * RANKS; i++) blob.word(words[base + i]!);
  }

  read(blob: BlobReader, index: number): void {
    const block = this.#blocks[index]!;
    const words = this.#heap.words[block >>> SEGMENT_SHIFT]!;
    const base = (block & OFFSET_MASK) << 1;
    for (let i = 0; i < BLOCK_REGISTERS * RANKS; i++) words[base + i] = blob.index(2 ** 31 - 1);
  }
}

/**
 * The estimate from the number of registers at each value, without the bias of the first formula.
 *
 * @see Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6
 */
function estimateOf(histogram: Float64Array): number {
  const last = histogram.length - 1;
  let z = REGISTERS * tau(1 - histogram[last]! / REGISTERS);
  for (let value = last - 1; value >= 1; value--) z = 0.5 * (z + histogram[value]!);
  z += REGISTERS * sigma(histogram[0]! / REGISTERS);
  return (0.5 / Math.LN2) * REGISTERS * (REGISTERS / z);
}

function sigma(start: number): number {
  if (start === 1) return Number.POSITIVE_INFINITY;
  let x = start;
  let y = 1;
  let z = x;
  for (let before = -1; z !== before; ) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

function tau(start: number): number {
  if (start === 0 || start === 1) return 0;
  let x = start;
  let y = 1;
  let z = 1 - x;
  for (let before = -1; z !== before; ) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}
