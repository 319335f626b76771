/** Coefficients of a long block, and half the samples that it looks at. */
export const FRAME_LENGTH = 1024;

const HALF = FRAME_LENGTH / 2;

/**
 * The modified discrete cosine transform of AAC long blocks with the sine window, through a complex FFT of 512 points.
 *
 * It equals `X[k] = 2 * sum(w[n] x[n] cos(2 pi / 2048 (n + 512.5) (k + 0.5)))`, the scale that decoders undo.
 *
 * @see ISO 14496-3 §4.6.11 (the inverse)
 */
export class Mdct {
  readonly #window = new Float64Array(2 * FRAME_LENGTH);
  readonly #twistCos = new Float64Array(HALF);
  readonly #twistSin = new Float64Array(HALF);
  readonly #rootCos = new Float64Array(HALF / 2);
  readonly #rootSin = new Float64Array(HALF / 2);
  readonly #reversed = new Uint16Array(HALF);
  readonly #re = new Float64Array(HALF);
  readonly #im = new Float64Array(HALF);
  readonly #folded = new Float64Array(FRAME_LENGTH);

  constructor() {
    for (let n = 0; n < 2 * FRAME_LENGTH; n++) this.#window[n] = Math.sin((Math.PI * (n + 0.5)) / (2 * FRAME_LENGTH));
    for (let n = 0; n < HALF; n++) {
      const angle = (-Math.PI * (8 * n + 1)) / (8 * FRAME_LENGTH);
      this.#twistCos[n] = Math.cos(angle);
      this.#twistSin[n] = Math.sin(angle);
      let reversed = 0;
      for (let bit = 1; bit < HALF; bit *= 2) reversed = reversed * 2 + (n & bit ? 1 : 0);
      this.#reversed[n] = reversed;
    }
    for (let k = 0; k < HALF / 2; k++) {
      this.#rootCos[k] = Math.cos((-2 * Math.PI * k) / HALF);
      this.#rootSin[k] = Math.sin((-2 * Math.PI * k) / HALF);
    }
  }

  /** Transforms `first` and `second`, 1024 samples each, into 1024 coefficients. */
  transform(first: Float32Array, second: Float32Array, out: Float64Array): void {
    this.#fold(first, second);
    const re = this.#re;
    const im = this.#im;
    for (let n = 0; n < HALF; n++) {
      const a = this.#folded[2 * n]!;
      const b = this.#folded[FRAME_LENGTH - 1 - 2 * n]!;
      const at = this.#reversed[n]!;
      re[at] = a * this.#twistCos[n]! - b * this.#twistSin[n]!;
      im[at] = a * this.#twistSin[n]! + b * this.#twistCos[n]!;
    }
    this.#fft();
    for (let k = 0; k < HALF; k++) {
      out[2 * k] = 2 * (re[k]! * this.#twistCos[k]! - im[k]! * this.#twistSin[k]!);
      out[FRAME_LENGTH - 1 - 2 * k] = -2 * (re[k]! * this.#twistSin[k]! + im[k]! * this.#twistCos[k]!);
    }
  }

  /** Windows the 2048 samples (a, b, c, d) and folds them into (-c reversed - d, a - b reversed). */
  #fold(first: Float32Array, second: Float32Array): void {
    const w = this.#window;
    for (let n = 0; n < HALF; n++) {
      const c = HALF - 1 - n;
      const d = HALF + n;
      this.#folded[n] = -second[c]! * w[FRAME_LENGTH + c]! - second[d]! * w[FRAME_LENGTH + d]!;
      const b = FRAME_LENGTH - 1 - n;
      this.#folded[HALF + n] = first[n]! * w[n]! - first[b]! * w[b]!;
    }
  }

  /** In place, radix 2; the input is in bit-reversed order. */
  #fft(): void {
    const re = this.#re;
    const im = this.#im;
    for (let size = 2; size <= HALF; size *= 2) {
      const half = size / 2;
      const step = HALF / size;
      for (let start = 0; start < HALF; start += size) {
        for (let k = 0; k < half; k++) {
          const c = this.#rootCos[k * step]!;
          const s = this.#rootSin[k * step]!;
          const p = start + k;
          const q = p + half;
          const x = re[q]! * c - im[q]! * s;
          const y = re[q]! * s + im[q]! * c;
          re[q] = re[p]! - x;
          im[q] = im[p]! - y;
          re[p] = re[p]! + x;
          im[p] = im[p]! + y;
        }
      }
    }
  }
}
