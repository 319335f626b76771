/** Bits that are 1 in a byte, by byte. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => ones32(byte));

/** Bits that are 1 in a word. */
function ones32(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Bit `place` of `bytes[start...]`; the highest bit of a byte comes first. */
export function bitAt(bytes: Uint8Array, start: number, place: number): number {
  return (bytes[start + Math.floor(place / 8)]! >>> (7 - (place % 8))) & 1;
}

/** How many bits are 1 from bit `first` to bit `last` of `bytes[start...]`, both counted. */
export function countOnes(bytes: Uint8Array, start: number, first: number, last: number): number {
  const firstByte = start + Math.floor(first / 8);
  const lastByte = start + Math.floor(last / 8);
  let at = firstByte;
  let count = 0;
  for (const end = lastByte - 3; at < end; at += 4) {
    count += ones32(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
  }
  for (; at <= lastByte; at++) count += ONES[bytes[at]!]!;
  const before = ONES[bytes[firstByte]! & ~(0xff >>> (first % 8)) & 0xff]!;
  const behind = ONES[bytes[lastByte]! & (0xff >>> ((last % 8) + 1))]!;
  return count - before - behind;
}

/** The first bit that is `bit` from bit `first` to bit `last` of `bytes[start...]`, both counted; -1 if none is. */
export function findBit(bytes: Uint8Array, start: number, bit: number, first: number, last: number): number {
  const without = bit === 1 ? 0 : 0xff;
  const lastByte = Math.floor(last / 8);
  for (let at = Math.floor(first / 8); at <= lastByte; at++) {
    const byte = bytes[start + at]!;
    if (byte === without) continue;
    const from = Math.max(first, 8 * at);
    const to = Math.min(last, 8 * at + 7);
    for (let place = from; place <= to; place++) if (bitAt(bytes, start, place) === bit) return place;
  }
  return -1;
}

/** Of the number of `bits` bits at bit `place` of `bytes[start, end)`, unsigned; what is beyond the end is 0. */
export function readField(bytes: Uint8Array, start: number, end: number, place: number, bits: number): bigint {
  let value = 0n;
  let left = bits;
  let at = place;
  while (left > 0) {
    const inByte = at % 8;
    const taken = Math.min(left, 8 - inByte);
    const index = start + Math.floor(at / 8);
    const byte = index < end ? bytes[index]! : 0;
    value = (value << BigInt(taken)) | BigInt((byte >>> (8 - inByte - taken)) & (0xff >>> (8 - taken)));
    at += taken;
    left -= taken;
  }
  return value;
}

/** Writes the low `bits` bits of a number at bit `place` of `bytes[start...]`, which must be there. */
export function writeField(bytes: Uint8Array, start: number, place: number, bits: number, value: bigint): void {
  let rest = BigInt.asUintN(bits, value);
  let end = place + bits;
  while (end > place) {
    const index = start + Math.floor((end - 1) / 8);
    const low = 7 - ((end - 1) % 8);
    const taken = Math.min(8 - low, end - place);
    const mask = (0xff >>> (8 - taken)) << low;
    bytes[index] = (bytes[index]! & ~mask) | ((Number(BigInt.asUintN(taken, rest)) << low) & mask);
    rest >>= BigInt(taken);
    end -= taken;
  }
}
