// LZF, the compression of long strings in RDB files. The compressed bytes are a row of pieces, each led by one byte:
//
//   000nnnnn                    n + 1 bytes follow as they are
//   lllooooo oooooooo           copy l + 2 bytes from o + 1 bytes back, l from 1 to 6
//   111ooooo llllllll oooooooo  the same with l + 9
//
// A copy may reach into what it is writing: "one byte back, 20 bytes" repeats that byte.

const LITERALS_MAX = 32;
const DISTANCE_MAX = 8_192;
const MATCH_MIN = 3;
const MATCH_MAX = 264;
const HASH_BITS = 14;
/** After so many bytes without a match every second place is tried, after twice as many every third, and so on. */
const SKIP_SHIFT = 6;
/** Places that are passed over at most: a string that becomes compressible is found soon. */
const SKIP_MAX = 32;
/** No three bytes make more than 264, so a compressed size bounds what it can become. */
const GROWTH_MAX = 88;

/**
 * The `sizeBytes` bytes that `input[start, end)` was made from, in a new array, or `undefined` if they are not a whole
 * and sound compression of just so many. A size that so few bytes cannot become is refused before any memory is taken.
 */
export function decompressLzf(
  input: Uint8Array,
  start: number,
  end: number,
  sizeBytes: number,
): Uint8Array | undefined {
  if (sizeBytes > (end - start) * GROWTH_MAX) return undefined;
  const out = new Uint8Array(sizeBytes);
  let from = start;
  let to = 0;
  while (from < end) {
    const lead = input[from++]!;
    if (lead < LITERALS_MAX) {
      const count = lead + 1;
      if (from + count > end || to + count > sizeBytes) return undefined;
      for (let i = 0; i < count; i++) out[to++] = input[from++]!;
      continue;
    }
    let count = (lead >>> 5) + 2;
    if (count === 9) {
      if (from >= end) return undefined;
      count += input[from++]!;
    }
    if (from >= end) return undefined;
    let source = to - (((lead & 0x1f) << 8) | input[from++]!) - 1;
    if (source < 0 || to + count > sizeBytes) return undefined;
    for (let i = 0; i < count; i++) out[to++] = out[source++]!;
  }
  return to === sizeBytes ? out : undefined;
}

/**
 * Compresses strings, one after the other, with one table of where three bytes were seen last. Entries of the string
 * before are told by their number, which is below `#base`, so the table is never cleared between strings and the result
 * depends on the string alone.
 */
export class LzfCompressor {
  readonly #seen = new Int32Array(1 << HASH_BITS).fill(-1);
  #base = 0;
  #out = new Uint8Array(4_096);

  /**
   * The compressed bytes, valid until the next call, or `undefined` if they would be more than `limitBytes`. The string
   * may have at most 2^30 bytes.
   */
  compress(input: Uint8Array, limitBytes: number): Uint8Array | undefined {
    if (this.#out.length < limitBytes) this.#out = new Uint8Array(limitBytes);
    if (this.#base + input.length > 0x7fff_ffff) {
      this.#seen.fill(-1);
      this.#base = 0;
    }
    const size = this.#run(input, limitBytes);
    this.#base += input.length;
    return size === undefined ? undefined : this.#out.subarray(0, size);
  }

  #run(input: Uint8Array, limitBytes: number): number | undefined {
    const out = this.#out;
    const seen = this.#seen;
    const base = this.#base;
    const length = input.length;
    let to = 0;
    let literalsFrom = 0;
    let at = 0;
    while (at + MATCH_MIN <= length) {
      const word = input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16);
      const slot = Math.imul(word, 0x9e37_79b1) >>> (32 - HASH_BITS);
      const before = seen[slot]! - base;
      seen[slot] = base + at;
      const isMatch =
        before >= 0 &&
        at - before <= DISTANCE_MAX &&
        input[before] === input[at] &&
        input[before + 1] === input[at + 1] &&
        input[before + 2] === input[at + 2];
      if (!isMatch) {
        // Bytes that do not repeat, such as pictures, are run through and not looked at one by one.
        at += Math.min(SKIP_MAX, 1 + ((at - literalsFrom) >> SKIP_SHIFT));
        continue;
      }
      const countMax = Math.min(MATCH_MAX, length - at);
      let count = MATCH_MIN;
      while (count < countMax && input[before + count] === input[at + count]) count++;
      to = writeLiterals(input, literalsFrom, at, out, to, limitBytes);
      if (to < 0 || to + 3 > limitBytes) return undefined;
      const distance = at - before - 1;
      const l = count - 2;
      if (l < 7) out[to++] = (l << 5) | (distance >>> 8);
      else {
        out[to++] = 0xe0 | (distance >>> 8);
        out[to++] = l - 7;
      }
      out[to++] = distance & 0xff;
      at += count;
      literalsFrom = at;
    }
    to = writeLiterals(input, literalsFrom, length, out, to, limitBytes);
    return to < 0 ? undefined : to;
  }
}

/** Writes `input[from, end)` as literals; the offset after them, or -1 if they pass `limitBytes`. */
function writeLiterals(
  input: Uint8Array,
  from: number,
  end: number,
  out: Uint8Array,
  offset: number,
  limitBytes: number,
): number {
  let to = offset;
  for (let at = from; at < end; ) {
    const count = Math.min(LITERALS_MAX, end - at);
    if (to + 1 + count > limitBytes) return -1;
    out[to++] = count - 1;
    for (let i = 0; i < count; i++) out[to++] = input[at++]!;
  }
  return to;
}
