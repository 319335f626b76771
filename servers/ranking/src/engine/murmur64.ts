// MurmurHash64A in halves of 32 bits: JavaScript's fast integers have no more.

const MULTIPLIER_LOW = 0x5bd1_e995;
const MULTIPLIER_HIGH = 0xc6a4_a793 | 0;
const MULTIPLIER_LOW_0 = MULTIPLIER_LOW & 0xffff;
const MULTIPLIER_LOW_1 = MULTIPLIER_LOW >>> 16;

/** A 64-bit hash: two signed 32-bit halves, written by `murmur64` so that nothing is allocated for a hash. */
export interface Hash64 {
  low: number;
  high: number;
}

/** Hashes `bytes[start, end)` into `out`. `seed` is an unsigned 32-bit number. The caller has checked the bounds. */
export function murmur64(bytes: Uint8Array, start: number, end: number, seed: number, out: Hash64): void {
  const length = end - start;
  let low = Math.imul(length, MULTIPLIER_LOW) ^ seed;
  let high = productHigh(length, Math.imul(length, MULTIPLIER_HIGH));
  let i = start;
  for (const last = end - 8; i <= last; i += 8) {
    const a = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    const b = bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24);
    let k = Math.imul(a, MULTIPLIER_LOW);
    const kHigh = productHigh(a, Math.imul(a, MULTIPLIER_HIGH) + Math.imul(b, MULTIPLIER_LOW));
    k ^= kHigh >>> 15; // k ^= k >> 47
    high ^= productHigh(k, Math.imul(k, MULTIPLIER_HIGH) + Math.imul(kHigh, MULTIPLIER_LOW));
    low ^= Math.imul(k, MULTIPLIER_LOW);
    high = productHigh(low, Math.imul(low, MULTIPLIER_HIGH) + Math.imul(high, MULTIPLIER_LOW));
    low = Math.imul(low, MULTIPLIER_LOW);
  }
  if (i < end) {
    for (let shift = 0; i < end; i++, shift += 8) {
      if (shift < 32) low ^= bytes[i]! << shift;
      else high ^= bytes[i]! << (shift - 32);
    }
    high = productHigh(low, Math.imul(low, MULTIPLIER_HIGH) + Math.imul(high, MULTIPLIER_LOW));
    low = Math.imul(low, MULTIPLIER_LOW);
  }
  low ^= high >>> 15;
  high = productHigh(low, Math.imul(low, MULTIPLIER_HIGH) + Math.imul(high, MULTIPLIER_LOW));
  low = Math.imul(low, MULTIPLIER_LOW);
  out.low = low ^ (high >>> 15);
  out.high = high;
}

/** The upper half of `low` times the multiplier's lower half, plus what the other products add to it. */
function productHigh(low: number, others: number): number {
  const low0 = low & 0xffff;
  const low1 = low >>> 16;
  // Neither sum passes 2^32: (2^16 - 1)^2 + 2^16 - 1 is less.
  const carry = low1 * MULTIPLIER_LOW_0 + (Math.imul(low0, MULTIPLIER_LOW_0) >>> 16);
  const middle = low0 * MULTIPLIER_LOW_1 + (carry & 0xffff);
  return (Math.imul(low1, MULTIPLIER_LOW_1) + (carry >>> 16) + (middle >>> 16) + others) | 0;
}
