import { checkNodes } from "../check-nodes.ts";
import { keySlotHash } from "../key-hashes/key-slot-hash.ts";
import { mix32 } from "../key-hashes/murmur3.ts";
import type { HashNode, Selector } from "../selector.ts";

const MULTIPLIER_HIGH = 0x27bb2ee6;
const MULTIPLIER_LOW = 0x87b0b0fd;

/**
 * Jump (Lamping and Veach, "A fast, minimal memory, consistent hash algorithm", 2014): imagine nodes being added one by
 * one; the key moves to the n-th with probability 1/n. Jump computes when it moves, jumping from move to move, in about
 * ln(n) steps and without any memory.
 *
 * The spread is perfect, and adding or removing the *last* node moves exactly the ideal. But nodes are nothing than
 * numbers: take one from the middle and all behind it change their number, which moves about half of all keys. So it is
 * for shards that are never lost, not for servers that are. No weights.
 */
export function jump(nodes: readonly HashNode[]): Selector {
  checkNodes(nodes, { maxNodes: 65_536, weighted: false });
  const bucketCount = nodes.length;
  return {
    nodeCount: bucketCount,
    select: (key, start, end) => jumpOfHash(keySlotHash(key, start, end), bucketCount),
  };
}

/** Jump of a 32-bit hash, which is made the 64 bits the algorithm wants. */
export function jumpOfHash(hash: number, bucketCount: number): number {
  return jumpBucket(mix32(hash ^ 0x6a756d70), hash, bucketCount);
}

/** The bucket, 0 to `bucketCount - 1`, of the 64-bit key with these two halves: the published function. */
export function jumpBucket(keyHigh: number, keyLow: number, bucketCount: number): number {
  let high = keyHigh;
  let low = keyLow;
  let bucket = -1;
  let next = 0;
  while (next < bucketCount) {
    bucket = next;
    // key = key * 2862933555777941757 + 1, on 64 bits held as two halves.
    high = (Math.imul(high, MULTIPLIER_LOW) + Math.imul(low, MULTIPLIER_HIGH) + highProduct(low)) | 0;
    low = Math.imul(low, MULTIPLIER_LOW);
    low = (low + 1) | 0;
    if (low === 0) high = (high + 1) | 0;
    next = Math.floor((bucket + 1) * (2 ** 31 / ((high >>> 1) + 1)));
  }
  return bucket;
}

/** Upper 32 bits of the unsigned product of a number and the multiplier's lower half. */
function highProduct(value: number): number {
  const valueHigh = value >>> 16;
  const valueLow = value & 0xffff;
  const low = valueLow * (MULTIPLIER_LOW & 0xffff);
  const middle = valueHigh * (MULTIPLIER_LOW & 0xffff) + Math.floor(low / 0x1_0000);
  const otherMiddle = valueLow * (MULTIPLIER_LOW >>> 16) + (middle % 0x1_0000);
  return (valueHigh * (MULTIPLIER_LOW >>> 16) + Math.floor(middle / 0x1_0000) + Math.floor(otherMiddle / 0x1_0000)) | 0;
}
