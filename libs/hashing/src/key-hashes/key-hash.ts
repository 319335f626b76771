/**
 * A hash of key bytes, 0 to 2^32 - 1.
 *
 * @param bytes The bytes `[start, end)` are hashed; they must be in range.
 */
export type KeyHash = (bytes: Uint8Array, start: number, end: number) => number;

/**
 * A byte as C's `char` on x86 has it: 128 to 255 are -128 to -1. Most of the fleets' hashes were written with it, so
 * keys with such bytes land elsewhere than the published algorithm would have them.
 */
export function signedByte(byte: number): number {
  return (byte << 24) >> 24;
}
