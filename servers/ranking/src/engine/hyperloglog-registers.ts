// The 16,384 registers of a HyperLogLog as Redis keeps them in a string, bit by bit:
//
//   "HYLL" | encoding (0 dense, 1 sparse) | 3 unused | cached count (u64 LE, top bit set: not valid) | registers
//
// Dense: six bits a register, the lowest bits of a byte first; 12,304 bytes in all. Sparse: a row of runs:
//
//   00nnnnnn            n + 1 registers of 0                  "zero"
//   01nnnnnn nnnnnnnn   n + 1 registers of 0                  "long zero"
//   1vvvvvnn            n + 1 registers of v + 1              "value"

export const HLL_HEADER_BYTES = 16;
export const HLL_REGISTERS = 16_384;
export const HLL_DENSE_BYTES = HLL_HEADER_BYTES + (HLL_REGISTERS * 6) / 8;
export const HLL_DENSE = 0;
export const HLL_SPARSE = 1;

const ENCODING_AT = 4;
const CACHE_AT = 8;
const CACHE_FLAGS_AT = 15;
const CACHE_INVALID = 0x80;
const MAGIC = [0x48, 0x59, 0x4c, 0x4c]; // "HYLL"
/** What one register can be estimated at: 64 bits of hash less 14 of register number, and the 1 that ends the run. */
const RANK_MAX = 51;
const HISTOGRAM_SIZE = 64;
const ALPHA_INFINITE = 0.7213475204444817; // 1 / (2 ln 2)

/** Whether a string may be a HyperLogLog: its header, and its size if it is dense. Sparse runs are not looked at. */
export function isHyperLogLog(bytes: Uint8Array): boolean {
  if (bytes.length < HLL_HEADER_BYTES) return false;
  for (let i = 0; i < MAGIC.length; i++) if (bytes[i] !== MAGIC[i]) return false;
  const encoding = bytes[ENCODING_AT]!;
  return encoding === HLL_SPARSE || (encoding === HLL_DENSE && bytes.length === HLL_DENSE_BYTES);
}

export function encodingOf(bytes: Uint8Array): number {
  return bytes[ENCODING_AT]!;
}

/** Writes the header of one that counts 0, with that count cached. */
export function writeEmptyHeader(bytes: Uint8Array, encoding: number): void {
  bytes.fill(0, 0, HLL_HEADER_BYTES);
  bytes.set(MAGIC);
  bytes[ENCODING_AT] = encoding;
}

export function forgetCount(bytes: Uint8Array): void {
  bytes[CACHE_FLAGS_AT] = bytes[CACHE_FLAGS_AT]! | CACHE_INVALID;
}

/** The count that is kept in the string, if it still holds. Rounded above 2^53, which only a forged one is. */
export function cachedCount(bytes: Uint8Array): number | undefined {
  if ((bytes[CACHE_FLAGS_AT]! & CACHE_INVALID) !== 0) return undefined;
  let count = 0;
  for (let i = CACHE_FLAGS_AT; i >= CACHE_AT; i--) count = count * 256 + bytes[i]!;
  return count;
}

/** Keeps a count in the string; -2^63, "not a number" in Redis, sets the mark that the cache does not hold. */
export function cacheCount(bytes: Uint8Array, count: number): void {
  let rest = count < 0 ? 2 ** 63 : count;
  for (let i = CACHE_AT; i <= CACHE_FLAGS_AT; i++) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** Raises a register to at least `rank`. Returns whether it was lower. */
export function raiseDense(bytes: Uint8Array, register: number, rank: number): boolean {
  const bit = register * 6;
  const at = HLL_HEADER_BYTES + (bit >>> 3);
  const shift = bit & 7;
  // The last register ends the string, and its shift is 2, so the byte behind it is neither read nor written.
  const pair = bytes[at]! | ((shift > 2 ? bytes[at + 1]! : 0) << 8);
  if (((pair >>> shift) & 0x3f) >= rank) return false;
  const raised = (pair & ~(0x3f << shift)) | (rank << shift);
  bytes[at] = raised;
  if (shift > 2) bytes[at + 1] = raised >>> 8;
  return true;
}

/** Raises `registers` to those of a HyperLogLog; false if its runs are not 16,384 registers. */
export function mergeRegisters(bytes: Uint8Array, registers: Uint8Array): boolean {
  if (encodingOf(bytes) === HLL_SPARSE) return mergeSparse(bytes, registers);
  let at = HLL_HEADER_BYTES;
  for (let i = 0; i < HLL_REGISTERS; i += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    at += 3;
    if (word === 0) continue;
    for (let j = 0; j < 4; j++) {
      const rank = (word >>> (6 * j)) & 0x3f;
      if (rank > registers[i + j]!) registers[i + j] = rank;
    }
  }
  return true;
}

function mergeSparse(bytes: Uint8Array, registers: Uint8Array): boolean {
  let register = 0;
  let at = HLL_HEADER_BYTES;
  while (at < bytes.length) {
    const count = runLength(bytes, at);
    const rank = runRank(bytes[at]!);
    at += runSize(bytes[at]!);
    if (rank === 0) {
      register += count;
      continue;
    }
    if (register + count > HLL_REGISTERS) return false;
    for (const end = register + count; register < end; register++) {
      if (rank > registers[register]!) registers[register] = rank;
    }
  }
  return register === HLL_REGISTERS;
}

/** Bytes of the run that begins with this byte. */
export function runSize(lead: number): number {
  return lead >>> 6 === 1 ? 2 : 1;
}

/** Registers of the run at `at`. A long zero cut off by the string's end has a second byte of 0. */
export function runLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead >= 0x80) return (lead & 3) + 1;
  if (lead < 0x40) return lead + 1;
  return (((lead & 0x3f) << 8) | (at + 1 < bytes.length ? bytes[at + 1]! : 0)) + 1;
}

/** The value of all registers of the run that begins with this byte. */
export function runRank(lead: number): number {
  return lead >= 0x80 ? ((lead >>> 2) & 0x1f) + 1 : 0;
}

/** How often each value occurs among the registers of a HyperLogLog; `undefined` if its runs are not 16,384 registers. */
export function histogramOf(bytes: Uint8Array): Int32Array | undefined {
  const histogram = new Int32Array(HISTOGRAM_SIZE);
  let at = HLL_HEADER_BYTES;
  if (encodingOf(bytes) === HLL_DENSE) {
    for (; at < HLL_DENSE_BYTES; at += 3) {
      const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
      for (let shift = 0; shift < 24; shift += 6) histogram[(word >>> shift) & 0x3f]!++;
    }
    return histogram;
  }
  let register = 0;
  for (; at < bytes.length; at += runSize(bytes[at]!)) {
    const count = runLength(bytes, at);
    const rank = runRank(bytes[at]!);
    histogram[rank] = histogram[rank]! + count;
    register += count;
  }
  return register === HLL_REGISTERS ? histogram : undefined;
}

/** Like `histogramOf`, of registers with a byte each. */
export function histogramOfRegisters(registers: Uint8Array): Int32Array {
  const histogram = new Int32Array(HISTOGRAM_SIZE);
  for (let i = 0; i < HLL_REGISTERS; i++) histogram[registers[i]!]!++;
  return histogram;
}

/**
 * How many different elements were added, in the same operations as Redis, so that no bit differs. Registers that no
 * element can give may make the estimate infinite; it is -2^63 then, as Redis answers on x86.
 *
 * @see Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284
 */
export function estimate(histogram: Int32Array): number {
  const m = HLL_REGISTERS;
  let z = m * tau((m - histogram[RANK_MAX]!) / m);
  for (let rank = RANK_MAX - 1; rank >= 1; rank--) z = (z + histogram[rank]!) * 0.5;
  z += m * sigma(histogram[0]! / m);
  const exact = (ALPHA_INFINITE * m * m) / z;
  if (!(exact < 2 ** 63)) return -(2 ** 63);
  const floor = Math.floor(exact);
  return exact - floor >= 0.5 ? floor + 1 : floor;
}

function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY;
  let x = share;
  let y = 1;
  let z = x;
  for (;;) {
    x *= x;
    const before = z;
    z += x * y;
    y += y;
    if (before === z) return z;
  }
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let y = 1;
  let z = 1 - x;
  for (;;) {
    x = Math.sqrt(x);
    const before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
    if (before === z) return z / 3;
  }
}
