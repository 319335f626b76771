import {
  cacheCount,
  cachedCount,
  encodingOf,
  estimate,
  forgetCount,
  HLL_DENSE,
  HLL_DENSE_BYTES,
  HLL_HEADER_BYTES,
  HLL_REGISTERS,
  HLL_SPARSE,
  histogramOf,
  histogramOfRegisters,
  isHyperLogLog,
  mergeRegisters,
  raiseDense,
  runLength,
  runRank,
  runSize,
  writeEmptyHeader,
} from "./hyperloglog-registers.ts";
import { type Hash64, murmur64 } from "./murmur64.ts";

/** The whole error reply for a string that is no HyperLogLog. */
export const HLL_WRONG_TYPE_ERROR = "WRONGTYPE Key is not a valid HyperLogLog string value.";

/** The whole error reply for one whose registers are damaged. */
export const HLL_CORRUPTED_ERROR = "INVALIDOBJ Corrupted HLL object detected";

/** The default of `hll-sparse-max-bytes`: a sparse one that would become larger becomes dense. */
export const HLL_SPARSE_MAX_BYTES = 3_000;

export type HllError = typeof HLL_WRONG_TYPE_ERROR | typeof HLL_CORRUPTED_ERROR;

const HASH_SEED = 0xadc8_3b19;
const SPARSE_RANK_MAX = 32;
const RUN_VALUES_MAX = 4;
const RUN_ZEROS_MAX = 64;
const MERGE_SCAN_RUNS = 5;
const EMPTY_SPARSE_BYTES = HLL_HEADER_BYTES + 2;

/**
 * Changes one HyperLogLog after the other: `open` a string, `add` or `raise`, then take `bytes` as the new string.
 * Every string is bit by bit what Redis 7.0 would have. A dense one is changed where it is; a sparse one is copied into
 * memory that the editor keeps, where its runs have room to grow.
 */
export class HllEditor {
  readonly #sparseMaxBytes: number;
  #scratch = new Uint8Array(HLL_DENSE_BYTES);
  readonly #dense = new Uint8Array(HLL_DENSE_BYTES);
  readonly #hash: Hash64 = { low: 0, high: 0 };
  #bytes: Uint8Array; // dense: the string itself or #dense; sparse: #scratch, of which #length bytes count
  #length = 0;

  /** @param sparseMaxBytes `hll-sparse-max-bytes`, header included. */
  constructor(sparseMaxBytes = HLL_SPARSE_MAX_BYTES) {
    this.#sparseMaxBytes = sparseMaxBytes;
    this.#bytes = this.#scratch;
  }

  /**
   * The string as it is now, valid until the next `open`. The same memory as the string that was opened if that was
   * dense (it has changed in place already), else the editor's own: copy it.
   */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Begins with an empty HyperLogLog if there is no string. Returns false if the string is no HyperLogLog. */
  open(value: Uint8Array | undefined): boolean {
    if (value !== undefined && !isHyperLogLog(value)) return false;
    if (value !== undefined && encodingOf(value) === HLL_DENSE) {
      this.#bytes = value;
      this.#length = value.length;
      return true;
    }
    this.#length = value?.length ?? EMPTY_SPARSE_BYTES;
    if (this.#scratch.length < this.#length) this.#scratch = new Uint8Array(this.#length);
    this.#bytes = this.#scratch;
    if (value !== undefined) this.#bytes.set(value);
    else {
      writeEmptyHeader(this.#bytes, HLL_SPARSE);
      this.#writeZeros(HLL_HEADER_BYTES, HLL_REGISTERS);
    }
    return true;
  }

  /** Adds the element `source[start, end)`: 1 if a register rose, 0 if none did, -1 if the runs are damaged. */
  add(source: Uint8Array, start: number, end: number): -1 | 0 | 1 {
    const hash = this.#hash;
    murmur64(source, start, end, HASH_SEED, hash);
    const register = hash.low & (HLL_REGISTERS - 1);
    // What is left are 50 bits; a 1 above them ends the run of zeros at last.
    const low = (hash.low >>> 14) | (hash.high << 18);
    const high = (hash.high >>> 14) | 0x4_0000;
    return this.raise(register, 1 + (low !== 0 ? trailingZeros(low) : 32 + trailingZeros(high)));
  }

  /** Raises a register to at least `rank`, 1 to 63; answers as `add`. The kept count is only forgotten where Redis does. */
  raise(register: number, rank: number): -1 | 0 | 1 {
    if (encodingOf(this.#bytes) === HLL_DENSE) return raiseDense(this.#bytes, register, rank) ? 1 : 0;
    if (rank > SPARSE_RANK_MAX) return this.#promote(register, rank);
    return this.#raiseSparse(register, rank);
  }

  /** Marks the kept count as no longer right; after `add` or `raise` gave 1. */
  forgetCount(): void {
    forgetCount(this.#bytes);
  }

  /** Makes a sparse one dense. Returns false if its runs are damaged. */
  makeDense(): boolean {
    if (encodingOf(this.#bytes) === HLL_DENSE) return true;
    const registers = new Uint8Array(HLL_REGISTERS);
    if (!mergeRegisters(this.bytes, registers)) return false;
    const dense = this.#dense;
    dense.fill(0);
    dense.set(this.#bytes.subarray(0, HLL_HEADER_BYTES));
    dense[4] = HLL_DENSE;
    for (let i = 0; i < HLL_REGISTERS; i++) if (registers[i] !== 0) raiseDense(dense, i, registers[i]!);
    this.#bytes = dense;
    this.#length = HLL_DENSE_BYTES;
    return true;
  }

  #promote(register: number, rank: number): -1 | 1 {
    if (!this.makeDense()) return -1;
    raiseDense(this.#bytes, register, rank);
    return 1;
  }

  #raiseSparse(register: number, rank: number): -1 | 0 | 1 {
    const end = this.#length;
    const bytes = this.bytes;
    let first = 0; // register that the run at `at` begins with
    let before = -1; // where the run before it is
    let at = HLL_HEADER_BYTES;
    let count = 0;
    while (at < end) {
      count = runLength(bytes, at);
      if (register < first + count) break;
      before = at;
      at += runSize(bytes[at]!);
      first += count;
    }
    if (at >= end || at + runSize(bytes[at]!) > end) return -1;
    const lead = bytes[at]!;
    const old = runRank(lead);
    if (old >= rank) return 0;
    if (count === 1 && runSize(lead) === 1) bytes[at] = valueRun(rank, 1);
    else {
      const grownBytes = splitSize(first, register, count, old) - runSize(lead);
      if (grownBytes > 0 && end + grownBytes > this.#sparseMaxBytes) return this.#promote(register, rank);
      this.#split({ at, first, count, old }, register, rank, grownBytes);
    }
    this.#joinRuns(before < 0 ? HLL_HEADER_BYTES : before);
    forgetCount(this.#bytes);
    return 1;
  }

  /** Puts up to three runs where one was: what is left of it before the register, the register, and what is behind. */
  #split(
    run: { readonly at: number; readonly first: number; readonly count: number; readonly old: number },
    register: number,
    rank: number,
    grownBytes: number,
  ): void {
    const { at, first, count, old } = run;
    const end = this.#length;
    if (end + grownBytes > this.#scratch.length) {
      const grown = new Uint8Array(end * 2);
      grown.set(this.#scratch);
      this.#scratch = grown;
      this.#bytes = grown;
    }
    const bytes = this.#bytes;
    const next = at + runSize(bytes[at]!);
    bytes.copyWithin(next + grownBytes, next, end);
    this.#length = end + grownBytes;
    let to = this.#writeRun(at, old, register - first);
    bytes[to++] = valueRun(rank, 1);
    to = this.#writeRun(to, old, first + count - 1 - register);
  }

  #writeRun(at: number, rank: number, count: number): number {
    if (count === 0) return at;
    if (rank === 0) return this.#writeZeros(at, count);
    this.#bytes[at] = valueRun(rank, count);
    return at + 1;
  }

  #writeZeros(at: number, count: number): number {
    const n = count - 1;
    if (count <= RUN_ZEROS_MAX) {
      this.#bytes[at] = n;
      return at + 1;
    }
    this.#bytes[at] = 0x40 | (n >>> 8);
    this.#bytes[at + 1] = n;
    return at + 2;
  }

  /** Joins runs of the same value, looking at five runs from `from` on. */
  #joinRuns(from: number): void {
    const bytes = this.#bytes;
    let at = from;
    for (let left = MERGE_SCAN_RUNS; left > 0 && at < this.#length; left--) {
      const lead = bytes[at]!;
      if (lead < 0x80) {
        at += runSize(lead);
        continue;
      }
      const next = at + 1 < this.#length ? bytes[at + 1]! : 0;
      const count = (lead & 3) + (next & 3) + 2;
      if (next >= 0x80 && runRank(next) === runRank(lead) && count <= RUN_VALUES_MAX) {
        bytes[at + 1] = valueRun(runRank(lead), count);
        bytes.copyWithin(at, at + 1, this.#length);
        this.#length--;
      } else at++;
    }
  }
}

/**
 * The number of different elements in one HyperLogLog. A count that had to be computed is kept in `value`, which changes
 * in place: `hasChanged`, and Redis counts that as a write.
 */
export function countHyperLogLog(
  value: Uint8Array,
): { readonly count: number; readonly hasChanged: boolean } | { readonly error: HllError } {
  if (!isHyperLogLog(value)) return { error: HLL_WRONG_TYPE_ERROR };
  const cached = cachedCount(value);
  if (cached !== undefined) return { count: cached, hasChanged: false };
  const histogram = histogramOf(value);
  if (histogram === undefined) return { error: HLL_CORRUPTED_ERROR };
  const count = estimate(histogram);
  cacheCount(value, count);
  return { count, hasChanged: true };
}

/** The number of different elements in all of them together; a missing key is `undefined`. Changes nothing. */
export function countHyperLogLogs(
  values: readonly (Uint8Array | undefined)[],
): { readonly count: number } | { readonly error: HllError } {
  const registers = new Uint8Array(HLL_REGISTERS);
  const error = mergeAll(values, registers);
  return error === undefined ? { count: estimate(histogramOfRegisters(registers)) } : { error };
}

/**
 * Opens in `editor` the union of all; the first is the target's old string (`undefined` if it has none), which the
 * result grows out of. Take the editor's `bytes`.
 *
 * @returns the error if one of them is no HyperLogLog or is damaged; the editor must not be used then.
 */
export function mergeHyperLogLogs(
  editor: HllEditor,
  values: readonly [Uint8Array | undefined, ...(Uint8Array | undefined)[]],
): HllError | undefined {
  const registers = new Uint8Array(HLL_REGISTERS);
  const error = mergeAll(values, registers);
  if (error !== undefined) return error;
  editor.open(values[0]);
  if (values.some((value) => value !== undefined && encodingOf(value) === HLL_DENSE)) editor.makeDense();
  for (let i = 0; i < HLL_REGISTERS; i++) if (registers[i] !== 0) editor.raise(i, registers[i]!);
  editor.forgetCount();
  return undefined;
}

function mergeAll(values: readonly (Uint8Array | undefined)[], registers: Uint8Array): HllError | undefined {
  for (const value of values) {
    if (value === undefined) continue;
    if (!isHyperLogLog(value)) return HLL_WRONG_TYPE_ERROR;
    if (!mergeRegisters(value, registers)) return HLL_CORRUPTED_ERROR;
  }
  return undefined;
}

function valueRun(rank: number, count: number): number {
  return 0x80 | ((rank - 1) << 2) | (count - 1);
}

/** Bytes of the runs that a run becomes when one of its registers gets another value. */
function splitSize(first: number, register: number, count: number, rank: number): number {
  const sizeOf = (zeros: number): number => (zeros === 0 ? 0 : rank === 0 && zeros > RUN_ZEROS_MAX ? 2 : 1);
  return sizeOf(register - first) + 1 + sizeOf(first + count - 1 - register);
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
