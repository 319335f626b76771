export interface RateControlOptions {
  readonly bitrateKbps: number;
  readonly fps: number;
  /** Pictures from one key frame to the next. */
  readonly gopLength: number;
  readonly pixelCount: number;
  readonly minQp?: number;
  readonly maxQp?: number;
}

/** The share of a GOP's bits that its key frame may take. */
const KEY_SHARE = 0.3;

/**
 * Chooses one QP for each picture so that every GOP takes about its share of the bitrate.
 *
 * It trusts one rule: six steps of QP halve the bits. `complexity` is what a picture would have cost at QP 0 by that
 * rule, averaged; it and what is left of the GOP's budget give the next QP. What a GOP saves is not carried over, so
 * that a still scene is never followed by a burst; what it overspends is.
 */
export class RateControl {
  readonly #gopBits: number;
  readonly #gopLength: number;
  readonly #minQp: number;
  readonly #maxQp: number;
  #leftBits = 0;
  #leftCount = 0;
  #keyComplexity: number;
  #complexity: number;
  #qp: number;

  constructor(options: RateControlOptions) {
    this.#gopBits = (options.bitrateKbps * 1000 * options.gopLength) / options.fps;
    this.#gopLength = options.gopLength;
    this.#minQp = options.minQp ?? 18;
    this.#maxQp = options.maxQp ?? 44;
    // First guesses, for drawn content: 0.5 bits a pixel for a key frame at QP 28, a twentieth of it for the others.
    this.#keyComplexity = options.pixelCount * 0.5 * 2 ** (28 / 6);
    this.#complexity = this.#keyComplexity / 20;
    this.#qp = this.#fit(this.#keyComplexity, this.#gopBits * KEY_SHARE);
  }

  /** QP of the next picture. */
  nextQp(isKey: boolean): number {
    if (isKey) {
      const wanted = this.#fit(this.#keyComplexity, this.#gopBits * KEY_SHARE);
      this.#qp = Math.min(Math.max(wanted, this.#qp - 3), this.#qp + 3);
    } else {
      const share = this.#leftBits / Math.max(1, this.#leftCount);
      const wanted = this.#fit(this.#complexity, share);
      this.#qp = Math.min(Math.max(wanted, this.#qp - 1), this.#qp + 2);
    }
    return this.#qp;
  }

  /** Tells what the picture took. */
  spent(isKey: boolean, bitCount: number): void {
    const seen = bitCount * 2 ** (this.#qp / 6);
    if (isKey) {
      this.#keyComplexity = seen;
      this.#leftBits = this.#gopBits + Math.max(Math.min(0, this.#leftBits), -this.#gopBits / 4);
      this.#leftCount = this.#gopLength;
    } else {
      this.#complexity += (seen - this.#complexity) / 12;
    }
    this.#leftBits -= bitCount;
    this.#leftCount--;
  }

  #fit(complexity: number, bits: number): number {
    if (bits <= 0) return this.#maxQp;
    return Math.min(this.#maxQp, Math.max(this.#minQp, Math.round(6 * Math.log2(complexity / bits))));
  }
}
