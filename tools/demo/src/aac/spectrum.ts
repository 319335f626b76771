import type { BitWriter } from "../bit-writer.ts";
import { type HuffmanTable, SCALE_FACTOR_TABLE, SPECTRAL_TABLES } from "./huffman-tables.ts";
import { FRAME_LENGTH } from "./mdct.ts";

/** First coefficient of each scale factor band of a long block at 44.1 and 48 kHz (ISO 14496-3 table 4.129), and the end. */
export const BAND_STARTS: Uint16Array = Uint16Array.of(
  0,
  4,
  8,
  12,
  16,
  20,
  24,
  28,
  32,
  36,
  40,
  48,
  56,
  64,
  72,
  80,
  88,
  96,
  108,
  120,
  132,
  144,
  160,
  176,
  196,
  216,
  240,
  264,
  292,
  320,
  352,
  384,
  416,
  448,
  480,
  512,
  544,
  576,
  608,
  640,
  672,
  704,
  736,
  768,
  800,
  832,
  864,
  896,
  928,
  1024,
);
/** Bands of a long block. */
export const BAND_COUNT = 49;

/** The largest level that an escape sequence can carry. */
const MAX_LEVEL = 8191;
/** Scale factors count from here: 4 steps double the amplitude. */
const SCALE_FACTOR_ZERO = 100;
/** Rounding of the power-law quantiser. */
const ROUNDING = 0.4054;
/** Bits of a section's header. */
const SECTION_BITS = 9;

/** Amplitude of a coefficient that no ear hears: a quarter of a 16-bit step of noise. */
const INAUDIBLE = 12;
/** How much of a band's unheard noise the next higher and the next lower band inherit: -8 and -16 dB. */
const SPREAD_UP = 0.4;
const SPREAD_DOWN = 0.16;

/** Codebooks, at `codebook - 1`: the largest magnitude, values a word, and whether signs are inside the word. */
const BOOKS = [
  { max: 1, size: 4, isSigned: true },
  { max: 1, size: 4, isSigned: true },
  { max: 2, size: 4, isSigned: false },
  { max: 2, size: 4, isSigned: false },
  { max: 4, size: 2, isSigned: true },
  { max: 4, size: 2, isSigned: true },
  { max: 7, size: 2, isSigned: false },
  { max: 7, size: 2, isSigned: false },
  { max: 12, size: 2, isSigned: false },
  { max: 12, size: 2, isSigned: false },
  { max: 16, size: 2, isSigned: false },
] as const;

/**
 * The spectrum of one channel for one frame: `analyse` it, then `quantise` and `put` as often as it takes to fit.
 */
export class ChannelSpectrum {
  readonly coefficients = new Float64Array(FRAME_LENGTH);
  readonly #powers = new Float64Array(FRAME_LENGTH);
  readonly #levels = new Int16Array(FRAME_LENGTH);
  /** The scale factor that reaches the wanted accuracy in each band; 0 where the band is left out. */
  readonly #wanted = new Float64Array(BAND_COUNT);
  readonly #rms = new Float64Array(BAND_COUNT);
  /** The noise that goes unheard in each band, as an amplitude. */
  readonly #noise = new Float64Array(BAND_COUNT);
  readonly #scaleFactors = new Uint8Array(BAND_COUNT);
  readonly #books = new Uint8Array(BAND_COUNT);
  readonly #bandCount: number;

  /** @param bandCount Bands that are coded; those above are silent. */
  constructor(bandCount: number) {
    this.#bandCount = bandCount;
  }

  /** Reads `coefficients`; call it once a frame. */
  analyse(): void {
    const x = this.coefficients;
    for (let i = 0; i < FRAME_LENGTH; i++) {
      const magnitude = Math.abs(x[i]!);
      this.#powers[i] = Math.sqrt(magnitude * Math.sqrt(magnitude));
    }
    const noise = this.#noise;
    for (let band = 0; band < this.#bandCount; band++) {
      const start = BAND_STARTS[band]!;
      const end = BAND_STARTS[band + 1]!;
      let energy = 0;
      for (let i = start; i < end; i++) energy += x[i]! * x[i]!;
      this.#rms[band] = Math.sqrt(energy / (end - start));
      // From 28 dB of signal to noise in the bass down to 8 dB at the top, where the ear no longer hears tones apart.
      noise[band] = Math.max(INAUDIBLE, this.#rms[band]! / 10 ** ((28 - (20 * band) / BAND_COUNT) / 20));
    }
    for (let band = 1; band < this.#bandCount; band++)
      noise[band] = Math.max(noise[band]!, noise[band - 1]! * SPREAD_UP);
    for (let band = this.#bandCount - 2; band >= 0; band--) {
      noise[band] = Math.max(noise[band]!, noise[band + 1]! * SPREAD_DOWN);
    }
    for (let band = 0; band < this.#bandCount; band++) {
      const rms = this.#rms[band]!;
      // Rounding a value v in steps of s, at the power 3/4, errs by 0.385 v^(1/4) s^(3/4).
      const step = rms * ((0.385 * rms) / noise[band]!) ** (-4 / 3);
      this.#wanted[band] = rms < noise[band]! * 1.2 ? 0 : SCALE_FACTOR_ZERO + 4 * Math.log2(step);
    }
  }

  /** Quantises at the wanted accuracy, coarser by `offset` scale factor steps (1.5 dB of step size each). */
  quantise(offset: number): void {
    let last = -1;
    for (let band = 0; band < this.#bandCount; band++) {
      this.#books[band] = 0;
      const start = BAND_STARTS[band]!;
      const end = BAND_STARTS[band + 1]!;
      this.#levels.fill(0, start, end);
      if (this.#wanted[band] === 0) continue;
      let factor = Math.max(1, Math.min(255, Math.round(this.#wanted[band]! + offset)));
      // Neighbouring factors may differ by 60 at most.
      if (last >= 0) factor = Math.max(last - 60, Math.min(last + 60, factor));
      let peak = this.#quantiseBand(start, end, factor);
      while (peak > MAX_LEVEL) {
        factor += 4;
        peak = this.#quantiseBand(start, end, factor);
      }
      if (peak === 0) continue;
      this.#scaleFactors[band] = factor;
      last = factor;
      this.#books[band] = this.#cheapestBook(start, end, peak);
    }
    this.#mergeSections();
  }

  #quantiseBand(start: number, end: number, factor: number): number {
    const gain = 2 ** ((-3 / 16) * (factor - SCALE_FACTOR_ZERO));
    let peak = 0;
    for (let i = start; i < end; i++) {
      const level = Math.floor(this.#powers[i]! * gain + ROUNDING);
      if (level > peak) peak = level;
      this.#levels[i] = this.coefficients[i]! < 0 ? -level : level;
    }
    return peak;
  }

  #cheapestBook(start: number, end: number, peak: number): number {
    const first = peak <= 1 ? 1 : peak <= 2 ? 3 : peak <= 4 ? 5 : peak <= 7 ? 7 : peak <= 12 ? 9 : 11;
    if (first === 11) return 11;
    return this.#countBits(start, end, first) <= this.#countBits(start, end, first + 1) ? first : first + 1;
  }

  /** Gives a band the codebook of the band before where that costs less than a new section. */
  #mergeSections(): void {
    for (let band = 1; band < this.#bandCount; band++) {
      const before = this.#books[band - 1]!;
      const book = this.#books[band]!;
      if (before === book || before === 0 || book === 0) continue;
      const start = BAND_STARTS[band]!;
      const end = BAND_STARTS[band + 1]!;
      const max = BOOKS[before - 1]!.max;
      let fits = true;
      for (let i = start; i < end && fits; i++) fits = before === 11 || Math.abs(this.#levels[i]!) <= max;
      if (!fits) continue;
      if (this.#countBits(start, end, before) < this.#countBits(start, end, book) + SECTION_BITS)
        this.#books[band] = before;
    }
  }

  #countBits(start: number, end: number, book: number): number {
    const { size, isSigned } = BOOKS[book - 1]!;
    const { lengths } = SPECTRAL_TABLES[book - 1] as HuffmanTable;
    let count = 0;
    for (let i = start; i < end; i += size) count += lengths[this.#wordIndex(i, book)]!;
    if (isSigned) return count;
    for (let i = start; i < end; i++) {
      const magnitude = Math.abs(this.#levels[i]!);
      if (magnitude > 0) count++;
      if (book === 11 && magnitude >= 16) count += 2 * (31 - Math.clz32(magnitude)) - 3;
    }
    return count;
  }

  /** Index of the codeword for the levels from `i` on (ISO 14496-3 §4.6.3.3). */
  #wordIndex(i: number, book: number): number {
    const levels = this.#levels;
    if (book <= 2) return 27 * levels[i]! + 9 * levels[i + 1]! + 3 * levels[i + 2]! + levels[i + 3]! + 40;
    if (book === 5 || book === 6) return 9 * levels[i]! + levels[i + 1]! + 40;
    const a = Math.abs(levels[i]!);
    const b = Math.abs(levels[i + 1]!);
    if (book <= 4) return 27 * a + 9 * b + 3 * Math.abs(levels[i + 2]!) + Math.abs(levels[i + 3]!);
    if (book <= 8) return 8 * a + b;
    if (book <= 10) return 13 * a + b;
    return 17 * (a < 16 ? a : 16) + (b < 16 ? b : 16);
  }

  /** Writes individual_channel_stream without its ics_info, which `putInfo` writes (ISO 14496-3 table 4.44). */
  put(bits: BitWriter, putInfo?: (bits: BitWriter) => void): void {
    let globalGain = 0;
    for (let band = 0; band < this.#bandCount && globalGain === 0; band++) {
      if (this.#books[band] !== 0) globalGain = this.#scaleFactors[band]!;
    }
    bits.put(globalGain, 8);
    putInfo?.(bits);
    this.#putSections(bits);
    let last = globalGain;
    for (let band = 0; band < this.#bandCount; band++) {
      if (this.#books[band] === 0) continue;
      const index = this.#scaleFactors[band]! - last + 60;
      bits.put(SCALE_FACTOR_TABLE.codes[index]!, SCALE_FACTOR_TABLE.lengths[index]!);
      last = this.#scaleFactors[band]!;
    }
    bits.put(0, 3); // no pulse data, no temporal noise shaping, no gain control
    for (let band = 0; band < this.#bandCount; band++) {
      const book = this.#books[band]!;
      if (book !== 0) this.#putBand(bits, BAND_STARTS[band]!, BAND_STARTS[band + 1]!, book);
    }
  }

  #putSections(bits: BitWriter): void {
    let band = 0;
    while (band < this.#bandCount) {
      const book = this.#books[band]!;
      let length = 1;
      while (band + length < this.#bandCount && this.#books[band + length] === book) length++;
      bits.put(book, 4);
      let left = length;
      for (; left >= 31; left -= 31) bits.put(31, 5);
      bits.put(left, 5);
      band += length;
    }
  }

  #putBand(bits: BitWriter, start: number, end: number, book: number): void {
    const { size, isSigned } = BOOKS[book - 1]!;
    const { codes, lengths } = SPECTRAL_TABLES[book - 1] as HuffmanTable;
    for (let i = start; i < end; i += size) {
      const index = this.#wordIndex(i, book);
      bits.put(codes[index]!, lengths[index]!);
      if (isSigned) continue;
      for (let k = i; k < i + size; k++) {
        const level = this.#levels[k]!;
        if (level !== 0) bits.put(level < 0 ? 1 : 0, 1);
      }
      if (book !== 11) continue;
      for (let k = i; k < i + 2; k++) {
        const magnitude = Math.abs(this.#levels[k]!);
        if (magnitude < 16) continue;
        const width = 31 - Math.clz32(magnitude);
        bits.put((1 << (width - 3)) - 2, width - 3);
        bits.put(magnitude - (1 << width), width);
      }
    }
  }
}
