/** Bits per key: one in a hundred absent keys is asked for in vain, of each block. */
const BITS_PER_KEY = 10;
const PROBES = 7;
const FIRST_BYTES = 4_096;
const MAX_BLOCK_BYTES = 4_194_304;

interface Block {
  readonly bits: Uint8Array;
  count: number;
}

/**
 * Says of a key that it was never added, or that it may have been: a Bloom filter that grows. Each block is twice as large
 * as the one before and filled to its measure, so a question looks at a few blocks, and little memory serves few keys.
 *
 * A key comes as two hashes of 32 bits that do not depend on each other.
 */
export class KeyFilter {
  readonly #blocks: Block[] = [];
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(hash: number, otherHash: number): void {
    let block = this.#blocks.at(-1);
    if (block === undefined || block.count * BITS_PER_KEY >= block.bits.length * 8) {
      const bytes = block === undefined ? FIRST_BYTES : Math.min(MAX_BLOCK_BYTES, 2 * block.bits.length);
      block = { bits: new Uint8Array(bytes), count: 0 };
      this.#blocks.push(block);
      this.#sizeBytes += bytes;
    }
    block.count++;
    const { bits } = block;
    const mask = bits.length * 8 - 1;
    const step = otherHash | 1;
    for (let i = 0, at = hash; i < PROBES; i++, at = (at + step) | 0) {
      const bit = at & mask;
      bits[bit >>> 3] = (bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
    }
  }

  mayHave(hash: number, otherHash: number): boolean {
    for (const { bits } of this.#blocks) if (isIn(bits, hash, otherHash)) return true;
    return false;
  }
}

function isIn(bits: Uint8Array, hash: number, otherHash: number): boolean {
  const mask = bits.length * 8 - 1;
  const step = otherHash | 1;
  for (let i = 0, at = hash; i < PROBES; i++, at = (at + step) | 0) {
    const bit = at & mask;
    if (((bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}
